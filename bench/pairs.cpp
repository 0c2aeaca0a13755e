// alloc+free pairs in a warm cache, for counting instructions: ci/bench runs this under callgrind and
// takes the difference of two counts. usage: pairs SIDE COUNT
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <slab/slab.hpp>

namespace {

constexpr std::size_t object_size = 64;
struct Object {
  std::byte bytes[object_size];
};

/// Slabs from aligned_alloc, a map that is an array, SlabInfos from malloc: the cheapest possible backend.
class Backend {
 public:
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    return std::aligned_alloc(page_size, slab_size);
  }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { std::free(slab); }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return infos_[page_addr / 4096 % 64] = info, true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept { return infos_[page_addr / 4096 % 64]; }
  void delete_slab_info(std::uintptr_t page_addr) noexcept { infos_[page_addr / 4096 % 64] = nullptr; }
  void* alloc_slab_info(std::size_t size) noexcept { return std::malloc(size); }
  void free_slab_info(void* info, std::size_t) noexcept { std::free(info); }

 private:
  slab::SlabInfo* infos_[64] = {};
};

/// The simplest possible pool.
class IntrusiveList {
 public:
  void* alloc() {
    void* const slot = free_;
    if (!slot) return std::malloc(object_size);
    free_ = *static_cast<void**>(slot);
    return slot;
  }
  void free(void* slot) {
    *static_cast<void**>(slot) = free_;
    free_ = slot;
  }

 private:
  void* free_ = nullptr;
};

struct Malloc {
  void* alloc() { return std::malloc(object_size); }
  void free(void* object) { std::free(object); }
};

template <class Pool>
[[gnu::noinline]] void pairs(Pool& pool, long count) {
  // Warms the cache up: some objects are live, so that no slab becomes empty, and some are free.
  decltype(pool.alloc()) objects[8];
  for (auto& object : objects) object = pool.alloc();
  for (int i = 4; i < 8; ++i) pool.free(objects[i]);
  for (long i = 0; i < count; ++i) {
    auto object = pool.alloc();
    asm volatile("" : "+r"(object) : : "memory");
    pool.free(object);
  }
  for (int i = 0; i < 4; ++i) pool.free(objects[i]);
}

template <std::size_t SlabSize, slab::ObjectSizeType Type, class Policy>
void run_fixed(long count) {
  Backend backend;
  slab::Cache<Object, slab::Config{SlabSize, 4096, Type}, Backend, Policy> cache{backend};
  pairs(cache, count);
}

template <std::size_t SlabSize, slab::ObjectSizeType Type, class Policy>
void run_dynamic(long count) {
  Backend backend;
  constexpr auto geometry = slab::Geometry::make(SlabSize, 4096, Type, object_size, 8).value();
  slab::DynamicCache<geometry.row(), Backend, Policy> cache{geometry, backend};
  pairs(cache, count);
}

template <class Pool>
void run_plain(long count) {
  Pool pool;
  pairs(pool, count);
}

using enum slab::ObjectSizeType;
using slab::Checked, slab::Unchecked;
constexpr struct {
  std::string_view name;
  void (*run)(long count);
} sides[] = {
    {"intrusive_list", run_plain<IntrusiveList>},
    {"malloc", run_plain<Malloc>},
    {"Cache/SmallSinglePage/Unchecked", run_fixed<4096, Small, Unchecked>},
    {"Cache/SmallSinglePage/Checked", run_fixed<4096, Small, Checked>},
    {"Cache/SmallMultiPage/Unchecked", run_fixed<16384, Small, Unchecked>},
    {"Cache/SmallMultiPage/Checked", run_fixed<16384, Small, Checked>},
    {"Cache/Large/Unchecked", run_fixed<16384, Large, Unchecked>},
    {"Cache/Large/Checked", run_fixed<16384, Large, Checked>},
    {"DynamicCache/SmallSinglePage/Unchecked", run_dynamic<4096, Small, Unchecked>},
    {"DynamicCache/SmallSinglePage/Checked", run_dynamic<4096, Small, Checked>},
    {"DynamicCache/Large/Unchecked", run_dynamic<16384, Large, Unchecked>},
    {"DynamicCache/Large/Checked", run_dynamic<16384, Large, Checked>},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view{argv[1]} == "--list") {
    for (const auto& side : sides) std::printf("%s\n", side.name.data());
    return 0;
  }
  if (argc == 3)
    for (const auto& side : sides)
      if (side.name == argv[1]) return side.run(std::atol(argv[2])), 0;
  std::fprintf(stderr, "usage: pairs SIDE COUNT, or pairs --list\n");
  return 2;
}

// Who called, as a report has it: every misuse is committed by a function that lies in a section of its own, and that
// is where `caller` must point. optimized.cmake compiles this with each compiler; what the cache does in a build that
// is not optimised, misuse.hpp says.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include <slab/slab.hpp>

extern "C" const char __start_guilty[], __stop_guilty[];  // the linker's: where the section begins and ends

namespace {

using slab::Misuse;
using slab::MisuseReport;

#define GUILTY [[gnu::noinline, gnu::section("guilty")]]

MisuseReport told;
std::size_t reports = 0;

struct Named : slab::Checked {
  static constexpr const char* name = "blocks";
  static void on_misuse(const MisuseReport& report) noexcept { told = report, ++reports; }
};

constexpr std::size_t slab_size = 8192, slots = 4;

struct Backend {
  void* alloc_slab(std::size_t, std::size_t) noexcept;
  void free_slab(void*, std::size_t, std::size_t) noexcept { --used; }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept { return *entry(page) = info, true; }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept { return entry(page) ? *entry(page) : nullptr; }
  void delete_slab_info(std::uintptr_t page) noexcept { *entry(page) = nullptr; }
  slab::SlabInfo** entry(std::uintptr_t page) {
    const std::size_t index = (page - reinterpret_cast<std::uintptr_t>(memory)) / 4096;
    return index < 2 * slots ? &map[index] : nullptr;
  }
  bool calls_back = false, repeats = false;
  std::size_t used = 0;
  slab::SlabInfo* map[2 * slots] = {};
  alignas(4096) unsigned char memory[slots][slab_size];
};

struct Block {
  unsigned char bytes[72];
};
using Blocks = slab::Cache<Block, slab::Config{.slab_size = slab_size}, Backend, Named>;

Backend backend;
alignas(Blocks) std::byte place[sizeof(Blocks)];
Blocks& cache = *reinterpret_cast<Blocks*>(place);

// Each does something after the call, so that it is no jump.
GUILTY void guilty_free(Block* block) {
  cache.free(block);
  asm volatile("");
}
GUILTY Block* guilty_alloc() {
  Block* const block = cache.alloc();
  asm volatile("");
  return block;
}
GUILTY bool guilty_reserve(std::size_t n) {
  const bool is_reserved = cache.reserve(n);
  asm volatile("");
  return is_reserved;
}
GUILTY void guilty_shrink() {
  cache.shrink();
  asm volatile("");
}
GUILTY void guilty_destroy() {
  std::destroy_at(&cache);
  asm volatile("");
}

void* Backend::alloc_slab(std::size_t, std::size_t) noexcept {
  if (calls_back) guilty_shrink();
  if (repeats) return memory[used - 1];
  return used == slots ? nullptr : memory[used++];
}

void require(bool condition, Misuse kind, const char* what) {
  if (condition) return;
  std::printf("FAILED: %s: %s\n", to_string(kind), what);
  std::exit(1);
}

template <class Commit>
void commit(Misuse kind, const char* how, Commit commit_it) {
  new (&backend) Backend;
  new (place) Blocks{backend};
  reports = 0;
  commit_it();
  std::printf("%s by %s\n", to_string(kind), how);
  require(reports == 1, kind, "not one report");
  require(told.kind == kind, kind, to_string(told.kind));
  const char* const caller = static_cast<const char*>(told.caller);
  require(caller > __start_guilty && caller <= __stop_guilty, kind, "the caller is not who it was");
  require(told.cache == &cache && told.object_size == sizeof(Block), kind, "another cache");
  require(std::strcmp(told.cache_name, "blocks") == 0, kind, "another name");
}

unsigned char* bytes_of(Block* block) { return reinterpret_cast<unsigned char*>(block); }
unsigned char* info_of(Block* first) { return bytes_of(first) + slab_size - sizeof(slab::SlabInfo); }
void fill_slab() {
  for (std::size_t n = cache.geometry().objects_per_slab(); n > 0; --n) static_cast<void>(cache.alloc());
}

void commit_each() {
  using enum Misuse;
  const auto at = [](Block* block, std::size_t offset) { return reinterpret_cast<Block*>(bytes_of(block) + offset); };
  const std::size_t table = cache.geometry().slab_info_offset();
  static Block local;
  commit(DoubleFree, "free in the current slab", [] {
    Block* const block = cache.alloc();
    cache.free(block);
    guilty_free(block);
  });
  commit(DoubleFree, "free in a partial slab", [] {
    Block* const block = cache.alloc();
    fill_slab();
    fill_slab();
    Block* const other = cache.alloc();
    cache.free(block);
    cache.free(block + 1);
    static_cast<void>(other);
    guilty_free(block);
  });
  commit(InteriorPointer, "free", [&] { guilty_free(at(cache.alloc(), 8)); });
  commit(InteriorPointer, "free in a full slab", [&] {
    Block* const block = cache.alloc();
    fill_slab();
    guilty_free(at(block, 8));
  });
  commit(SlabInfoPointer, "free", [&] { guilty_free(at(cache.alloc(), slab_size - 64)); });
  commit(TailWastePointer, "free", [&] { guilty_free(at(cache.alloc(), table - 8)); });
  commit(NeverAllocated, "free", [&] { guilty_free(cache.alloc() + 1); });
  commit(ForeignPointer, "free", [&] { guilty_free(&local); });
  commit(OtherCache, "free", [&] {
    static Blocks other{backend};
    new (&other) Blocks{backend};
    guilty_free(other.alloc());
  });
  commit(CorruptedFreeList, "alloc", [&] {
    Block* const block = cache.alloc();
    cache.free(cache.alloc());
    bytes_of(block)[table + 1] = 0xFF;
    static_cast<void>(guilty_alloc());
  });
  commit(CorruptedFreeList, "free", [&] {
    Block* const block = cache.alloc();
    Block* const freed = cache.alloc();
    cache.free(freed);
    bytes_of(block)[table + 1] = 0;
    guilty_free(freed);
  });
  commit(CorruptedSlabInfo, "alloc that turns to the slab", [] {
    Block* const block = cache.alloc();
    static_cast<void>(cache.reserve(2 * cache.geometry().objects_per_slab() - 1));
    while (cache.statistics().full_slabs == 0) static_cast<void>(cache.alloc());
    info_of(block)[slab_size + 24] ^= 1;
    static_cast<void>(guilty_alloc());
  });
  commit(CorruptedSlabInfo, "free", [&] {
    Block* const block = cache.alloc();
    info_of(block)[24] ^= 1;
    guilty_free(at(block, 8));
  });
  commit(CorruptedSlabInfo, "free in a partial slab", [] {
    Block* const block = cache.alloc();
    fill_slab();
    fill_slab();
    cache.free(block);
    cache.free(reinterpret_cast<Block*>(backend.memory[1]));
    info_of(block)[4] ^= 1;
    guilty_free(block + 1);
  });
  commit(CorruptedSlabInfo, "reserve that gives slabs back", [] {
    static_cast<void>(cache.reserve(2 * cache.geometry().objects_per_slab()));
    for (auto& slab : backend.memory) slab[slab_size - 64 + 24] ^= backend.used > 1;
    backend.memory[0][slab_size - 64 + 24] ^= 1;
    static_cast<void>(guilty_reserve(1));
  });
  commit(CorruptedSlabInfo, "shrink", [] {
    cache.free(cache.alloc());
    backend.memory[0][slab_size - 64 + 24] ^= 1;
    guilty_shrink();
  });
  commit(CorruptedSlabInfo, "destruction", [] {
    cache.free(cache.alloc());
    backend.memory[0][slab_size - 64 + 24] ^= 1;
    guilty_destroy();
  });
  commit(BackendFault, "alloc", [] {
    fill_slab();
    backend.repeats = true;
    static_cast<void>(guilty_alloc());
  });
  commit(BackendFault, "reserve", [] {
    fill_slab();
    backend.repeats = true;
    static_cast<void>(guilty_reserve(1));
  });
  commit(BackendFault, "free", [] {
    Block* const block = cache.alloc();
    fill_slab();
    backend.map[0] = nullptr;
    guilty_free(block);
  });
  commit(ReentrantCall, "shrink", [] {
    backend.calls_back = true;
    static_cast<void>(cache.alloc());
  });
  commit(LiveAtDestruction, "destruction", [] {
    static_cast<void>(cache.alloc());
    guilty_destroy();
  });
}

}  // namespace

int main() {
  new (place) Blocks{backend};
  commit_each();
  std::puts("done");
}

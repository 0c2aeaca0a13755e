// What a policy with guards costs: objects of 64 bytes in slabs of one page of 4 KiB, 10,000 of them live, calls not
// inlined. The table in docs/policy.md is made by
//
//   ci/build bench guards
//   valgrind --tool=callgrind --collect-atstart=no --callgrind-out-file=/dev/null build/bench/bin/guards Debug W5
//
// where `Collected` is the instructions of 100,000 pairs. Without Valgrind it prints what a slot takes.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include <slab/slab.hpp>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

namespace {

constexpr std::size_t page = 4096, pairs = 100'000, live = 10'000;

struct Heap {
  void* alloc_slab(std::size_t size, std::size_t align) noexcept { return std::aligned_alloc(align, size); }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept { std::free(slab); }
};

struct RedZone : slab::Checked {
  static constexpr std::size_t red_zone_bytes = 16;
};
struct Pattern : slab::Checked {
  static constexpr bool verify_pattern = true;
};
struct Quarantine : slab::Checked {
  static constexpr std::size_t quarantine_objects = 64;
};
struct ZeroOnAlloc : slab::Checked {
  static constexpr slab::Zero zero = slab::Zero::OnAlloc;
};
struct ZeroOnFree : slab::Checked {
  static constexpr slab::Zero zero = slab::Zero::OnFree;
};
struct Callers : slab::Checked {
  static constexpr bool track_callers = true;
};

template <class Policy>
class Pool {
 public:
  Pool() : cache_{geometry(), heap_} {}
  static slab::Geometry geometry() {
    return slab::Geometry::make<Policy>(page, page, slab::ObjectSizeType::Small, 64, 8).value();
  }
  [[gnu::noinline]] void* alloc() { return cache_.alloc(); }
  [[gnu::noinline]] void free(void* object) { cache_.free(object); }

 private:
  Heap heap_;
  slab::DynamicCache<slab::Row::SmallSinglePage, Heap, Policy> cache_;
};

template <class Policy>
void run(const char* name, bool churns) {
  const slab::Geometry geometry = Pool<Policy>::geometry();
  std::printf("%s: %zu bytes a slot, %zu objects a slab\n", name, geometry.stride(), geometry.objects_per_slab());
  Pool<Policy> pool;
  std::vector<void*> objects(live);
  for (void*& object : objects) object = pool.alloc();
  std::minstd_rand random{1};
  std::vector<std::size_t> chosen(pairs);
  for (std::size_t& index : chosen) index = random() % live;
  const auto exchange = [&](std::size_t index) {
    pool.free(objects[index]);
    objects[index] = pool.alloc();
  };
  for (const std::size_t index : chosen) exchange(index);
  CALLGRIND_TOGGLE_COLLECT;
  if (churns)
    for (const std::size_t index : chosen) exchange(index);
  else
    for (std::size_t pair = 0; pair < pairs; ++pair) pool.free(pool.alloc());
  CALLGRIND_TOGGLE_COLLECT;
  for (void* object : objects) pool.free(object);
}

}  // namespace

int main(int argc, char** argv) {
  const auto is = [&](int argument, const char* word) { return std::strcmp(argv[argument], word) == 0; };
  if (argc == 3 && (is(2, "W5") || is(2, "W7"))) {
    const bool churns = is(2, "W5");
    if (is(1, "Unchecked")) return run<slab::Unchecked>(argv[1], churns), 0;
    if (is(1, "Checked")) return run<slab::Checked>(argv[1], churns), 0;
    if (is(1, "Debug")) return run<slab::Debug>(argv[1], churns), 0;
    if (is(1, "RedZone")) return run<RedZone>(argv[1], churns), 0;
    if (is(1, "Pattern")) return run<Pattern>(argv[1], churns), 0;
    if (is(1, "Quarantine")) return run<Quarantine>(argv[1], churns), 0;
    if (is(1, "ZeroOnAlloc")) return run<ZeroOnAlloc>(argv[1], churns), 0;
    if (is(1, "ZeroOnFree")) return run<ZeroOnFree>(argv[1], churns), 0;
    if (is(1, "Callers")) return run<Callers>(argv[1], churns), 0;
  }
  std::fprintf(stderr,
               "usage: guards Unchecked|Checked|Debug|RedZone|Pattern|Quarantine|ZeroOnAlloc|ZeroOnFree|Callers "
               "W5|W7\n");
  return 2;
}

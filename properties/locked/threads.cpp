// Real threads on one Locked cache with std::mutex, under ThreadSanitizer: objects are freed by other threads than
// those that allocated them. What is right holds however the threads run.
//
//   locked_threads                    exit 0: nothing wrong; 66: ThreadSanitizer has seen a race; 1: something else
//   locked_threads --without-lock ROW two threads, one after the other, with a lock that does nothing: a race
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <slab/cache.hpp>
#include <slab/locked.hpp>

#include "model/judge/invariant.hpp"

namespace {

constexpr std::size_t threads = 4, rounds = 3000, object_size = 64;

/// Slabs from the heap, and a map that nobody locks: the cache's lock is held while it is asked or changed.
struct Heap {
  std::atomic<long> slabs{0}, infos{0};
  std::unordered_map<std::uintptr_t, slab::SlabInfo*> map;

  void* alloc_slab(std::size_t size, std::size_t) noexcept {
    ++slabs;
    return std::aligned_alloc(size, size);
  }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept {
    --slabs;
    std::free(slab);
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    ++infos;
    return std::malloc(size);
  }
  void free_slab_info(void* info, std::size_t) noexcept {
    --infos;
    std::free(info);
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept { return map[page] = info, true; }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    const auto found = map.find(page);
    return found == map.end() ? nullptr : found->second;
  }
  void delete_slab_info(std::uintptr_t page) noexcept { map.erase(page); }
};

struct Mutex {
  void lock() noexcept { mutex.lock(); }
  void unlock() noexcept { mutex.unlock(); }
  std::mutex mutex;
};
struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};

struct Guarded : slab::Checked {
  static constexpr std::size_t red_zone_bytes = 8;
  static constexpr bool verify_pattern = true;
  static constexpr std::size_t quarantine_objects = 8;
};

template <class Policy>
slab::Geometry geometry_of(slab::Row row) {
  using enum slab::ObjectSizeType;
  return slab::Geometry::make<Policy>(row == slab::Row::SmallMultiPage ? 1024 : 512, 512,
                                      row == slab::Row::Large ? Large : Small, object_size, 8)
      .value();
}

[[noreturn]] void fail(const char* what) {
  std::printf("violated: %s: %s\n", slabproof::to_string(slabproof::Invariant::K11).c_str(), what);
  std::exit(1);
}

/// What is handed from thread to thread.
using Slots = std::array<std::atomic<unsigned char*>, 64>;

/// Allocates, writes, hands on; and frees what others have handed on.
template <class C>
void work(C& cache, Slots& slots, std::uint32_t random) {
  const auto next = [&random] { return random = random * 1664525 + 1013904223, random >> 16; };
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::uint32_t what = next() % 64;
    if (what == 0) static_cast<void>(cache.reserve(next() % 32));
    if (what == 1) static_cast<void>(cache.shrink());
    if (what == 2) static_cast<void>(cache.statistics());
    auto* object = static_cast<unsigned char*>(what < 16 ? cache.alloc_no_grow() : cache.alloc());
    if (object) std::memset(object, static_cast<int>(i & 0xFF), object_size);
    object = slots[next() % slots.size()].exchange(object, std::memory_order_acq_rel);
    if (!object) continue;
    for (std::size_t at = 1; at < object_size; ++at)
      if (object[at] != object[0]) fail("an object keeps its contents");
    what % 4 == 0 ? cache.free_deferred(object) : cache.free(object);
  }
}

template <slab::Row R, class Policy>
void run(const char* policy) {
  Heap heap;
  {
    slab::Locked<slab::DynamicCache<R, Heap, Policy>, Mutex> cache{geometry_of<Policy>(R), heap};
    Slots slots{};
    std::vector<std::thread> all;
    for (std::uint32_t i = 0; i < threads; ++i) all.emplace_back([&cache, &slots, i] { work(cache, slots, i + 1); });
    for (std::thread& one : all) one.join();
    for (auto& slot : slots) cache.free(slot.load());
    if (!cache.audit()) fail("audit() holds in the end");
    if (cache.statistics().allocated_objects != 0) fail("statistics count the live objects");
  }
  if (heap.slabs != 0 || heap.infos != 0 || !heap.map.empty()) fail("all is given back");
  std::printf("%s, %s: nothing wrong\n", slab::to_string(R), policy);
}

template <slab::Row R>
void run_row() {
  run<R, slab::Checked>("Checked");
  run<R, slab::Unchecked>("Unchecked");
  run<R, Guarded>("Guarded");
}

/// The second thread comes when the first has ended its calls, and learns so in a way that orders nothing else.
template <slab::Row R>
void run_without_lock() {
  Heap heap;
  slab::Locked<slab::DynamicCache<R, Heap, slab::Checked>, NoLock> cache{geometry_of<slab::Checked>(R), heap};
  std::atomic<bool> is_over{false};
  std::thread first{[&] {
    cache.free(cache.alloc());
    is_over.store(true, std::memory_order_relaxed);
  }};
  std::thread second{[&] {
    while (!is_over.load(std::memory_order_relaxed)) std::this_thread::yield();
    cache.free(cache.alloc());
  }};
  first.join();
  second.join();
}

}  // namespace

int main(int argc, char** argv) {
  using enum slab::Row;
  if (argc == 1) {
    run_row<SmallSinglePage>();
    run_row<SmallMultiPage>();
    run_row<Large>();
    return 0;
  }
  const std::string row = argc == 3 && std::string{argv[1]} == "--without-lock" ? argv[2] : "";
  if (row == slab::to_string(SmallSinglePage)) return run_without_lock<SmallSinglePage>(), 0;
  if (row == slab::to_string(SmallMultiPage)) return run_without_lock<SmallMultiPage>(), 0;
  if (row == slab::to_string(Large)) return run_without_lock<Large>(), 0;
  std::fprintf(stderr, "usage: locked_threads [--without-lock ROW]\n");
  return 2;
}

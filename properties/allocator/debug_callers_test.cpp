#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <slab/locked.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/each_row_world.hpp"
#include "properties/allocator/guarded_policies.hpp"

// Policies that track callers: who allocated a slot and who freed it, as reports have it. CMake compiles this file with
// optimisation in every build: without it a report may name a function of the cache instead (misuse.hpp).

namespace {

using namespace properties;
using slab::Cache;
using slab::Config;
using slab::Misuse;

struct GuardedCallers : testing::Test {
  GuardedCallers() { reports.clear(); }
};

template <class C>
__attribute__((noinline)) auto allocate_here(C& cache) {
  auto object = cache.alloc();
  __asm__ volatile("" : : : "memory");  // no tail call
  return object;
}
template <class C, class T>
__attribute__((noinline)) void free_here(C& cache, T object) {
  cache.free(object);
  __asm__ volatile("" : : : "memory");
}
template <class C>
__attribute__((noinline)) void shrink_here(C& cache) {
  static_cast<void>(cache.shrink());
  __asm__ volatile("" : : : "memory");
}
template <class Function>
bool is_in(const void* caller, Function* function) {
  return reinterpret_cast<std::uintptr_t>(caller) - reinterpret_cast<std::uintptr_t>(function) < 200;
}

template <class C>
void name_callers(C& cache) {
  using Policy = decltype(policy_of(cache));
  using T = decltype(cache.alloc());
  auto* const allocates = &allocate_here<C>;
  auto* const frees = &free_here<C, T>;
  T object = allocate_here(cache);
  auto* const slot = reinterpret_cast<std::byte*>(object);
  if (Policy::red_zone_bytes != 0) {
    change(slot, {cache.geometry().object_size(), 1});
    cache.free(object);
    EXPECT_TRUE(is_in(reports.at(0).allocated_by, allocates));
    EXPECT_EQ(reports[0].freed_by, nullptr);
    change(slot, {cache.geometry().object_size(), 1});
    reports.clear();
  }
  free_here(cache, object);
  free_here(cache, object);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::DoubleFree);
  EXPECT_TRUE(is_in(reports[0].allocated_by, allocates));
  EXPECT_TRUE(is_in(reports[0].freed_by, frees));
  EXPECT_TRUE(is_in(reports[0].caller, frees));
  EXPECT_EQ(reports[0].changed_bytes, 0u);
  if (Policy::verify_pattern) {
    reports.clear();
    change(slot, {3, 2});
    std::vector<T> all;
    do all.push_back(cache.alloc());
    while (all.back() != object);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_TRUE(is_in(reports[0].allocated_by, allocates)) << "who had it before";
    EXPECT_TRUE(is_in(reports[0].freed_by, frees));
    for (T one : all) cache.free(one);
  }
  reports.clear();
  cache.shrink();
}

TEST_F(GuardedCallers, ReportsNameWhoAllocatedAndWhoFreedTheSlot) {
  const auto test = [](auto&& cache) { name_callers(cache); };
  in_large<OnlyCallers>(test);
  in_each_row<Everything>(test);
  in_each_row<EverythingAtOnce>(test);
}

TEST_F(GuardedCallers, DestructionNamesWhoAllocatedWhatIsLeft) {
  SlabsInOrder backend;
  using BlockCache = Cache<Block, Config{.slab_size = 8192}, SlabsInOrder, Everything>;
  {
    BlockCache cache{backend};
    cache.free(cache.alloc());
    static_cast<void>(allocate_here(cache));
  }
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::LiveAtDestruction);
  EXPECT_TRUE(is_in(reports[0].allocated_by, &allocate_here<BlockCache>));
  ASSERT_EQ(backend.slabs, 1u);
  void* const slab = backend.number.begin()->first;
#if defined(SLAB_ASAN)
  __asan_unpoison_memory_region(slab, 8192);
#endif
  backend.free_slab(slab, 8192, 4096);
}

// Of this file alone, so that they are compiled with optimisation.
struct Tracked : slab::Checked {
  static constexpr bool track_callers = true;
};
struct Delaying : Waiting {};

TEST_F(GuardedCallers, AreThoseOfTheCallThatGoesOnAfterOnMisuseHasCalledTheCache) {
  in_rows_of<Tracked, 4>("with callers", [](auto& world) {
    auto& cache = *world.cache;
    make_first_partial(world, 3);
    ASSERT_EQ(cache.alloc(), world.at(1, 0));
    world.damage_counts(0);
    world.answer([&](const slab::MisuseReport&) { cache.free(cache.alloc()); });
    void* const object = allocate_here(cache);
    world.expect_set_aside(0);
    world.answer(nullptr);
    cache.free(object);
    cache.free(object);
    world.expect_report(Misuse::DoubleFree, object);
    EXPECT_TRUE(is_in(reports.back().allocated_by, &allocate_here<std::remove_reference_t<decltype(cache)>>));
    world.free_all();
  });
}

TEST_F(GuardedCallers, ThatHaveWhatWaitsLeaveAreToldWhatIsWrongWithIt) {
  in_rows_of<Delaying, 4>("with a quarantine", [](auto& world) {
    hand_out_what_waits(world);
    shrink_here(*world.cache);
    world.expect_report(Misuse::CorruptedFreeList, world.at(0, 0));
    EXPECT_TRUE(is_in(reports.back().caller, &shrink_here<std::remove_reference_t<decltype(*world.cache)>>));
  });
}

struct NoLock {
  void lock() noexcept {}
  void unlock() noexcept {}
};

TEST_F(GuardedCallers, OfALockedCacheAreThoseOfTheCache) {
  SlabsInOrder backend;
  using Blocks = slab::Locked<Cache<Block, Config{}, SlabsInOrder, Everything>, NoLock>;
  Blocks cache{backend};
  Block* const object = allocate_here(cache);
  free_here(cache, object);
  free_here(cache, object);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::DoubleFree);
  EXPECT_TRUE(is_in(reports[0].allocated_by, &allocate_here<Blocks>));
  EXPECT_TRUE(is_in(reports[0].freed_by, &free_here<Blocks, Block*>));
  EXPECT_TRUE(is_in(reports[0].caller, &free_here<Blocks, Block*>));
  cache.shrink();
}

// One that leaves the quarantine when somebody shrinks the cache, and whose slab is damaged.
TEST_F(GuardedCallers, OfALockedCacheThatShrinksIsWhoShrinksIt) {
  SlabsInOrder backend;
  using Blocks = slab::Locked<Cache<Block, Config{}, SlabsInOrder, Everything>, NoLock>;
  {
    Blocks cache{backend};
    const std::size_t slab = cache.geometry().objects_per_slab();
    std::vector<Block*> objects;
    for (std::size_t i = 0; i < 2 * slab; ++i) objects.push_back(cache.alloc());
    for (std::size_t i = 0; i < 4; ++i) cache.free(objects[i]);
    for (std::size_t i = 0; i < 4; ++i) cache.free(objects[slab + i]);  // whose slab becomes the current one
    cache.free(objects[4]);
    constexpr std::size_t info = 4096 - sizeof(slab::SlabInfo);
    change(reinterpret_cast<std::byte*>(objects[0]), {info + offsetof(slab::detail::SealedSlots, slots_seal), 1});
    shrink_here(cache);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
    EXPECT_TRUE(is_in(reports[0].caller, &shrink_here<Blocks>));
    for (std::size_t i = slab + 4; i < 2 * slab; ++i) cache.free(objects[i]);
  }
  ASSERT_EQ(backend.slabs, 1u);
  std::free(backend.number.begin()->first);
}

}  // namespace

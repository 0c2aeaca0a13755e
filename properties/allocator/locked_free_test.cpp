#include <array>
#include <cstddef>

#include <gtest/gtest.h>

#include <slab/locked.hpp>
#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"

// How often Locked takes its lock to give back what free_deferred() left: for each slab, so that none waits for all.

namespace {

struct Object {
  std::byte bytes[64];
};

struct CountingLock {
  void lock() noexcept { ++count; }
  void unlock() noexcept {}
  int count = 0;
};

template <class Policy>
class LockedFree : public testing::Test {};
using Policies = testing::Types<slab::Checked, slab::Unchecked>;
TYPED_TEST_SUITE(LockedFree, Policies);

TYPED_TEST(LockedFree, TakesTheLockOnceMoreForEachSlabTooMany) {
  for (const bool is_full : {false, true}) {
    SCOPED_TRACE(is_full);
    using Cache = slab::Cache<Object, slab::Config{}, properties::HeapBackend, TypeParam>;
    properties::HeapBackend backend;
    slab::Locked<Cache, CountingLock> cache{backend};
    std::array<std::array<Object*, 64>, 4> slabs{};
    const std::size_t each = cache.geometry().objects_per_slab();
    ASSERT_LE(each, slabs[0].size());
    for (auto& slab : slabs)
      for (std::size_t i = 0; i < each; ++i) ASSERT_NE(slab[i] = cache.alloc(), nullptr);
    for (const std::size_t at : {0u, 1u, 2u})
      for (std::size_t i = 0; i < each; ++i) cache.free_deferred(slabs[at][i]);
    if (!is_full) cache.free_deferred(slabs[3][0]);
    ASSERT_EQ(cache.statistics().empty_slabs, 3u);

    cache.lock().count = 0;
    cache.free(slabs[3][1]);  // whose slab is current, or becomes it, and not empty
    EXPECT_EQ(cache.lock().count, 3);
    EXPECT_EQ(cache.statistics().empty_slabs, TypeParam::empty_slabs_kept);
    EXPECT_EQ(backend.slabs, 2u);
    for (std::size_t i = 0; i < each; ++i)
      if (i > 1 || (i == 0 && is_full)) cache.free(slabs[3][i]);
  }
}

}  // namespace

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"

// Which slabs a cache has, what statistics() says of them, and which one it allocates from.

namespace {

using properties::HeapBackend;
using slab::DynamicCache;
using slab::Geometry;
using slab::ObjectSizeType;
using slab::Row;

/// Knows where its slabs lie, and how often it was asked.
struct CountingBackend : HeapBackend {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    ++calls;
    if (left == 0) return nullptr;
    --left;
    void* const slab = HeapBackend::alloc_slab(slab_size, page_size);
    used[reinterpret_cast<std::uintptr_t>(slab)] = 0;
    return slab;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    ++left;
    used.erase(reinterpret_cast<std::uintptr_t>(slab));
    HeapBackend::free_slab(slab, slab_size, page_size);
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    ++look_ups;
    return HeapBackend::get_slab_info(page_addr);
  }
  std::size_t& used_around(const void* object) {
    return std::prev(used.upper_bound(reinterpret_cast<std::uintptr_t>(object)))->second;
  }
  /// What statistics() must say, counted slab by slab.
  slab::CacheStatistics count(std::size_t objects_per_slab) const {
    slab::CacheStatistics counted;
    for (const auto& [slab, objects] : used) {
      ++(objects == 0 ? counted.empty_slabs : objects == objects_per_slab ? counted.full_slabs : counted.partial_slabs);
      counted.allocated_objects += objects;
      counted.free_objects += objects_per_slab - objects;
    }
    return counted;
  }
  std::map<std::uintptr_t, std::size_t> used;  // objects, by slab
  std::size_t left = 8, calls = 0, look_ups = 0;
};

Geometry made(Row row, std::size_t object_size) {
  const std::size_t slab_size = row == Row::SmallMultiPage ? 512 : 256;
  const ObjectSizeType type = row == Row::Large ? ObjectSizeType::Large : ObjectSizeType::Small;
  return Geometry::make(slab_size, 256, type, object_size, 8).value();
}

/// Random operations, some of which the backend refuses.
template <Row R, class Policy>
void compare_statistics(std::size_t object_size) {
  const Geometry geometry = made(R, object_size);
  const std::size_t all = geometry.objects_per_slab();
  SCOPED_TRACE(testing::Message() << to_string(R) << ", " << all << " objects a slab, checks " << Policy::checks);
  std::mt19937_64 random{1};
  CountingBackend backend;
  DynamicCache<R, CountingBackend, Policy> cache{geometry, backend};
  std::vector<void*> live;
  std::size_t most = 4 * all;
  for (int step = 0; step < 4000; ++step) {
    const std::size_t choice = random() % 32;
    if (choice == 0) {
      cache.shrink();
      most = random() % (8 * all) + 1;
    } else if (choice == 1) {
      static_cast<void>(cache.reserve(random() % (9 * all)));
    } else if (live.size() < most && random() % 8 < 5) {
      if (void* const object = choice < 16 ? cache.alloc() : cache.alloc_no_grow()) {
        live.push_back(object);
        ++backend.used_around(object);
      }
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      --backend.used_around(live.back());
      cache.free(live.back());
      live.pop_back();
    }
    ASSERT_EQ(cache.statistics(), backend.count(all)) << "step " << step;
    ASSERT_TRUE(cache.audit());
  }
  for (void* object : live) --backend.used_around(object), cache.free(object);
  EXPECT_EQ(cache.statistics(), backend.count(all));
}

template <Row R>
void compare_statistics() {
  for (const std::size_t object_size : {168u, 56u, 40u, 8u}) {
    compare_statistics<R, slab::Checked>(object_size);
    compare_statistics<R, slab::Unchecked>(object_size);
  }
}

TEST(Statistics, AreWhatACountOfEachSlabSaysAfterEveryOperation) {
  compare_statistics<Row::SmallSinglePage>();
  compare_statistics<Row::SmallMultiPage>();
  compare_statistics<Row::Large>();
}

// O(1): with every slab and every SlabInfo out of reach.
TEST(Statistics, TouchNoSlab) {
  slab::hosted::Backend backend{1 << 20};
  const Geometry geometry = Geometry::make(4096, 4096, ObjectSizeType::Large, 512, 8).value();
  DynamicCache<Row::Large, slab::hosted::Backend> cache{geometry, backend};
  std::vector<void*> objects(100);
  for (void*& object : objects) object = cache.alloc();
  for (std::size_t i = 0; i < 50; ++i) cache.free(objects[i]);
  ASSERT_EQ(mprotect(const_cast<void*>(backend.begin()), backend.size(), PROT_NONE), 0);
  const slab::CacheStatistics statistics = cache.statistics();
  ASSERT_EQ(mprotect(const_cast<void*>(backend.begin()), backend.size(), PROT_READ | PROT_WRITE), 0);
  const slab::CacheStatistics expected{
      .full_slabs = 5, .partial_slabs = 2, .empty_slabs = 1, .allocated_objects = 50, .free_objects = 14};
  EXPECT_EQ(statistics, expected);
  for (std::size_t i = 50; i < 100; ++i) cache.free(objects[i]);
}

// A slab that begins where another one ends has none of its memory.
template <Row R>
void audit_neighbours() {
  slab::hosted::Backend backend{1 << 20};
  const std::size_t slab_size = R == Row::SmallMultiPage ? 8192 : 4096;
  const ObjectSizeType type = R == Row::Large ? ObjectSizeType::Large : ObjectSizeType::Small;
  const Geometry geometry = Geometry::make(slab_size, 4096, type, 512, 8).value();
  DynamicCache<R, slab::hosted::Backend> cache{geometry, backend};
  ASSERT_TRUE(cache.reserve(10 * geometry.objects_per_slab()));
  EXPECT_TRUE(cache.audit()) << to_string(R);
}

TEST(Audit, HoldsForSlabsThatLieSideBySide) {
  audit_neighbours<Row::SmallSinglePage>();
  audit_neighbours<Row::SmallMultiPage>();
  audit_neighbours<Row::Large>();
}

TEST(Reserve, OfMoreThanThereAreAddressesIsRefusedBeforeTheFirstBackendCallAndChangesNothing) {
  CountingBackend backend;
  const Geometry geometry = made(Row::SmallMultiPage, 40);
  DynamicCache<Row::SmallMultiPage, CountingBackend> cache{geometry, backend};
  const std::size_t all = geometry.objects_per_slab(), slabs = SIZE_MAX / geometry.slab_size();
  ASSERT_TRUE(cache.reserve(2 * all));  // two slabs stay empty from now on
  std::vector<void*> objects(3 * all);
  for (void*& object : objects) object = cache.alloc();
  cache.free(objects.back());
  objects.pop_back();
  const slab::CacheStatistics before = cache.statistics();
  const std::size_t calls = backend.calls, most = 1 + (slabs - 3) * all;  // one object is free
  for (const std::size_t n : {most + 1, most + all, SIZE_MAX / 2, SIZE_MAX - all, SIZE_MAX - 1, SIZE_MAX}) {
    EXPECT_FALSE(cache.reserve(n)) << n;
    EXPECT_EQ(backend.calls, calls) << n;
    EXPECT_EQ(cache.statistics(), before) << n;
  }
  EXPECT_FALSE(cache.reserve(most)) << "the backend has eight slabs";
  EXPECT_EQ(backend.calls, calls + 6) << "five more slabs, and a refusal";
  EXPECT_EQ(cache.statistics(), before);
  EXPECT_TRUE(cache.audit());
  for (void* object : objects) cache.free(object);
  EXPECT_EQ(cache.statistics().empty_slabs, 2u) << "a refused reserve() keeps what the last one asked for";
}

TEST(Reserve, ThatTheBackendRefusesAfterManySlabsGivesAllOfThemBack) {
  struct NineSlabs : HeapBackend {
    void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
      return slabs == 9 ? nullptr : HeapBackend::alloc_slab(slab_size, page_size);
    }
  } backend;
  const Geometry geometry = made(Row::SmallMultiPage, 40);
  DynamicCache<Row::SmallMultiPage, NineSlabs> cache{geometry, backend};
  EXPECT_FALSE(cache.reserve(10 * geometry.objects_per_slab()));
  EXPECT_EQ(cache.statistics(), slab::CacheStatistics{});
  EXPECT_TRUE(backend.has_everything_back());
}

// The current slab.

template <Row R, class Policy>
struct CurrentSlab {
  CurrentSlab() {
    for (void*& object : objects) object = cache.alloc();
  }
  ~CurrentSlab() {
    for (void* object : objects)
      if (object) cache.free(object);
  }
  /// The `index`th object of a slab: 0 and 1 are full, 2 is full and current.
  void free(std::size_t slab, std::size_t index) { cache.free(freed = std::exchange(at(slab, index), nullptr)); }
  /// Whether the next object is the `index`th of that slab.
  bool takes(std::size_t slab, std::size_t index, void* expected) {
    return (at(slab, index) = cache.alloc()) == expected;
  }
  void*& at(std::size_t slab, std::size_t index) { return objects[slab * all + index]; }

  Geometry geometry = made(R, 40);
  std::size_t all = geometry.objects_per_slab();
  CountingBackend backend;
  DynamicCache<R, CountingBackend, Policy> cache{geometry, backend};
  std::vector<void*> objects = std::vector<void*>(3 * all);
  void* freed = nullptr;
};

template <Row R, class Policy>
void free_into_full_slabs() {
  SCOPED_TRACE(testing::Message() << to_string(R) << ", checks " << Policy::checks);
  {
    CurrentSlab<R, Policy> slabs;
    slabs.free(0, 1);  // 0 becomes current; 2, which was, is full and on no list
    void* const first = slabs.freed;
    slabs.free(2, 0);  // 2 becomes current, and 0 partial
    void* const second = slabs.freed;
    slabs.free(1, 2);  // 1 becomes current, and 2 the first partial one
    void* const third = slabs.freed;
    slabs.free(0, 0);  // 0 was not full: it stays where it is
    void* const fourth = slabs.freed;
    EXPECT_TRUE(slabs.takes(1, 2, third));
    EXPECT_TRUE(slabs.takes(2, 0, second));
    EXPECT_TRUE(slabs.takes(0, 0, fourth));
    EXPECT_TRUE(slabs.takes(0, 1, first));
    EXPECT_TRUE(slabs.cache.audit());
  }
  {
    CurrentSlab<R, Policy> slabs;
    for (std::size_t i = 0; i < slabs.all; ++i) slabs.free(2, i);
    ASSERT_EQ(slabs.cache.shrink(), 1u);
    slabs.free(1, 0);  // there is no current slab: 1 becomes current, which needs no look-up from now on
    const std::size_t look_ups = slabs.backend.look_ups;
    slabs.free(1, 1);
    EXPECT_EQ(slabs.backend.look_ups, look_ups);
    EXPECT_TRUE(slabs.takes(1, 1, slabs.freed));
    EXPECT_TRUE(slabs.cache.audit());
  }
}

TEST(Policy, AFreeIntoAFullSlabMakesItCurrent) {
  free_into_full_slabs<Row::SmallSinglePage, slab::Checked>();
  free_into_full_slabs<Row::SmallSinglePage, slab::Unchecked>();
  free_into_full_slabs<Row::SmallMultiPage, slab::Checked>();
  free_into_full_slabs<Row::SmallMultiPage, slab::Unchecked>();
  free_into_full_slabs<Row::Large, slab::Checked>();
  free_into_full_slabs<Row::Large, slab::Unchecked>();
}

TEST(Policy, TheSlabThatBecamePartialLastComesNextAndAnEmptyOneOnlyAfterThePartialOnes) {
  CurrentSlab<Row::Large, slab::Checked> slabs;
  slabs.free(0, 1);
  void* const in_partial = slabs.freed;
  for (std::size_t i = 0; i < slabs.all; ++i) slabs.free(2, i);  // 0 is partial, and 2 current and empty
  slabs.free(1, 3);  // 1 is current, and 2 on the list of empty slabs
  EXPECT_TRUE(slabs.takes(1, 3, slabs.freed));
  EXPECT_TRUE(slabs.takes(0, 1, in_partial));
  const std::size_t calls = slabs.backend.calls;
  for (std::size_t i = 0; i < slabs.all; ++i) EXPECT_NE(slabs.at(2, i) = slabs.cache.alloc(), nullptr);
  EXPECT_EQ(slabs.backend.calls, calls);
}

}  // namespace

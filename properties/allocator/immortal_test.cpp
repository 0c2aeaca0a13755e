#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

// An Immortal constructed where one was before: that one is forgotten, and its objects are another cache's.

namespace {

using properties::HeapBackend;
using properties::Recording;
using properties::reports;
using slab::Cache;
using slab::Config;
using slab::Misuse;
using slab::ObjectSizeType;

/// LeakSanitizer finds what was forgotten here.
struct KeptBackend : HeapBackend {
  static inline std::vector<void*>& kept = *new std::vector<void*>;
  void* alloc_slab(std::size_t size, std::size_t page) noexcept {
    return kept.emplace_back(HeapBackend::alloc_slab(size, page));
  }
  void* alloc_slab_info(std::size_t size) noexcept { return kept.emplace_back(HeapBackend::alloc_slab_info(size)); }
};
struct Block {
  std::byte bytes[200];
};
using SinglePage = Cache<Block, Config{4096, 4096}, KeptBackend, Recording>;
using MultiPage = Cache<Block, Config{8192, 4096}, KeptBackend, Recording>;
using Large = Cache<Block, Config{4096, 4096, ObjectSizeType::Large}, KeptBackend, Recording>;
struct Patterned : Recording {
  static constexpr bool verify_pattern = true;
};
using Guarded = Cache<Block, Config{4096, 4096}, KeptBackend, Patterned>;

template <class C>
struct Forgotten : testing::Test {};
using EveryRow = testing::Types<SinglePage, MultiPage, Large, Guarded>;
TYPED_TEST_SUITE(Forgotten, EveryRow);

/// 200 objects in full slabs, partial ones and the current one; an empty slab besides.
template <class Immortal>
std::vector<Block*> fill(Immortal& cache) {
  EXPECT_TRUE(cache->reserve(300));
  std::vector<Block*> taken(220), live;
  for (Block*& block : taken) block = cache->alloc();
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (i % 11 == 0 && i < 110)
      cache->free(taken[i]);
    else
      live.push_back(taken[i]);
  }
  for (; live.size() > 200; live.pop_back()) cache->free(live.back());
  const slab::CacheStatistics counts = cache->statistics();
  EXPECT_TRUE(counts.full_slabs > 0 && counts.partial_slabs > 1 && counts.empty_slabs > 0);
  return live;
}

/// Frees what an earlier cache there has handed out, while the present one is at work.
template <class Immortal>
void free_forgotten(Immortal& cache, const std::vector<Block*>& forgotten) {
  EXPECT_EQ(cache->statistics(), slab::CacheStatistics{});
  std::vector<Block*> live;
  for (std::size_t i = 0; i < forgotten.size(); ++i) {
    live.push_back(cache->alloc());
    reports.clear();
    cache->free(forgotten[i]);
    ASSERT_EQ(reports.size(), 1u) << i;
    ASSERT_EQ(reports[0].kind, Misuse::OtherCache) << i;
    ASSERT_EQ(cache->statistics().allocated_objects, i + 1);
  }
  EXPECT_TRUE(cache->audit());
  reports.clear();
  for (Block* block : live) cache->free(block);
  static_cast<void>(cache->shrink());
  EXPECT_EQ(cache->statistics(), slab::CacheStatistics{});
  EXPECT_TRUE(reports.empty());
}

template <class C>
alignas(slab::Immortal<C>) std::byte place[sizeof(slab::Immortal<C>)];
template <class C>
KeptBackend backend_of;

TYPED_TEST(Forgotten, ObjectsAreAnotherCachesWhereAnImmortalIsConstructedAgain) {
  std::vector<std::vector<Block*>> forgotten;
  for (int time = 0; time < 4; ++time) {
    auto& cache = *::new (static_cast<void*>(place<TypeParam>)) slab::Immortal<TypeParam>{backend_of<TypeParam>};
    for (const std::vector<Block*>& objects : forgotten) free_forgotten(cache, objects);
    reports.clear();
    forgotten.push_back(fill(cache));
    EXPECT_TRUE(reports.empty());
  }
}

/// One that was constant-initialised was the first.
template <class C>
constinit slab::Immortal<C> global{backend_of<C>};

TYPED_TEST(Forgotten, ObjectsOfAConstantInitialisedImmortalAreToo) {
  const std::vector<Block*> objects = fill(global<TypeParam>);
  auto& cache = *::new (static_cast<void*>(&global<TypeParam>)) slab::Immortal<TypeParam>{backend_of<TypeParam>};
  free_forgotten(cache, objects);
}

// Also where the upper bits of addresses are set, as a kernel's are.
TEST(Incarnation, TellsCachesApartThatHadOneAddress) {
  slab::detail::Incarnation<true> first, second;
  first.take();
  second.take();
  for (const std::uintptr_t address : {0x7FFF'1234'5678u, 0xFFFF'8880'1234'5678u, 0xFFFF'FFFF'8123'4560u}) {
    EXPECT_NE(first.tag_of(address), second.tag_of(address));
    EXPECT_NE(first.tag_of(address), address);
  }
}

TEST(Incarnation, ComesAgainAfterAsManyAsTheUpperBitsTellAndIsNeverThatOfAPointer) {
  slab::detail::Incarnation<true> first, next;
  EXPECT_EQ(first.bits, 1u);
  first.take();
  for (std::size_t i = 1; i < std::size_t{1} << 16; ++i) {
    next.take();
    ASSERT_NE(next.bits, first.bits) << i;
    ASSERT_EQ(next.bits << 16, std::uint64_t{1} << 16) << "the lowest bit, and none of an address";
  }
  next.take();
  EXPECT_EQ(next.bits, first.bits);
}

}  // namespace

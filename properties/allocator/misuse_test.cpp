#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

namespace {

using properties::HeapBackend;
using properties::Recording;
using properties::RecordingAndKeeping;
using properties::reports;
using slab::Cache;
using slab::Config;
using slab::DynamicCache;
using slab::Misuse;
using slab::MisuseReport;
using slab::ObjectSizeType;

struct UncheckedRecording : slab::Unchecked {
  static void on_misuse(const MisuseReport& report) noexcept { reports.push_back(report); }
};
struct KeepsNone : slab::Checked {
  static constexpr std::size_t empty_slabs_kept = 0;
};
struct Named : slab::Checked {
  static constexpr const char* name = "blocks";
};
struct Patterned : Recording {
  static constexpr bool verify_pattern = true;
};
using KeepsTwo = RecordingAndKeeping<2>;
struct Block {
  std::array<std::uint64_t, 8> words;
};

struct Reports : testing::Test {
  Reports() { reports.clear(); }
};
using Policies = Reports;
using LiveAtDestruction = Reports;

/// The slab of an object that outlived its cache; the first object of a slab lies where that begins.
void give_back_by_hand(HeapBackend& backend, void* first_object, std::size_t slab_size) {
#if defined(SLAB_ASAN)
  __asan_unpoison_memory_region(first_object, slab_size);
#endif
  backend.free_slab(first_object, slab_size, 4096);
}

// Policies.

TEST(PoliciesDeathTest, TheDefaultHandlerNamesTheMisuseAndStopsTheProgram) {
  HeapBackend backend;
  Cache<Block, Config{}, HeapBackend> cache{backend};
  Block* const block = cache.alloc();
  cache.free(block);
  std::ostringstream text;
  text << "slab: DoubleFree: pointer " << block << ", cache " << &cache
       << " of 64-byte objects, called from 0x[0-9a-f]+\n"
       << "slab: misuse of a cache\n";
  EXPECT_EXIT(cache.free(block), testing::KilledBySignal(SIGABRT), text.str());
  Cache<Block, Config{}, HeapBackend, Named> named{backend};
  text.str("");
  text << ", cache " << &named << " blocks of 64-byte objects, called from 0x";
  EXPECT_EXIT(named.free(block), testing::KilledBySignal(SIGABRT), text.str());
}

TEST_F(Policies, EachMemberChangesByDeriving) {
  const auto slabs_kept_of_three = []<class Policy>(Policy) {
    HeapBackend backend;
    Cache<Block, Config{}, HeapBackend, Policy> cache{backend};
    std::vector<Block*> blocks(3 * cache.geometry().objects_per_slab());
    for (Block*& block : blocks) block = cache.alloc();
    for (Block* block : blocks) cache.free(block);
    return backend.slabs;
  };
  EXPECT_EQ(slabs_kept_of_three(KeepsNone{}), 0u);
  EXPECT_EQ(slabs_kept_of_three(slab::Checked{}), 1u);
  EXPECT_EQ(slabs_kept_of_three(slab::Unchecked{}), 1u);
  EXPECT_EQ(slabs_kept_of_three(KeepsTwo{}), 2u);
}

TEST_F(Policies, UncheckedNeitherReportsNorTouchesATableOfSlots) {
  HeapBackend backend;
  void* live = nullptr;
  // Five arguments: a geometry for any policy.
  const slab::Geometry geometry = slab::Geometry::make(4096, 4096, ObjectSizeType::Small, 64, 8).value();
  {
    DynamicCache<slab::Row::SmallSinglePage, HeapBackend, UncheckedRecording> cache{geometry, backend};
    live = cache.alloc();
    cache.free(cache.alloc());
    const auto* table = static_cast<const unsigned char*>(live) + geometry.slab_info_offset();
    for (std::size_t i = 0; i < geometry.objects_per_slab(); ++i)
      EXPECT_EQ(table[i], HeapBackend::junk) << "byte " << i;
  }
  EXPECT_TRUE(reports.empty());
  EXPECT_EQ(backend.slabs, 1u) << "the slab of the live object must stay";
  give_back_by_hand(backend, live, 4096);
}

TEST_F(LiveAtDestruction, LeavesObjectsThatNoLaterCacheAtThatAddressTakesForItsOwn) {
  HeapBackend backend;
  using BlockCache = Cache<Block, Config{.slab_size = 8192}, HeapBackend, Recording>;
  std::optional<BlockCache> cache{std::in_place, backend};
  Block* const left_behind = cache->alloc();
  cache.emplace(backend);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::LiveAtDestruction);
  EXPECT_EQ(reports[0].pointer, left_behind);
  cache->free(left_behind);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].kind, Misuse::OtherCache);
  EXPECT_EQ(cache->statistics(), slab::CacheStatistics{});
  EXPECT_TRUE(cache->audit());
  give_back_by_hand(backend, left_behind, 8192);
}

template <slab::Row R, class Policy>
void free_any_pointer(std::size_t slab_size, ObjectSizeType type) {
  HeapBackend backend;
  DynamicCache<R, HeapBackend, Policy> cache{slab::Geometry::make<Policy>(slab_size, 4096, type, 64, 8).value(),
                                             backend};
  const auto free_each = [&] {
    for (unsigned bit = 0; bit < 64; ++bit)
      for (std::uintptr_t offset : {0u, 1u, 64u, 65u, 4032u, 4096u})
        for (const std::uintptr_t pointer :
             {(std::uintptr_t{1} << bit) + offset, ~std::uintptr_t{0} << bit, (~std::uintptr_t{0} << bit) + offset}) {
          if (pointer == 0) continue;
          reports.clear();
          cache.free(reinterpret_cast<void*>(pointer));
          ASSERT_EQ(reports.size(), 1u) << std::hex << pointer;
          ASSERT_EQ(reports[0].kind, Misuse::ForeignPointer) << std::hex << pointer;
        }
  };
  free_each();
  cache.free(cache.alloc());
  ASSERT_EQ(cache.shrink(), 1u);
  free_each();
  EXPECT_TRUE(cache.audit());
}

TEST(ForeignPointer, IsReportedForAnyPointerWhileNoSlabIsCurrent) {
  free_any_pointer<slab::Row::SmallMultiPage, Recording>(8192, ObjectSizeType::Small);
  free_any_pointer<slab::Row::Large, Recording>(4096, ObjectSizeType::Large);
  free_any_pointer<slab::Row::Large, Patterned>(4096, ObjectSizeType::Large);
}

// An entry of the table that was overwritten with "live" hides a second free; but of an empty slab nothing can be
// freed.
TEST_F(Reports, NothingIsFreedInAnEmptySlabWhateverItsTableSays) {
  HeapBackend backend;
  void* lost = nullptr;
  {
    Cache<Block, Config{}, HeapBackend, KeepsTwo> cache{backend};
    const std::size_t in_slab = cache.geometry().objects_per_slab();
    std::vector<Block*> objects(3 * in_slab);
    for (Block*& block : objects) block = cache.alloc();
    for (std::size_t i = 0; i <= in_slab; ++i) cache.free(objects[i]);  // the last one makes the second slab current
    ASSERT_EQ(cache.statistics().empty_slabs, 1u);
    lost = objects[0];
    auto* const table = static_cast<std::byte*>(lost) + cache.geometry().slab_info_offset();
    std::fill_n(table, in_slab, std::byte{0xFF});
    for (std::size_t i = 0; i < in_slab; ++i) cache.free(objects[i]);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
    EXPECT_EQ(reports[0].pointer, lost);
    EXPECT_EQ(cache.statistics(), (slab::CacheStatistics{1, 1, 0, 2 * in_slab - 1, 1, 1}));
    EXPECT_TRUE(cache.audit());
    for (std::size_t i = in_slab + 1; i < objects.size(); ++i) cache.free(objects[i]);
    EXPECT_EQ(reports.size(), 1u);
  }
  give_back_by_hand(backend, lost, 4096);
}

TEST(Misuse, HasTheNameOfItsEnumerator) {
  using enum Misuse;
  const std::pair<Misuse, const char*> names[] = {{DoubleFree, "DoubleFree"},
                                                  {InteriorPointer, "InteriorPointer"},
                                                  {SlabInfoPointer, "SlabInfoPointer"},
                                                  {TailWastePointer, "TailWastePointer"},
                                                  {ForeignPointer, "ForeignPointer"},
                                                  {OtherCache, "OtherCache"},
                                                  {NeverAllocated, "NeverAllocated"},
                                                  {Misuse::LiveAtDestruction, "LiveAtDestruction"},
                                                  {CorruptedFreeList, "CorruptedFreeList"},
                                                  {ReentrantCall, "ReentrantCall"},
                                                  {CorruptedSlabInfo, "CorruptedSlabInfo"},
                                                  {BackendFault, "BackendFault"},
                                                  {WriteAfterFree, "WriteAfterFree"},
                                                  {WriteBeyondObject, "WriteBeyondObject"}};
  for (const auto& [kind, name] : names) EXPECT_STREQ(to_string(kind), name);
  EXPECT_STREQ(to_string(Misuse{99}), "unknown Misuse");
}

}  // namespace

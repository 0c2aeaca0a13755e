#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"

namespace {

using properties::HeapBackend;
using slab::Cache;
using slab::Config;
using slab::Misuse;
using slab::MisuseReport;
using slab::ObjectSizeType;

std::vector<MisuseReport> reports;

struct Recording : slab::Checked {
  static void on_misuse(const MisuseReport& report) noexcept { reports.push_back(report); }
};
struct UncheckedRecording : slab::Unchecked {
  static void on_misuse(const MisuseReport& report) noexcept { reports.push_back(report); }
};
struct KeepsNone : slab::Checked {
  static constexpr std::size_t empty_slabs_kept = 0;
};
struct KeepsTwo : Recording {
  static constexpr std::size_t empty_slabs_kept = 2;
};
struct Block {
  std::array<std::uint64_t, 8> words;
};
constexpr std::size_t blocks_per_slab = 63;

struct Reports : testing::Test {
  Reports() { reports.clear(); }
};
using Policies = Reports;
using CorruptedFreeList = Reports;
using ReentrantCall = Reports;
using LiveAtDestruction = Reports;

/// The slab of an object that outlived its cache; the first object of a slab lies where that begins.
void give_back_by_hand(HeapBackend& backend, Block* first_object, std::size_t slab_size) {
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
  EXPECT_EXIT(cache.free(block), testing::KilledBySignal(SIGABRT), "slab: DoubleFree: pointer 0x");
}

TEST_F(Policies, EachMemberChangesByDeriving) {
  const auto slabs_kept_of_three = []<class Policy>(Policy) {
    HeapBackend backend;
    Cache<Block, Config{}, HeapBackend, Policy> cache{backend};
    std::vector<Block*> blocks(3 * blocks_per_slab);
    for (Block*& block : blocks) block = cache.alloc();
    for (Block* block : blocks) cache.free(block);
    return backend.slabs;
  };
  EXPECT_EQ(slabs_kept_of_three(KeepsNone{}), 0u);
  EXPECT_EQ(slabs_kept_of_three(slab::Checked{}), 1u);
  EXPECT_EQ(slabs_kept_of_three(slab::Unchecked{}), 1u);
  EXPECT_EQ(slabs_kept_of_three(KeepsTwo{}), 2u);
}

TEST_F(Policies, UncheckedNeitherReportsNorTouchesTheAllocatedBits) {
  HeapBackend backend;
  Block* live = nullptr;
  {
    Cache<Block, Config{}, HeapBackend, UncheckedRecording> cache{backend};
    live = cache.alloc();
    cache.free(cache.alloc());
    const auto* bits = reinterpret_cast<const unsigned char*>(live) + cache.geometry().slab_info_offset();
    for (int i = 0; i < 8; ++i) EXPECT_EQ(bits[i], HeapBackend::junk) << "byte " << i;
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

// A write to a freed object, behind AddressSanitizer's back: returns the link that it overwrites.
__attribute__((no_sanitize("address"), noinline)) const void* exchange_link(void* freed, const void* link) {
  const void** const word = static_cast<const void**>(freed);
  const void* const old = *word;
  *word = link;
  return old;
}

TEST_F(CorruptedFreeList, IsReportedOnceForWhateverTheLinkSaysAndGoesOnAfterARepair) {
  HeapBackend backend;
  Cache<Block, Config{}, HeapBackend, Recording> cache{backend};
  Block* const first = cache.alloc();
  Block* const live = cache.alloc();
  Block* const last = cache.alloc();
  live->words.fill(0);
  cache.free(first);
  cache.free(last);  // the list: last, first
  int outside;
  const std::map<std::string, const void*> links = {
      {"null: the list would end too early", nullptr},
      {"the freed object itself", last},
      {"a live object", live},
      {"a slot never handed out", last + 1},
      {"into a free object", reinterpret_cast<const std::byte*>(first) + 8},
      {"unaligned", reinterpret_cast<const std::byte*>(first) + 1},
      {"behind the last slot", first + blocks_per_slab},
      {"SlabInfo", reinterpret_cast<const std::byte*>(first) + 4096 - sizeof(slab::SlabInfo)},
      {"the slab before", reinterpret_cast<const std::byte*>(first) - 4096},
      {"elsewhere", &outside},
      {"nowhere", reinterpret_cast<const void*>(UINTPTR_MAX)},
  };
  const slab::CacheStatistics before = cache.statistics();
  for (const auto& [name, link] : links) {
    SCOPED_TRACE(name);
    for (const bool grow : {true, false}) {
      reports.clear();
      const void* const right = exchange_link(last, link);
      EXPECT_EQ(grow ? cache.alloc() : cache.alloc_no_grow(), nullptr);
      ASSERT_EQ(reports.size(), 1u);
      EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
      EXPECT_EQ(reports[0].pointer, last);
      EXPECT_EQ(reports[0].cache, &cache);
      EXPECT_EQ(cache.statistics(), before);
      EXPECT_FALSE(cache.audit());
      exchange_link(last, right);
      EXPECT_TRUE(cache.audit());
    }
  }
  reports.clear();
  EXPECT_EQ(cache.alloc(), last);
  // Now `first` is the only one left, and its link must be null: not even a link to itself is accepted.
  const void* const right = exchange_link(first, first);
  EXPECT_EQ(cache.alloc(), nullptr);
  EXPECT_EQ(reports.size(), 1u);
  exchange_link(first, right);
  EXPECT_EQ(cache.alloc(), first);
  for (Block* block : {first, live, last}) cache.free(block);
  EXPECT_EQ(reports.size(), 1u);
}

// A backend that calls the cache that is calling it.

struct CallingBackend : HeapBackend {
  using LargeCache = Cache<Block, Config{.object_size_type = ObjectSizeType::Large}, CallingBackend, Recording>;
  LargeCache* cache = nullptr;
  std::map<std::string, int> calls;

  // Each operation of the cache, called from inside: reported, without effect, and the cache intact.
  void call_back(const std::string& name) {
    ++calls[name];
    Block block;
    const auto reported = [](const void* pointer, const auto& operation) {
      const std::size_t before = reports.size();
      operation();
      return reports.size() == before + 1 && reports.back().kind == Misuse::ReentrantCall &&
             reports.back().pointer == pointer;
    };
    EXPECT_TRUE(reported(nullptr, [&] { EXPECT_EQ(cache->alloc(), nullptr); })) << name;
    EXPECT_TRUE(reported(nullptr, [&] { EXPECT_EQ(cache->alloc_no_grow(), nullptr); })) << name;
    EXPECT_TRUE(reported(nullptr, [&] { EXPECT_FALSE(cache->reserve(1)); })) << name;
    EXPECT_TRUE(reported(nullptr, [&] { EXPECT_EQ(cache->shrink(), 0u); })) << name;
    EXPECT_TRUE(reported(&block, [&] { cache->free(&block); })) << name;
    EXPECT_TRUE(cache->audit()) << name;
  }

  void* alloc_slab(std::size_t size, std::size_t page) noexcept {
    return call_back("alloc_slab"), HeapBackend::alloc_slab(size, page);
  }
  void free_slab(void* slab, std::size_t size, std::size_t page) noexcept {
    call_back("free_slab"), HeapBackend::free_slab(slab, size, page);
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    return call_back("save"), HeapBackend::save_slab_info(page, info);
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    return call_back("get"), HeapBackend::get_slab_info(page);
  }
  void delete_slab_info(std::uintptr_t page) noexcept { call_back("delete"), HeapBackend::delete_slab_info(page); }
  void* alloc_slab_info(std::size_t size) noexcept {
    return call_back("alloc_slab_info"), HeapBackend::alloc_slab_info(size);
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    call_back("free_slab_info"), HeapBackend::free_slab_info(info, size);
  }
};

TEST_F(ReentrantCall, IsReportedFromEveryBackendFunctionAndHasNoEffect) {
  CallingBackend backend;
  CallingBackend::LargeCache cache{backend};
  backend.cache = &cache;
  // The last object has a slab of its own, the current one: the backend is not asked for its SlabInfo.
  std::vector<Block*> blocks(cache.geometry().objects_per_slab() + 1);
  for (Block*& block : blocks) ASSERT_NE(block = cache.alloc(), nullptr);
  for (Block* block : blocks) cache.free(block);
  EXPECT_EQ(cache.shrink(), 1u);
  const int objects = static_cast<int>(blocks.size()) - 1;
  const std::map<std::string, int> expected = {{"alloc_slab", 2},    {"free_slab", 2}, {"save", 2},
                                               {"get", objects},     {"delete", 2},    {"alloc_slab_info", 2},
                                               {"free_slab_info", 2}};
  EXPECT_EQ(backend.calls, expected);
  EXPECT_TRUE(backend.has_everything_back());
  reports.clear();
  cache.free(nullptr);
  EXPECT_EQ(cache.shrink(), 0u) << "outside of the backend the cache can be called again";
  EXPECT_TRUE(reports.empty());
}

}  // namespace

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"

namespace {

using properties::HeapBackend;
using slab::Cache;
using slab::Config;
using slab::DynamicCache;
using slab::Geometry;
using slab::ObjectSizeType;
using slab::Row;

// The concepts, positive and negative: each backend below lacks one function, or has it nearly right.

constexpr Row every_row[] = {Row::SmallSinglePage, Row::SmallMultiPage, Row::Large};

struct OnlySlabs {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
};
struct SlabsAndMap : OnlySlabs {
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept { return false; }
  slab::SlabInfo* get_slab_info(std::uintptr_t) noexcept { return nullptr; }
  void delete_slab_info(std::uintptr_t) noexcept {}
};
struct Everything : SlabsAndMap {
  void* alloc_slab_info(std::size_t) noexcept { return nullptr; }
  void free_slab_info(void*, std::size_t) noexcept {}
};
struct NoAllocSlab : Everything {
  void alloc_slab() = delete;
};
struct NoFreeSlab : Everything {
  void free_slab() = delete;
};
struct NoSave : Everything {
  void save_slab_info() = delete;
};
struct NoGet : Everything {
  void get_slab_info() = delete;
};
struct NoDelete : Everything {
  void delete_slab_info() = delete;
};
struct NoAllocInfo : Everything {
  void alloc_slab_info() = delete;
};
struct NoFreeInfo : Everything {
  void free_slab_info() = delete;
};
struct ThrowingSave : Everything {
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*);
};
struct SilentSave : Everything {
  void save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept;
};

template <class B>
constexpr std::array<bool, 3> serves = {slab::MemoryBackend<B, every_row[0]>, slab::MemoryBackend<B, every_row[1]>,
                                        slab::MemoryBackend<B, every_row[2]>};
using Rows = std::array<bool, 3>;
static_assert(serves<OnlySlabs> == Rows{true, false, false});
static_assert(serves<SlabsAndMap> == Rows{true, true, false});
static_assert(serves<Everything> == Rows{true, true, true});
static_assert(serves<NoAllocSlab> == Rows{false, false, false} && serves<NoFreeSlab> == Rows{false, false, false});
static_assert(serves<NoSave> == Rows{true, false, false} && serves<NoGet> == Rows{true, false, false});
static_assert(serves<NoDelete> == Rows{true, false, false});
static_assert(serves<NoAllocInfo> == Rows{true, true, false} && serves<NoFreeInfo> == Rows{true, true, false});
static_assert(serves<ThrowingSave> == Rows{true, false, false} && serves<SilentSave> == Rows{true, false, false});
static_assert(slab::SlabSource<OnlySlabs> && !slab::SlabInfoMap<OnlySlabs> && !slab::SlabInfoSource<SlabsAndMap>);

TEST(MemoryBackend, OfEachRowNeedsItsOwnFunctionsAndNoMore) {
  constexpr Config two_pages{.slab_size = 8192}, large{.object_size_type = ObjectSizeType::Large};
  OnlySlabs slabs;
  SlabsAndMap map;
  Everything everything;
  EXPECT_EQ((Cache<int, Config{}, OnlySlabs>{slabs}.alloc()), nullptr);
  EXPECT_EQ((Cache<int, two_pages, SlabsAndMap>{map}.alloc()), nullptr);
  EXPECT_EQ((Cache<int, large, Everything>{everything}.alloc()), nullptr);
}

// The properties of the cache types.

using Checked = Cache<int, Config{}, HeapBackend>;
using Unchecked = Cache<int, Config{}, HeapBackend, slab::Unchecked>;
using Dynamic = DynamicCache<Row::Large, HeapBackend>;

template <class C>
constexpr bool stays_where_it_is = !std::is_copy_constructible_v<C> && !std::is_move_constructible_v<C> &&
                                   !std::is_copy_assignable_v<C> && !std::is_move_assignable_v<C>;
static_assert(stays_where_it_is<Checked> && stays_where_it_is<Dynamic> && stays_where_it_is<slab::Immortal<Checked>>);
static_assert(std::is_constructible_v<slab::Immortal<Checked>, HeapBackend&>);
static_assert(std::is_trivially_destructible_v<slab::Immortal<Checked>> && !std::is_trivially_destructible_v<Checked>);

static_assert(std::is_same_v<decltype(std::declval<Checked&>().alloc()), int*>);
static_assert(std::is_same_v<decltype(std::declval<Checked&>().alloc_no_grow()), int*>);
static_assert(std::is_same_v<decltype(std::declval<Dynamic&>().alloc()), void*>);

template <class C, class Pointer>
concept Frees = requires(C& cache, Pointer pointer) { cache.free(pointer); };
static_assert(Frees<Checked, int*> && !Frees<Checked, void*> && !Frees<Checked, long*> && Frees<Dynamic, long*>);

template <class C>
concept Visits = requires(const C& cache) { cache.for_each_live([](void*) {}); };
static_assert(Visits<Checked> && !Visits<Unchecked>);

// Typed caches of awkward objects.

template <std::size_t Size, std::size_t Align>
struct alignas(Align) Object {
  std::array<unsigned char, Size> bytes;
};

template <class T>
struct TypedCache : testing::Test {};
using AwkwardObjects = testing::Types<Object<1, 1>, Object<17, 1>, Object<20, 4>, Object<31, 1>, Object<64, 64>,
                                      Object<96, 32>, Object<4096, 4096>>;
TYPED_TEST_SUITE(TypedCache, AwkwardObjects);

TYPED_TEST(TypedCache, HandsOutAlignedObjectsThatKeepWhatIsWrittenToThem) {
  HeapBackend backend;
  Cache<TypeParam, Config{.slab_size = 8192}, HeapBackend> cache{backend};
  std::vector<TypeParam*> objects(2 * cache.geometry().objects_per_slab() + 1);
  unsigned char stamp = 0;
  for (TypeParam*& object : objects) {
    object = cache.alloc();
    ASSERT_NE(object, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(object) % alignof(TypeParam), 0u);
    object->bytes.fill(++stamp);
  }
  EXPECT_EQ(backend.slabs, 3u);
  stamp = 0;
  for (TypeParam* object : objects) {
    ++stamp;
    for (const unsigned char byte : object->bytes) ASSERT_EQ(byte, stamp);
    cache.free(object);
  }
}

TEST(Cache, GivesASlabStraightBackThatIsMisalignedByAByte) {
  struct Askew : HeapBackend {
    void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
      return static_cast<std::byte*>(HeapBackend::alloc_slab(slab_size, page_size)) + 1;
    }
    void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
      HeapBackend::free_slab(static_cast<std::byte*>(slab) - 1, slab_size, page_size);
    }
  } backend;
  Cache<Object<64, 8>, Config{}, Askew> cache{backend};
  EXPECT_EQ(cache.alloc(), nullptr);
  EXPECT_TRUE(backend.has_everything_back());
}

TEST(Cache, TakesSlabInfosFromAnotherCacheThatItsBackendKeeps) {
  struct InfoBlock {
    alignas(8) std::array<std::byte, 72> bytes;
  };
  struct NestedBackend : HeapBackend {
    void* alloc_slab_info(std::size_t size) noexcept { return size <= sizeof(InfoBlock) ? infos_of.alloc() : nullptr; }
    void free_slab_info(void* info, std::size_t) noexcept { infos_of.free(static_cast<InfoBlock*>(info)); }
    Cache<InfoBlock, Config{}, HeapBackend> infos_of{*this};
  };
  NestedBackend backend;
  {
    Cache<Object<4096, 1>, Config{.slab_size = 8192, .object_size_type = ObjectSizeType::Large}, NestedBackend> cache{
        backend};
    std::array<Object<4096, 1>*, 200> objects;  // 100 slabs, whose SlabInfos need two slabs themselves
    for (auto*& object : objects) ASSERT_NE(object = cache.alloc(), nullptr);
    EXPECT_EQ(backend.infos_of.statistics().allocated_objects, 100u);
    EXPECT_EQ(backend.slabs, 102u);
    EXPECT_TRUE(cache.audit() && backend.infos_of.audit());
    for (auto* object : objects) cache.free(object);
  }
  EXPECT_EQ(backend.infos_of.statistics().allocated_objects, 0u);
  EXPECT_EQ(backend.infos_of.shrink(), 1u);
  EXPECT_TRUE(backend.has_everything_back());
}

TEST(DynamicCacheDeathTest, AGeometryOfAnotherRowStopsInBothPolicies) {
  HeapBackend backend;
  const Geometry large = Geometry::make(4096, 4096, ObjectSizeType::Large, 64, 8).value();
  EXPECT_DEATH((DynamicCache<Row::SmallSinglePage, HeapBackend>{large, backend}), "geometry is of another row");
  EXPECT_DEATH((DynamicCache<Row::SmallMultiPage, HeapBackend, slab::Unchecked>{large, backend}),
               "geometry is of another row");
}

// Geometry::make<Unchecked> has no table of slots: more objects, and of no use to a policy that checks.
constexpr Geometry blocks_of_64_bytes(bool has_table, ObjectSizeType type) {
  return (has_table ? Geometry::make(4096, 4096, type, 64, 8)
                    : Geometry::make<slab::Unchecked>(4096, 4096, type, 64, 8))
      .value();
}

TEST(DynamicCacheDeathTest, AGeometryWithoutATableOfSlotsStopsACheckedCache) {
  HeapBackend backend;
  const Geometry small = blocks_of_64_bytes(false, ObjectSizeType::Small);
  const Geometry large = blocks_of_64_bytes(false, ObjectSizeType::Large);
  EXPECT_DEATH((DynamicCache<Row::SmallSinglePage, HeapBackend>{small, backend}), "geometry has no table of slots");
  EXPECT_DEATH((DynamicCache<Row::Large, HeapBackend>{large, backend}), "geometry has no table of slots");
}

TEST(DynamicCache, UncheckedServesGeometriesWithAndWithoutATableOfSlots) {
  HeapBackend backend;
  for (const bool has_table : {false, true}) {
    DynamicCache<Row::SmallSinglePage, HeapBackend, slab::Unchecked> cache{
        blocks_of_64_bytes(has_table, ObjectSizeType::Small), backend};
    std::vector<void*> objects{cache.alloc()};
    while (void* const object = cache.alloc_no_grow()) std::memset(objects.emplace_back(object), 0xA5, 64);
    EXPECT_EQ(objects.size(), has_table ? 62u : 63u);
    EXPECT_TRUE(cache.audit());
    for (void* object : objects) cache.free(object);
  }
  EXPECT_TRUE(backend.has_everything_back());
}

struct KeptBackend : HeapBackend {
  void free_slab(void*, std::size_t, std::size_t) noexcept { std::_Exit(3); }
};
KeptBackend kept_backend;
constinit slab::Immortal<Cache<int, Config{}, KeptBackend>> immortal{kept_backend};

TEST(ImmortalDeathTest, GivesNothingBackWhenTheProgramExits) {
  const auto leave_an_empty_slab = [] {
    immortal->free(immortal->alloc());
    std::exit(0);
  };
  EXPECT_EXIT(leave_an_empty_slab(), testing::ExitedWithCode(0), "");
}

}  // namespace

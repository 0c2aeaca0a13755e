#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/hosted_memory.hpp"

namespace {

using slab::DynamicCache;
using slab::Geometry;
using slab::GeometryError;
using slab::ObjectSizeType;
using slab::Row;
using slab::hosted::Backend;
using slab::hosted::Region;
using slab::hosted::RegionError;
using InfoCache = slab::hosted::SlabInfoCache<Region>;

constexpr Geometry large(std::size_t slab_size, std::size_t object_size, std::size_t page_size = page) {
  return Geometry::make(slab_size, page_size, ObjectSizeType::Large, object_size, 8).value();
}
constexpr Geometry small(std::size_t slab_size, std::size_t page_size, std::size_t object_size) {
  return Geometry::make(slab_size, page_size, ObjectSizeType::Small, object_size, 8).value();
}

TEST(SlabInfoCache, PutsAsManySlabInfosIntoASlabAsFitAndALargerOneIntoASlabOfItsOwn) {
  constexpr std::array<std::size_t, InfoCache::sizes.size()> counts = {63, 31, 15, 8, 6, 4, 3, 2, 1};
  Region region{4 * mebibyte};
  InfoCache infos{region};
  std::size_t smaller = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    std::set<std::uintptr_t> slabs;
    for (std::size_t n = 0; n < counts[i]; ++n) {
      // The smallest size of the class and the largest one share slabs.
      void* const info = infos.alloc_slab_info(n == 0 ? smaller + 8 : InfoCache::sizes[i]);
      ASSERT_NE(info, nullptr);
      std::memset(info, 0xA5, InfoCache::sizes[i]);
      slabs.insert(reinterpret_cast<std::uintptr_t>(info) / page);
    }
    EXPECT_EQ(slabs.size(), 1u) << counts[i];
    slabs.insert(reinterpret_cast<std::uintptr_t>(infos.alloc_slab_info(InfoCache::sizes[i])) / page);
    EXPECT_EQ(slabs.size(), 2u) << counts[i];
    smaller = InfoCache::sizes[i];
  }
  const std::size_t kept = region.kept_bytes();
  for (const auto& [size, slab_size] :
       {std::pair<std::size_t, std::size_t>{4040, page}, {4104, 2 * page}, {mebibyte, mebibyte}}) {
    void* const info = infos.alloc_slab_info(size);
    ASSERT_NE(info, nullptr) << size;
    std::memset(info, 0xA5, size);
    infos.free_slab_info(info, size);
    EXPECT_EQ(region.kept_bytes(), kept + slab_size) << size;
    EXPECT_EQ(infos.alloc_slab_info(size), info) << size;
  }
  EXPECT_EQ(infos.alloc_slab_info(8 * mebibyte), nullptr) << "more than the region has";
  EXPECT_EQ(infos.alloc_slab_info(SIZE_MAX), nullptr);
  EXPECT_TRUE(region.audit());
}

TEST(SlabInfoCache, GivesItsSlabsBackWhenTheBackendIsTrimmed) {
  Backend backend{mebibyte};
  DynamicCache<Row::Large, Backend> cache{large(page, page), backend};
  cache.free(cache.alloc());
  EXPECT_EQ(cache.shrink(), 1u);
  EXPECT_EQ(backend.trim(), 2 * page) << "a slab of the cache, and one of SlabInfos";
  EXPECT_EQ(resident_bytes(backend.begin(), backend.size()), 0u);
}

/// Is asked for no more than a slab has.
struct Slabs : Region {
  using Region::Region;
  void* alloc_slab(std::size_t size, std::size_t page_size) noexcept {
    EXPECT_LE(size, Geometry::max_slab_size);
    EXPECT_GE(size, page_size);
    return Region::alloc_slab(size, page_size);
  }
};
TEST(SlabInfoCache, HasNoneThatIsLargerThanASlab) {
  constexpr std::size_t most = Geometry::max_slab_size;
  Slabs slabs{most};
  slab::hosted::SlabInfoCache<Slabs> infos{slabs};
  for (const std::size_t size : {most + 1, SIZE_MAX / 2 + 2, SIZE_MAX}) EXPECT_EQ(infos.alloc_slab_info(size), nullptr);
  void* const info = infos.alloc_slab_info(most);
  EXPECT_EQ(info, slabs.begin());
  infos.free_slab_info(info, most);
}

TEST(SlabInfoCache, TellsHowManySlabsItGivesBack) {
  Region region{mebibyte};
  InfoCache infos{region};
  for (const std::size_t size : {std::size_t{64}, std::size_t{504}, std::size_t{4032}})
    infos.free_slab_info(infos.alloc_slab_info(size), size);
  EXPECT_NE(infos.alloc_slab_info(128), nullptr);
  EXPECT_EQ(infos.shrink(), 3u);
  EXPECT_EQ(infos.shrink(), 0u);
}

// Backend.

TEST(Backend, RefusesPagesBelow4096BytesByName) {
  constexpr Geometry geometry = small(page, page / 2, 64);
  EXPECT_EQ(Backend::refusal(geometry), GeometryError::PageSizeTooSmall);
  EXPECT_EQ(Backend::refusal(large(page, 64)), std::nullopt);
  static_assert(Backend::refusal(geometry) == GeometryError::PageSizeTooSmall);
  static_assert(!Backend::refusal(small(page, page, 64)) && !Backend::refusal(large(page, 64)));
  Backend backend{mebibyte};
  DynamicCache<Row::SmallMultiPage, Backend> cache{geometry, backend};
  EXPECT_EQ(cache.alloc(), nullptr);
  EXPECT_FALSE(backend.can_make_slabs(geometry, 1));
  EXPECT_EQ(cache.statistics(), slab::CacheStatistics{});
}

TEST(Backend, ThatCouldNotBeMappedHandsNothingOut) {
  Backend backend{SIZE_MAX};
  EXPECT_EQ(backend.error(), RegionError::TooLarge);
  EXPECT_EQ(backend.alloc_slab(page, page), nullptr);
  EXPECT_EQ(backend.alloc_slab_info(56), nullptr);
  EXPECT_FALSE(backend.save_slab_info(0, nullptr));
  EXPECT_EQ(backend.trim(), 0u);
}

/// A Backend that is not asked whether it can hold the slabs of a reserve().
struct Unasked {
  Backend& backend;
  void* alloc_slab(std::size_t size, std::size_t page_size) noexcept { return backend.alloc_slab(size, page_size); }
  void free_slab(void* slab, std::size_t size, std::size_t page_size) noexcept {
    backend.free_slab(slab, size, page_size);
  }
  bool save_slab_info(std::uintptr_t at, slab::SlabInfo* info) noexcept { return backend.save_slab_info(at, info); }
  slab::SlabInfo* get_slab_info(std::uintptr_t at) noexcept { return backend.get_slab_info(at); }
  void delete_slab_info(std::uintptr_t at) noexcept { backend.delete_slab_info(at); }
  void* alloc_slab_info(std::size_t size) noexcept { return backend.alloc_slab_info(size); }
  void free_slab_info(void* info, std::size_t size) noexcept { backend.free_slab_info(info, size); }
};
static_assert(slab::MemoryBackend<Unasked, Row::Large>);

/// Each number of slabs, on a backend that has handed out some already: asked, a reserve() does just what it does
/// unasked, but where it fails it takes nothing.
template <Row R>
void reserve_each_number_of_slabs(const Geometry& geometry) {
  SCOPED_TRACE(testing::Message() << to_string(R) << ", SlabInfos of " << geometry.slab_info_size() << " bytes");
  const std::size_t size = 40 * geometry.slab_size();
  bool has_failed = false;
  for (std::size_t slabs = 0; slabs <= 45; ++slabs) {
    Backend asked{size}, other{size};
    Unasked unasked{other};
    DynamicCache<R, Backend> cache{geometry, asked};
    DynamicCache<R, Unasked> unasked_cache{geometry, unasked};
    void* const object = cache.alloc();
    void* const unasked_object = unasked_cache.alloc();
    const std::size_t all = geometry.objects_per_slab(), n = slabs * all;
    ASSERT_TRUE(cache.reserve(5 * all) && unasked_cache.reserve(5 * all));
    const std::size_t free = asked.free_bytes();
    const bool is_reserved = cache.reserve(n);
    ASSERT_EQ(is_reserved, unasked_cache.reserve(n)) << slabs;
    if (!is_reserved) {
      ASSERT_EQ(asked.free_bytes(), free) << slabs;
      ASSERT_EQ(asked.kept_bytes(), 0u) << slabs << ": it took slabs and gave them back";
    }
    has_failed |= !is_reserved;
    cache.free(object);
    unasked_cache.free(unasked_object);
    ASSERT_TRUE(asked.audit());
  }
  EXPECT_TRUE(has_failed);
}

TEST(Backend, RefusesAReserveThatItCannotHoldBeforeItTakesAnything) {
  reserve_each_number_of_slabs<Row::SmallSinglePage>(small(page, page, 64));
  reserve_each_number_of_slabs<Row::SmallMultiPage>(small(4 * page, page, 200));
  reserve_each_number_of_slabs<Row::Large>(large(page, page));
  reserve_each_number_of_slabs<Row::Large>(large(page, 16));
  reserve_each_number_of_slabs<Row::Large>(large(16 * page, 8));
  Backend backend{std::size_t{4} << 30};
  DynamicCache<Row::SmallSinglePage, Backend> cache{small(page, page, 64), backend};
  EXPECT_FALSE(cache.reserve(SIZE_MAX));
  EXPECT_FALSE(cache.reserve((std::size_t{1} << 40) / 64));
  EXPECT_EQ(resident_bytes(backend.begin(), backend.size()), 0u);
}

struct Recorded : slab::Checked {
  static inline std::vector<slab::Misuse> reports;
  static void on_misuse(const slab::MisuseReport& report) noexcept { reports.push_back(report.kind); }
};

int stamp_of(const void* object) { return static_cast<int>(reinterpret_cast<std::uintptr_t>(object) >> 3 & 0xFF); }

/// Random churn until the backend has no room, then until nothing is left; every object keeps its stamp.
template <Row R>
void churn(const Geometry& geometry) {
  SCOPED_TRACE(testing::Message() << "slab_size " << geometry.slab_size() << ", page_size " << geometry.page_size());
  ASSERT_FALSE(Backend::refusal(geometry));
  std::mt19937_64 random{1};
  Backend backend{4 * geometry.slab_size() + 2 * page};
  std::vector<void*> objects;
  {
    DynamicCache<R, Backend> cache{geometry, backend};
    bool was_full = false;
    const auto free_one = [&] {
      std::swap(objects[pick(random, objects.size())], objects.back());
      void* const object = objects.back();
      ASSERT_EQ(static_cast<unsigned char*>(object)[geometry.object_size() - 1], stamp_of(object));
      cache.free(object);
      objects.pop_back();
    };
    for (std::size_t step = 0; !was_full || step % 1024 != 0; ++step) {
      ASSERT_TRUE(step % 64 != 0 || (cache.audit() && backend.audit()));
      if (step % 512 == 0) backend.trim();
      if (!objects.empty() && pick(random, 3) == 0) {
        free_one();
        continue;
      }
      const slab::CacheStatistics before = cache.statistics();
      void* const object = cache.alloc();
      if (!object) {
        was_full = true;
        ASSERT_EQ(cache.statistics(), before);
        ASSERT_EQ(before.free_objects, 0u);
        ASSERT_GE(before.full_slabs, 3u);
        continue;
      }
      std::memset(object, stamp_of(object), geometry.object_size());
      objects.push_back(object);
    }
    while (!objects.empty()) free_one();
    EXPECT_TRUE(cache.audit());
  }
  backend.trim();
  EXPECT_EQ(resident_bytes(backend.begin(), backend.size()), 0u);
  EXPECT_TRUE(backend.audit());
}

TEST(Backend, ServesSmallSinglePageCachesOfAnyPageSizeUntilItHasNoRoom) {
  churn<Row::SmallSinglePage>(small(page, page, 64));
  churn<Row::SmallSinglePage>(small(65536, 65536, 1000));
}
TEST(Backend, ServesSmallMultiPageCachesUntilItHasNoRoom) {
  churn<Row::SmallMultiPage>(small(16384, page, 200));
  churn<Row::SmallMultiPage>(small(65536, 16384, 24));
}
TEST(Backend, ServesLargeCachesUntilItHasNoRoom) {
  churn<Row::Large>(large(page, 64));
  churn<Row::Large>(large(65536, page, page));
  churn<Row::Large>(large(mebibyte, 2000, 65536));
  churn<Row::Large>(large(65536, 16));  // SlabInfos of 8256 bytes
}

TEST(Backend, TellsTheCachesOnItApart) {
  Backend backend{mebibyte}, elsewhere{mebibyte};
  DynamicCache<Row::Large, Backend, Recorded> cache{large(page, 64), backend}, other{large(16384, 64), backend};
  DynamicCache<Row::Large, Backend, Recorded> foreign{large(page, 64), elsewhere};
  void* const object = cache.alloc();
  Recorded::reports.clear();
  other.free(object);
  foreign.free(object);
  cache.free(&backend);
  cache.free(object);
  cache.free(object);
  using enum slab::Misuse;
  EXPECT_EQ(Recorded::reports, (std::vector{OtherCache, ForeignPointer, ForeignPointer, DoubleFree}));
}

}  // namespace

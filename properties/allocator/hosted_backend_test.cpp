#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
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
using slab::hosted::RegionError;

using InfoCache = slab::hosted::SlabInfoCache<slab::hosted::Region>;

constexpr bool holds_as_many_as_fit(std::array<std::size_t, 7> counts) {
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (InfoCache::geometry_for(InfoCache::sizes[i]).value().objects_per_slab() != counts[i]) return false;
  return true;
}
static_assert(holds_as_many_as_fit({63, 31, 15, 8, 4, 2, 1}));

constexpr Geometry large(std::size_t slab_size, std::size_t object_size, std::size_t page_size = page) {
  return Geometry::make(slab_size, page_size, ObjectSizeType::Large, object_size, 8).value();
}
constexpr Geometry small(std::size_t slab_size, std::size_t page_size, std::size_t object_size) {
  return Geometry::make(slab_size, page_size, ObjectSizeType::Small, object_size, 8).value();
}

TEST(SlabInfoCache, RefusesASlabInfoThatIsTooLargeByName) {
  constexpr Geometry fits = large(mebibyte, 40), too_large = large(1 << 18, 8);
  static_assert(fits.slab_info_size() == 3328 && too_large.slab_info_size() == 4144);
  static_assert(!Backend::refusal(fits));
  static_assert(InfoCache::geometry_for(4040).ok());
  static_assert(InfoCache::geometry_for(4041).error() == GeometryError::ObjectTooLarge);
  static_assert(InfoCache::geometry_for(SIZE_MAX).error() == GeometryError::ObjectTooLarge);
  static_assert(Backend::refusal(too_large) == GeometryError::ObjectTooLarge);
  Backend backend{64 * mebibyte};
  DynamicCache<Row::Large, Backend> cache{too_large, backend};
  EXPECT_EQ(cache.alloc(), nullptr);
  EXPECT_TRUE(cache.audit());
  EXPECT_EQ(cache.statistics(), slab::CacheStatistics{});
  EXPECT_EQ(backend.kept_bytes(), too_large.slab_size()) << "the slab went straight back";
}

TEST(SlabInfoCache, GivesItsSlabsBackWhenTheBackendIsTrimmed) {
  Backend backend{mebibyte};
  DynamicCache<Row::Large, Backend> cache{large(page, page), backend};
  cache.free(cache.alloc());
  EXPECT_EQ(cache.shrink(), 1u);
  EXPECT_EQ(backend.trim(), 2 * page) << "a slab of the cache, and one of SlabInfos";
  EXPECT_EQ(resident_bytes(backend.begin(), backend.size()), 0u);
}

// Backend.

TEST(Backend, RefusesPagesBelow4096BytesByName) {
  constexpr Geometry geometry = small(page, page / 2, 64);
  static_assert(Backend::refusal(geometry) == GeometryError::PageSizeTooSmall);
  static_assert(!Backend::refusal(small(page, page, 64)) && !Backend::refusal(large(page, 64)));
  Backend backend{mebibyte};
  DynamicCache<Row::SmallMultiPage, Backend> cache{geometry, backend};
  EXPECT_EQ(cache.alloc(), nullptr);
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

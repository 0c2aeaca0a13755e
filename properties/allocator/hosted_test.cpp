#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include <sys/mman.h>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/slab.hpp>

#if defined(SLAB_ASAN)
extern "C" void* __asan_region_is_poisoned(void* begin, std::size_t size);
#endif

namespace {

using slab::DynamicCache;
using slab::Geometry;
using slab::GeometryError;
using slab::ObjectSizeType;
using slab::Row;
using slab::hosted::Backend;
using slab::hosted::PageMap;
using slab::hosted::Region;
using slab::hosted::RegionError;
using InfoCache = slab::hosted::SlabInfoCache<Region>;

constexpr std::size_t page = 4096, mebibyte = 1 << 20;

std::size_t pick(std::mt19937_64& random, std::size_t count) { return random() % count; }

/// Bytes of memory in use in [begin, begin + size).
std::size_t resident_bytes(const void* begin, std::size_t size) {
  std::vector<unsigned char> pages(size / page);
  EXPECT_EQ(mincore(const_cast<void*>(begin), size, pages.data()), 0);
  std::size_t bytes = 0;
  for (const unsigned char at : pages) bytes += (at & 1U) * page;
  return bytes;
}

// Region.

TEST(Region, ReusesTheSlabKeptLastFirst) {
  Region region{mebibyte};
  void* const one = region.alloc_slab(page, page);
  void* const two = region.alloc_slab(page, page);
  region.free_slab(one, page, page);
  region.free_slab(two, page, page);
  EXPECT_EQ(region.kept_bytes(), 2 * page);
  EXPECT_EQ(region.alloc_slab(page, page), two);
  EXPECT_EQ(region.alloc_slab(page, page), one);
  EXPECT_EQ(region.kept_bytes(), 0u);
}

TEST(Region, KeepsAKeptSlabsMemoryUntilTrimReturnsIt) {
  constexpr std::size_t slab_size = 16 * page;
  Region region{mebibyte};
  std::array<void*, 4> slabs;
  for (void*& slab : slabs) std::memset(slab = region.alloc_slab(slab_size, page), 0xA5, slab_size);
  for (void* slab : slabs)
    if (slab != slabs[1]) region.free_slab(slab, slab_size, page);
  EXPECT_EQ(resident_bytes(region.begin(), region.size()), 4 * slab_size);
  EXPECT_EQ(region.trim(), 3 * slab_size);
  EXPECT_EQ(resident_bytes(region.begin(), region.size()), slab_size);
  EXPECT_EQ(region.trim(), 0u);
  EXPECT_EQ(static_cast<unsigned char*>(slabs[1])[slab_size - 1], 0xA5);
  for (int i = 0; i < 3; ++i) std::memset(region.alloc_slab(slab_size, page), 0x5A, slab_size);
  EXPECT_EQ(resident_bytes(region.begin(), region.size()), 4 * slab_size);
  EXPECT_TRUE(region.audit());
}

TEST(Region, HasRoomForALargeSlabAfterManySmallOnesCameBack) {
  Region region{mebibyte + 3 * page};
  std::vector<void*> slabs;
  while (void* const slab = region.alloc_slab(page, page)) slabs.push_back(slab);
  EXPECT_EQ(slabs.size(), region.size() / page);
  EXPECT_EQ(region.alloc_slab(mebibyte, page), nullptr);
  for (void* slab : slabs) region.free_slab(slab, page, page);
  EXPECT_EQ(region.alloc_slab(mebibyte, mebibyte), region.begin());
  EXPECT_EQ(region.kept_bytes(), 3 * page);
  EXPECT_TRUE(region.audit());
}

TEST(Region, GivesTheGapInFrontOfALargeSlabToSmallOnes) {
  Region region{2 * mebibyte};
  ASSERT_NE(region.alloc_slab(page, page), nullptr);
  ASSERT_NE(region.alloc_slab(mebibyte, page), nullptr);
  for (std::size_t i = 1; i < mebibyte / page; ++i) ASSERT_NE(region.alloc_slab(page, page), nullptr) << i;
  EXPECT_EQ(region.alloc_slab(page, page), nullptr);
}

TEST(Region, NamesTheReasonWhyItHasNoRoom) {
  EXPECT_EQ(Region{0}.error(), RegionError::TooSmall);
  EXPECT_EQ(Region{page - 1}.error(), RegionError::TooSmall);
  EXPECT_EQ(Region{page}.error(), RegionError::None);
  EXPECT_EQ(Region{Region::max_size + 1}.error(), RegionError::TooLarge);
  EXPECT_EQ(Region{SIZE_MAX}.error(), RegionError::TooLarge);
  EXPECT_EQ(Region{SIZE_MAX}.alloc_slab(page, page), nullptr);
  // An address space of 2^47 bytes holds no 16 regions of 2^43.
  std::deque<Region> regions;
  while (regions.size() < 16 && regions.emplace_back(Region::max_size).error() == RegionError::None) {}
  EXPECT_EQ(regions.back().error(), RegionError::NotMapped);
  EXPECT_EQ(regions.back().alloc_slab(page, page), nullptr);
  EXPECT_EQ(regions.back().size(), 0u);
  EXPECT_STREQ(to_string(regions.back().error()), "NotMapped");
}

TEST(Region, RefusesSizesThatAreNoSlab) {
  Region region{std::size_t{4} << 30};
  for (const std::size_t size : {std::size_t{0}, page / 2, 3 * page, std::size_t{2} << 30, SIZE_MAX})
    EXPECT_EQ(region.alloc_slab(size, page), nullptr) << size;
  for (const std::size_t page_size : {std::size_t{0}, page / 2, 3 * page, 2 * page})
    EXPECT_EQ(region.alloc_slab(page, page_size), nullptr) << page_size;
  EXPECT_NE(region.alloc_slab(Geometry::max_slab_size, Geometry::max_slab_size), nullptr);
}

TEST(RegionDeathTest, StopsWhenWhatComesBackIsNoSlabOfThatSize) {
  Region region{mebibyte};
  auto* const slab = static_cast<std::byte*>(region.alloc_slab(4 * page, page));
  for (std::byte* wrong : {slab + page, slab + 1, slab + 4 * page, slab - page, static_cast<std::byte*>(nullptr)})
    EXPECT_DEATH(region.free_slab(wrong, 4 * page, page), "Region::free_slab: no slab");
  EXPECT_DEATH(region.free_slab(slab, 2 * page, page), "Region::free_slab: no slab");
  EXPECT_DEATH(region.free_slab(slab, 5 * page, page), "Region::free_slab: no slab");
  region.free_slab(slab, 4 * page, page);
  EXPECT_DEATH(region.free_slab(slab, 4 * page, page), "Region::free_slab: no slab");
}

TEST(Region, AgreesWithAStdMapInAThousandRandomPrograms) {
  std::mt19937_64 random{1};
  for (int program = 0; program < 1000; ++program) {
    Region region{(1 + pick(random, 64)) * page};
    const auto begin = reinterpret_cast<std::uintptr_t>(region.begin());
    std::map<std::uintptr_t, std::size_t> live;  // sizes
    std::size_t live_bytes = 0;
    const std::size_t largest_class = 1 + pick(random, 7);
    for (int step = 0; step < 200; ++step) {
      const std::size_t operation = pick(random, 16);
      if (operation == 0) {
        const std::size_t kept = region.kept_bytes();
        ASSERT_EQ(region.trim(), kept);
        ASSERT_EQ(region.kept_bytes(), 0u);
      } else if (operation < 9) {
        const std::size_t size = page << pick(random, largest_class);
        const auto slab = reinterpret_cast<std::uintptr_t>(region.alloc_slab(size, page));
        if (slab == 0) {
          ASSERT_TRUE(size > page || live_bytes == region.size());
          continue;
        }
        ASSERT_EQ(slab % size, 0u);
        ASSERT_TRUE(slab >= begin && slab + size <= begin + region.size());
        const auto above = live.lower_bound(slab);
        ASSERT_TRUE(above == live.end() || slab + size <= above->first);
        ASSERT_TRUE(above == live.begin() || std::prev(above)->first + std::prev(above)->second <= slab);
        std::memset(reinterpret_cast<void*>(slab), 0xA5, size);
        live.emplace(slab, size);
        live_bytes += size;
      } else if (!live.empty()) {
        const auto at = std::next(live.begin(), static_cast<std::ptrdiff_t>(pick(random, live.size())));
        region.free_slab(reinterpret_cast<void*>(at->first), at->second, page);
        live_bytes -= at->second;
        live.erase(at);
      }
      ASSERT_TRUE(region.audit()) << "program " << program << ", step " << step;
    }
    for (const auto& [slab, size] : live) region.free_slab(reinterpret_cast<void*>(slab), size, page);
    ASSERT_NE(region.alloc_slab(std::bit_floor(region.size()), page), nullptr) << "program " << program;
  }
}

#if defined(SLAB_ASAN)
TEST(Region, PoisonsKeptSlabsAndNoOthers) {
  constexpr std::size_t size = 4 * page;
  void* slab;
  {
    Region region{mebibyte};
    slab = region.alloc_slab(size, page);
    EXPECT_EQ(__asan_region_is_poisoned(slab, size), nullptr);
    region.free_slab(slab, size, page);
    EXPECT_EQ(__asan_region_is_poisoned(slab, 1), slab);
    ASSERT_EQ(region.alloc_slab(size, page), slab);
    EXPECT_EQ(__asan_region_is_poisoned(slab, size), nullptr);
    region.free_slab(slab, size, page);
  }
  EXPECT_EQ(__asan_region_is_poisoned(slab, size), nullptr) << "the region is gone, its poison is not";
}
#endif

// PageMap.

TEST(PageMap, AgreesWithAStdMapInTenThousandRandomPrograms) {
  std::mt19937_64 random{1};
  std::array<std::uint64_t, 16> infos;  // addresses are all that counts
  for (int program = 0; program < 10'000; ++program) {
    const std::uintptr_t begin = page * pick(random, 1 << 20);
    const std::size_t pages = pick(random, 24);
    PageMap map{reinterpret_cast<const void*>(begin), pages * page};
    ASSERT_EQ(map.capacity(), pages);
    std::map<std::uintptr_t, slab::SlabInfo*> expected;
    for (int step = 0; step < 64; ++step) {
      // From below the range to above it; as in a cache, only a page without an entry is saved.
      const std::uintptr_t page_addr = begin + (pick(random, pages + 8) - 4) * page;
      const auto known = expected.find(page_addr);
      if (known != expected.end() && pick(random, 2) == 0) {
        map.delete_slab_info(page_addr);
        expected.erase(known);
      } else if (known == expected.end()) {
        auto* const info = reinterpret_cast<slab::SlabInfo*>(&infos[pick(random, infos.size())]);
        const bool is_inside = page_addr >= begin && page_addr - begin < pages * page;
        ASSERT_EQ(map.save_slab_info(page_addr, info), is_inside);
        if (is_inside) expected.emplace(page_addr, info);
      }
      for (std::size_t i = 0; i < pages + 8; ++i) {
        const std::uintptr_t asked = begin + (i - 4) * page;
        const auto found = expected.find(asked);
        ASSERT_EQ(map.get_slab_info(asked), found == expected.end() ? nullptr : found->second);
      }
    }
  }
}

TEST(PageMap, RefusesAPageThatWouldShareAnEntry) {
  std::uint64_t info;
  PageMap map{nullptr, mebibyte};
  EXPECT_FALSE(map.save_slab_info(2 * page + 64, reinterpret_cast<slab::SlabInfo*>(&info)));
  EXPECT_EQ(map.get_slab_info(2 * page), nullptr);
  EXPECT_EQ(map.get_slab_info(UINTPTR_MAX & ~(page - 1)), nullptr);
}

// SlabInfos.

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

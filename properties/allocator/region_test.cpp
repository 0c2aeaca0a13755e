#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/hosted_memory.hpp"

#if defined(SLAB_ASAN)
extern "C" void* __asan_region_is_poisoned(void* begin, std::size_t size);
#endif

namespace {

using slab::Geometry;
using slab::hosted::Region;
using slab::hosted::RegionError;

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
  const auto* const begin = static_cast<const std::byte*>(region.begin());
  ASSERT_EQ(region.alloc_slab(page, page), begin);
  ASSERT_EQ(region.alloc_slab(mebibyte, page), begin + mebibyte);
  EXPECT_TRUE(region.audit());
  // The gap is blocks of 1, 2, 4 … pages, and of those that would do the smallest is taken: the next in order.
  for (std::size_t i = 1; i < mebibyte / page; ++i) ASSERT_EQ(region.alloc_slab(page, page), begin + i * page);
  EXPECT_EQ(region.alloc_slab(page, page), nullptr);
}

TEST(Region, TakesTheSmallestBlockAndOfThoseTheOneThatCameBackLast) {
  Region region{16 * page};
  std::array<std::byte*, 12> slabs;
  for (std::byte*& slab : slabs) slab = static_cast<std::byte*>(region.alloc_slab(page, page));
  auto* const four = static_cast<std::byte*>(region.alloc_slab(4 * page, page));
  ASSERT_EQ(four, slabs[0] + 12 * page);
  region.free_slab(slabs[0], page, page);
  EXPECT_EQ(region.alloc_slab(2 * page, page), nullptr);  // settles it
  region.free_slab(four, 4 * page, page);
  region.free_slab(slabs[6], page, page);
  region.free_slab(slabs[4], page, page);
  EXPECT_TRUE(region.audit());
  EXPECT_EQ(region.alloc_slab(page, page), slabs[4]);
  EXPECT_EQ(region.alloc_slab(page, page), slabs[6]);
  EXPECT_EQ(region.alloc_slab(page, page), slabs[0]) << "a larger block is split though a page is free";
  EXPECT_EQ(region.alloc_slab(page, page), four);
  EXPECT_TRUE(region.audit());
}

TEST(Region, CountsSlabsOfEverySize) {
  Region region{std::size_t{4} << 30};
  for (std::size_t slab_size = page; slab_size <= Geometry::max_slab_size; slab_size *= 2) {
    std::array<void*, 2> slabs;
    for (void*& slab : slabs) ASSERT_NE(slab = region.alloc_slab(slab_size, page), nullptr) << slab_size;
    EXPECT_EQ(region.free_bytes(), region.size() - 2 * slab_size);
    region.free_slab(slabs[0], slab_size, page);
    EXPECT_EQ(region.free_bytes(), region.size() - slab_size);
    EXPECT_EQ(region.kept_bytes(), slab_size);
    EXPECT_TRUE(region.audit()) << slab_size;
    region.free_slab(slabs[1], slab_size, page);
    EXPECT_EQ(region.trim(), 2 * slab_size);
    EXPECT_EQ(region.free_bytes(), region.size());
  }
}

TEST(Region, JoinsHalvesUpToTheLargestSlab) {
  constexpr std::size_t largest = Geometry::max_slab_size;
  Region region{2 * largest};
  std::array<void*, 4> halves;
  for (void*& half : halves) half = region.alloc_slab(largest / 2, page);
  for (void* half : halves) region.free_slab(half, largest / 2, page);
  EXPECT_NE(region.alloc_slab(largest, page), nullptr);
  EXPECT_TRUE(region.audit());
  EXPECT_NE(region.alloc_slab(largest, page), nullptr);
  EXPECT_EQ(region.alloc_slab(page, page), nullptr);
}

TEST(Region, NamesTheReasonWhyItHasNoRoom) {
  EXPECT_EQ(Region{0}.error(), RegionError::TooSmall);
  EXPECT_EQ(Region{page - 1}.error(), RegionError::TooSmall);
  EXPECT_EQ(Region{page}.error(), RegionError::None);
  EXPECT_EQ(Region{page + 1}.size(), page);
  EXPECT_EQ(Region{2 * page - 1}.size(), page);
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
  const char* const all[] = {"None", "TooSmall", "TooLarge", "NotMapped", "SystemPageTooLarge", "unknown RegionError"};
  for (std::size_t i = 0; i < std::size(all); ++i) EXPECT_STREQ(to_string(RegionError{std::uint8_t(i)}), all[i]);
}

TEST(Region, RefusesSizesThatAreNoSlab) {
  Region region{std::size_t{4} << 30};
  for (const std::size_t size : {std::size_t{0}, page / 2, 3 * page + 1, 5 * page / 2, std::size_t{2} << 30,
                                 Geometry::max_slab_size + page, SIZE_MAX / page * page, SIZE_MAX})
    EXPECT_EQ(region.alloc_slab(size, page), nullptr) << size;
  EXPECT_EQ(region.alloc_slab(3 * page, 2 * page), nullptr);
  EXPECT_EQ(region.alloc_slab(6 * page, 3 * page), nullptr);
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

TEST(RegionDeathTest, StopsWhenWhatComesBackIsNoRunOfThatSize) {
  Region region{mebibyte};
  auto* const run = static_cast<std::byte*>(region.alloc_slab(7 * page, page));
  ASSERT_NE(region.alloc_slab(page, page), nullptr);
  for (const std::size_t pages : {1u, 3u, 4u, 5u, 6u, 8u})
    EXPECT_DEATH(region.free_slab(run, pages * page, page), "Region::free_slab: no slab") << pages;
  EXPECT_DEATH(region.free_slab(run, 7 * page + 1, page), "Region::free_slab: no slab");
  EXPECT_DEATH(region.free_slab(run, 0, page), "Region::free_slab: no slab");
  EXPECT_DEATH(region.free_slab(run + 4 * page, 2 * page, page), "Region::free_slab: no slab");  // a piece of it
  EXPECT_DEATH(region.free_slab(run + 4 * page, 3 * page, page), "Region::free_slab: no slab");
  EXPECT_DEATH(region.free_slab(run + 6 * page, page, page), "Region::free_slab: no slab");
  region.free_slab(run, 7 * page, page);
  EXPECT_DEATH(region.free_slab(run, 7 * page, page), "Region::free_slab: no slab");
  // Two slabs side by side are no run.
  auto* const two = static_cast<std::byte*>(region.alloc_slab(2 * page, page));
  auto* const one = static_cast<std::byte*>(region.alloc_slab(page, page));
  ASSERT_EQ(one, two + 2 * page);
  EXPECT_DEATH(region.free_slab(two, 3 * page, page), "Region::free_slab: no slab");
}

TEST(RegionDeathTest, StopsWhenASlabLooksLikeARunOfTheBlockThatWasBehindItOnAList) {
  Region region{8 * page};
  std::array<void*, 8> slabs;
  for (void*& slab : slabs) slab = region.alloc_slab(page, page);
  region.free_slab(slabs[3], page, page);
  region.free_slab(slabs[5], page, page);
  ASSERT_EQ(region.alloc_slab(page, page), slabs[5]);
  EXPECT_DEATH(region.free_slab(slabs[5], 3 * page, page), "Region::free_slab: no slab");
}

TEST(Region, CutsARunFromTheNextPowerOfTwoAndFreesTheRest) {
  Region region{16 * page};
  auto* const run = static_cast<std::byte*>(region.alloc_slab(11 * page, page));
  ASSERT_EQ(run, region.begin());
  EXPECT_EQ(region.free_bytes(), 5 * page);
  std::memset(run, 0xA5, 11 * page);
  EXPECT_TRUE(region.audit());
  EXPECT_EQ(region.alloc_slab(page, page), run + 11 * page);
  EXPECT_EQ(region.alloc_slab(3 * page, page), run + 12 * page);
  EXPECT_EQ(region.alloc_slab(page, page), run + 15 * page);
  EXPECT_EQ(region.alloc_slab(page, page), nullptr);
  region.free_slab(run, 11 * page, page);
  EXPECT_EQ(region.kept_bytes(), 11 * page);
  EXPECT_TRUE(region.audit());
  EXPECT_EQ(region.alloc_slab(8 * page, 8 * page), run);
  EXPECT_EQ(region.alloc_slab(2 * page, page), run + 8 * page);
  EXPECT_EQ(region.alloc_slab(page, page), run + 10 * page);
  EXPECT_TRUE(region.audit());
}

TEST(Region, UsesTheRestOfARunWhenNothingElseIsLeft) {
  Region region{16 * page};
  auto* const run = static_cast<std::byte*>(region.alloc_slab(5 * page, page));
  for (std::size_t i = 8; i < 16; ++i) EXPECT_EQ(region.alloc_slab(page, page), run + i * page);
  EXPECT_EQ(region.alloc_slab(2 * page, page), run + 6 * page);
  EXPECT_EQ(region.alloc_slab(page, page), run + 5 * page);
  EXPECT_EQ(region.alloc_slab(page, page), nullptr);
  EXPECT_TRUE(region.audit());
}

TEST(Region, ReusesTheBlockOfARunForTheNextOne) {
  Region region{mebibyte};
  for (const std::size_t pages : {3u, 5u, 6u, 7u, 9u, 15u, 3u}) {
    void* const run = region.alloc_slab(pages * page, page);
    region.free_slab(run, pages * page, page);
    for (int i = 0; i < 100; ++i) {
      ASSERT_EQ(region.alloc_slab(pages * page, page), run) << pages;
      region.free_slab(run, pages * page, page);
    }
    ASSERT_TRUE(region.audit());
  }
  EXPECT_LE(region.kept_bytes(), 32 * page);
}

TEST(Region, AgreesWithAStdMapInAThousandRandomPrograms) {
  std::mt19937_64 random{1};
  for (int program = 0; program < 1000; ++program) {
    Region region{(1 + pick(random, 64)) * page};
    const auto begin = reinterpret_cast<std::uintptr_t>(region.begin());
    std::map<std::uintptr_t, std::size_t> live;  // sizes
    const std::size_t largest_class = 1 + pick(random, 7);
    for (int step = 0; step < 200; ++step) {
      const std::size_t operation = pick(random, 16);
      if (operation == 0) {
        const std::size_t kept = region.kept_bytes();
        ASSERT_EQ(region.trim(), kept);
        ASSERT_EQ(region.kept_bytes(), 0u);
      } else if (operation < 9) {
        const std::size_t most = std::size_t{1} << pick(random, largest_class);
        const std::size_t pages = pick(random, 2) == 0 ? most : 1 + pick(random, most);
        const std::size_t size = pages * page, align = std::bit_ceil(size);
        const auto slab = reinterpret_cast<std::uintptr_t>(region.alloc_slab(size, page));
        if (slab == 0) {  // there is a live slab in each place for it
          for (std::uintptr_t at = (begin + align - 1) / align * align; at + align <= begin + region.size();
               at += align) {
            const auto above = live.lower_bound(at + align);
            ASSERT_TRUE(above != live.begin() && std::prev(above)->first + std::prev(above)->second > at);
          }
          continue;
        }
        ASSERT_EQ(slab % align, 0u);
        ASSERT_TRUE(slab >= begin && slab + size <= begin + region.size());
        const auto above = live.lower_bound(slab);
        ASSERT_TRUE(above == live.end() || slab + size <= above->first);
        ASSERT_TRUE(above == live.begin() || std::prev(above)->first + std::prev(above)->second <= slab);
        std::memset(reinterpret_cast<void*>(slab), 0xA5, size);
        live.emplace(slab, size);
      } else if (!live.empty()) {
        const auto at = std::next(live.begin(), static_cast<std::ptrdiff_t>(pick(random, live.size())));
        region.free_slab(reinterpret_cast<void*>(at->first), at->second, page);
        live.erase(at);
      }
      ASSERT_EQ(region.free_bytes(),
                region.size() - std::accumulate(live.begin(), live.end(), std::size_t{0},
                                                [](std::size_t sum, const auto& slab) { return sum + slab.second; }));
      ASSERT_TRUE(region.audit()) << "program " << program << ", step " << step;
    }
    for (const auto& [slab, size] : live) region.free_slab(reinterpret_cast<void*>(slab), size, page);
    ASSERT_NE(region.alloc_slab(std::bit_floor(region.size()), page), nullptr) << "program " << program;
  }
}

#if defined(SLAB_ASAN)
/// Memory that stays the program's, and so does what AddressSanitizer knows of it.
struct OfProgram : slab::hosted::System {
  static inline std::vector<void*> mapped;
  static void* map(std::size_t size) noexcept {
    return std::memset(mapped.emplace_back(std::aligned_alloc(page, size)), 0, size);
  }
  static bool unmap(void*, std::size_t) noexcept { return true; }
};
TEST(Region, PoisonsKeptSlabsAndNoOthers) {
  constexpr std::size_t size = 4 * page;
  std::byte *before, *slab;
  const auto are_poisoned = [&] {
    for (std::size_t i = 0; i < size; ++i)
      if (!__asan_region_is_poisoned(slab + i, 1)) return false;
    return true;
  };
  {
    slab::hosted::BasicRegion<OfProgram> region{mebibyte};
    const auto alloc = [&] { return static_cast<std::byte*>(region.alloc_slab(size, page)); };
    before = alloc(), slab = alloc();
    EXPECT_EQ(__asan_region_is_poisoned(slab, size), nullptr);
    region.free_slab(slab, size, page);
    EXPECT_TRUE(are_poisoned());
    EXPECT_EQ(__asan_region_is_poisoned(before, size), nullptr);
    ASSERT_EQ(alloc(), slab);
    EXPECT_EQ(__asan_region_is_poisoned(slab, size), nullptr);
    region.free_slab(slab, size, page);
  }
  EXPECT_EQ(__asan_region_is_poisoned(slab, size), nullptr) << "the region is gone, its poison is not";
  for (void* memory : OfProgram::mapped) std::free(memory);
}
#endif

}  // namespace

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/hosted_memory.hpp"

namespace {

using slab::hosted::PageMap;

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

/// The system, where somebody's page lies behind each mapping.
struct Crowded : slab::hosted::System {
  static void* map(std::size_t size) noexcept {
    auto* const begin = static_cast<unsigned char*>(System::map(size + page));
    std::memset(begin + size, 0xA5, page);
    return begin;
  }
};
TEST(PageMap, KnowsNothingOfThePageBehindTheLast) {
  constexpr std::size_t pages = page / sizeof(slab::SlabInfo*);  // whose entries fill a page
  slab::hosted::BasicPageMap<Crowded> map{nullptr, pages * page};
  EXPECT_EQ(map.capacity(), pages);
  EXPECT_EQ(map.get_slab_info((pages - 1) * page), nullptr);
  EXPECT_EQ(map.get_slab_info(pages * page), nullptr);
}

}  // namespace

// What becomes of a Region on a system that refuses, and of a Backend that is used before its constructor.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/hosted/memory_resource.hpp>
#include <slab/slab.hpp>

#include "properties/allocator/hosted_memory.hpp"

namespace {

using slab::hosted::BasicBackend;
using slab::hosted::BasicPageMap;
using slab::hosted::BasicRegion;
using slab::hosted::RegionError;

/// The system, but for what it is told to refuse, and a count of what it has mapped.
struct Refusing {
  static inline std::size_t page = 4096;
  static inline int maps_until_refusal = -1;
  static inline bool refuses_unmap = false, refuses_discard = false;
  static inline std::size_t mapped = 0;

  static std::size_t page_size() noexcept { return page; }
  static void* map(std::size_t size) noexcept {
    EXPECT_NE(size, 0u);
    if (maps_until_refusal >= 0 && maps_until_refusal-- == 0) return nullptr;
    mapped += size;
    return slab::hosted::System::map(size);
  }
  static bool unmap(void* begin, std::size_t size) noexcept {
    EXPECT_NE(size, 0u);
    if (refuses_unmap) return false;
    mapped -= size;
    return slab::hosted::System::unmap(begin, size);
  }
  static bool discard(void* begin, std::size_t size) noexcept {
    return !refuses_discard && slab::hosted::System::discard(begin, size);
  }
};
using Region = BasicRegion<Refusing>;
using PageMap = BasicPageMap<Refusing>;
using Backend = BasicBackend<Region, PageMap>;

class HostedSystem : public testing::Test {
 protected:
  ~HostedSystem() override {
    EXPECT_EQ(Refusing::mapped, 0u);
    Refusing::page = 4096;
    Refusing::maps_until_refusal = -1;
    Refusing::refuses_unmap = Refusing::refuses_discard = false;
  }
};

TEST_F(HostedSystem, WithLargerPagesIsRefusedByName) {
  Refusing::page = 16384;
  Backend backend{mebibyte};
  EXPECT_EQ(backend.error(), RegionError::SystemPageTooLarge);
  EXPECT_STREQ(to_string(backend.error()), "SystemPageTooLarge");
  EXPECT_EQ(backend.alloc_slab(page, page), nullptr);
  EXPECT_EQ(backend.size(), 0u);
  EXPECT_EQ(PageMap(nullptr, mebibyte).capacity(), 0u);
  EXPECT_EQ(Refusing::mapped, 0u);
}

TEST_F(HostedSystem, IsNotAskedForARegionOfAWrongSize) {
  const Region none{0}, large{SIZE_MAX};
  EXPECT_EQ(Refusing::mapped, 0u);
}

TEST_F(HostedSystem, IsAskedForItsPage) {
  EXPECT_EQ(slab::hosted::System::page_size(), static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_F(HostedSystem, WithSmallerPagesIsUsed) {
  Refusing::page = 1024;
  Region region{mebibyte};
  EXPECT_EQ(region.error(), RegionError::None);
  EXPECT_NE(region.alloc_slab(page, page), nullptr);
}

TEST_F(HostedSystem, ThatDiscardsNothingLeavesSlabsKept) {
  Region region{mebibyte};
  void* const slab = region.alloc_slab(page, page);
  std::memset(slab, 0xA5, page);
  region.free_slab(slab, page, page);
  Refusing::refuses_discard = true;
  EXPECT_EQ(region.trim(), 0u);
  EXPECT_EQ(region.kept_bytes(), page);
  Refusing::refuses_discard = false;
  EXPECT_EQ(region.trim(), page);
  EXPECT_EQ(region.kept_bytes(), 0u);
  EXPECT_TRUE(region.audit());
}

TEST_F(HostedSystem, GetsBackAtTheEndWhatItRefusedToUnmap) {
  Refusing::refuses_unmap = true;
  Region region{4 * mebibyte};
  EXPECT_EQ(region.error(), RegionError::None);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(region.begin()) % (4 * mebibyte), 0u);
  EXPECT_EQ(Refusing::mapped, 8 * mebibyte - page + 3 * page) << "no more than any alignment takes, and the blocks";
  Refusing::refuses_unmap = false;
}

TEST_F(HostedSystem, IsAskedForNothingMoreOnceItHasRefused) {
  for (const int maps : {0, 1, 2}) {
    Refusing::maps_until_refusal = maps;
    Backend backend{mebibyte};
    EXPECT_EQ(backend.error(), RegionError::NotMapped) << maps;
    EXPECT_EQ(backend.alloc_slab(page, page), nullptr) << maps;
    EXPECT_EQ(backend.alloc_slab_info(64), nullptr) << maps;
    EXPECT_EQ(backend.size(), 0u) << maps;
    EXPECT_FALSE(backend.save_slab_info(reinterpret_cast<std::uintptr_t>(backend.begin()), nullptr));
    EXPECT_EQ(backend.trim(), 0u);
    EXPECT_TRUE(backend.audit());
    Refusing::maps_until_refusal = -1;
  }
}

/// Address space at a chosen place behind a multiple of 4 MiB, and all that it was told to unmap.
struct Placed {
  using Range = std::pair<std::byte*, std::size_t>;
  static constexpr std::size_t align = 4 * mebibyte;
  static inline std::byte* stretch = nullptr;
  static inline std::size_t offset = 0;
  static inline int refusals = 0;
  static inline std::vector<Range> unmapped;

  static std::size_t page_size() noexcept { return page; }
  static void* map(std::size_t size) noexcept {
    EXPECT_LE(size, 2 * align);
    return stretch + offset;
  }
  static bool unmap(void* begin, std::size_t size) noexcept {
    if (refusals > 0) return --refusals, false;
    unmapped.emplace_back(static_cast<std::byte*>(begin), size);
    return true;
  }
};
using slab::hosted::BasicMapping;

class HostedMapping : public testing::Test {
 protected:
  HostedMapping() {
    auto* const begin = static_cast<std::byte*>(slab::hosted::System::map(4 * Placed::align));
    Placed::stretch = begin + (-reinterpret_cast<std::uintptr_t>(begin) & (Placed::align - 1));
    begin_ = begin;
  }
  ~HostedMapping() override { EXPECT_TRUE(slab::hosted::System::unmap(begin_, 4 * Placed::align)); }

  /// What is unmapped when a mapping of a mebibyte is made and, after that, when it ends.
  std::pair<std::vector<Placed::Range>, std::vector<Placed::Range>> unmapped_at(std::size_t offset, int refusals) {
    Placed::offset = offset;
    Placed::refusals = refusals;
    std::vector<Placed::Range> first;
    {
      const BasicMapping<Placed> mapping{mebibyte, Placed::align};
      EXPECT_EQ(mapping.begin(), Placed::stretch + (offset == 0 ? 0 : Placed::align));
      EXPECT_EQ(mapping.size(), mebibyte);
      first = std::exchange(Placed::unmapped, {});
      Placed::refusals = 0;
    }
    return {first, std::exchange(Placed::unmapped, {})};
  }

 private:
  void* begin_;
};

TEST_F(HostedMapping, GivesBackAtOnceWhatItDoesNotNeedAndTheRestAtItsEnd) {
  using Ranges = std::vector<Placed::Range>;
  std::byte *const first = Placed::stretch, *const second = first + Placed::align;
  constexpr std::size_t spare = Placed::align - page;
  EXPECT_EQ(unmapped_at(0, 0), std::pair(Ranges{{first + mebibyte, spare}}, Ranges{{first, mebibyte}}));
  EXPECT_EQ(unmapped_at(page, 0), std::pair(Ranges{{first + page, spare}}, Ranges{{second, mebibyte}}));
  EXPECT_EQ(unmapped_at(3 * page, 0),
            std::pair(Ranges{{first + 3 * page, spare - 2 * page}, {second + mebibyte, 2 * page}},
                      Ranges{{second, mebibyte}}));
}

TEST_F(HostedMapping, GivesBackAtItsEndWhatTheSystemDidNotTakeBefore) {
  using Ranges = std::vector<Placed::Range>;
  std::byte *const first = Placed::stretch, *const second = first + Placed::align;
  constexpr std::size_t spare = Placed::align - page;
  EXPECT_EQ(unmapped_at(3 * page, 1),
            std::pair(Ranges{{second + mebibyte, 2 * page}}, Ranges{{first + 3 * page, spare - 2 * page + mebibyte}}));
  EXPECT_EQ(unmapped_at(3 * page, 2), std::pair(Ranges{}, Ranges{{first + 3 * page, spare + mebibyte}}));
  EXPECT_EQ(unmapped_at(0, 1), std::pair(Ranges{}, Ranges{{first, spare + mebibyte}}));
}

TEST_F(HostedMapping, IsOfWholePages) {
  for (const std::size_t pages : {std::size_t{1}, std::size_t{2}, SIZE_MAX / page})
    for (const std::size_t size : {pages * page - page + 1, pages * page - 1, pages * page})
      EXPECT_EQ(BasicMapping<Placed>::round_up(size), pages * page) << size;
  EXPECT_EQ(BasicMapping<Placed>::round_up(0), 0u);
}

// A global that another file's constructor uses too early: here the constructor of an object that is defined before it.

extern slab::hosted::Backend late_backend;
extern slab::hosted::Region late_region;

struct Early {
  Early() {
    using namespace slab;
    hosted::Backend& backend = late_backend;
    const auto at = [](std::size_t slab_size, ObjectSizeType type) {
      return Geometry::make(slab_size, 4096, type, 64, 8).value();
    };
    DynamicCache<Row::SmallSinglePage, hosted::Backend> single{at(4096, ObjectSizeType::Small), backend};
    DynamicCache<Row::SmallMultiPage, hosted::Backend> multi{at(8192, ObjectSizeType::Small), backend};
    DynamicCache<Row::Large, hosted::Backend> large{at(8192, ObjectSizeType::Large), backend};
    hosted::MemoryResource resource{backend};
    are_refused = !single.alloc() && !multi.alloc() && !large.alloc() && !large.reserve(1) && !multi.reserve(1);
    try {
      static_cast<void>(resource.allocate(64));
    } catch (const std::bad_alloc&) {
      is_bad_alloc = true;
    }
    has_no_room = !backend.alloc_slab(4096, 4096) && !backend.alloc_slab_info(64) && !backend.alloc_slab_info(8192) &&
                  !late_region.alloc_slab(4096, 4096) && !late_region.alloc_slab(std::size_t{1} << 30, 4096) &&
                  backend.trim() == 0 && backend.shrink() == 0 && backend.size() == 0 && backend.free_bytes() == 0 &&
                  backend.audit() && late_region.audit() && !backend.contains(&backend) && !backend.contains(nullptr);
    has_no_map = !backend.save_slab_info(0, nullptr) && !backend.save_slab_info(4096, nullptr) &&
                 !backend.get_slab_info(0) && backend.capacity() == 0;
    backend.delete_slab_info(0);
    names_it = backend.error() == RegionError::NotMapped && late_region.error() == RegionError::NotMapped;
  }
  bool are_refused = false, is_bad_alloc = false, has_no_room = false, has_no_map = false, names_it = false;
};
const Early early;
slab::hosted::Backend late_backend{mebibyte};
slab::hosted::Region late_region{mebibyte};

TEST(Backend, AnswersNullBeforeItsConstructorAndWorksAfterIt) {
  EXPECT_TRUE(early.are_refused);
  EXPECT_TRUE(early.is_bad_alloc);
  EXPECT_TRUE(early.has_no_room);
  EXPECT_TRUE(early.has_no_map);
  EXPECT_TRUE(early.names_it);
  EXPECT_EQ(late_backend.error(), RegionError::None);
  void* const slab = late_backend.alloc_slab(page, page);
  EXPECT_NE(slab, nullptr);
  late_backend.free_slab(slab, page, page);
  EXPECT_EQ(late_backend.trim(), page);
}

}  // namespace

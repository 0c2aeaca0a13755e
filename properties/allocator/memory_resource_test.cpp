#include <cstddef>
#include <cstdint>
#include <map>
#include <memory_resource>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/backend.hpp>
#include <slab/hosted/memory_resource.hpp>
#include <slab/slab.hpp>

namespace {

using slab::hosted::MemoryResource;
using slab::hosted::Region;
using Resource = MemoryResource<Region>;

constexpr std::size_t mebibyte = 1 << 20;

bool is_aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

struct Upstream : std::pmr::memory_resource {
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    calls.emplace_back(bytes, alignment);
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    calls.emplace_back(bytes, alignment);
    std::pmr::new_delete_resource()->deallocate(block, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
  std::vector<std::pair<std::size_t, std::size_t>> calls;
};

static_assert(slab::hosted::HostedSizes::count == 32 && Resource::max_size == 4096);

TEST(MemoryResource, HonoursEveryAlignment) {
  Region region{64 * mebibyte};
  Resource resource{region};
  for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2)
    for (std::size_t bytes = 0; bytes <= 5000; bytes += bytes < 300 ? 1 : 31) {
      void* const first = resource.allocate(bytes, alignment);
      void* const second = resource.allocate(bytes, alignment);
      ASSERT_NE(first, second);
      ASSERT_TRUE(is_aligned(first, alignment) && is_aligned(second, alignment))
          << bytes << " aligned to " << alignment;
      resource.deallocate(first, bytes, alignment);
      resource.deallocate(second, bytes, alignment);
    }
}

// Two requests that the pool of libstdc++ 12 gets wrong: its second blocks lie at 64 mod 256 and at 8 mod 16.
TEST(MemoryResource, HonoursTheAlignmentOfTheSecondBlock) {
  Region region{mebibyte};
  Resource resource{region};
  for (const auto& [bytes, alignment] : {std::pair<std::size_t, std::size_t>{320, 256}, {992, 16}}) {
    void* const first = resource.allocate(bytes, alignment);
    void* const second = resource.allocate(bytes, alignment);
    EXPECT_TRUE(is_aligned(first, alignment) && is_aligned(second, alignment)) << bytes;
    resource.deallocate(first, bytes, alignment);
    resource.deallocate(second, bytes, alignment);
  }
}

TEST(MemoryResource, ServesTheStandardsContainers) {
  Region region{64 * mebibyte};
  Resource resource{region};
  {
    std::pmr::map<std::pmr::string, std::pmr::vector<int>> numbers{&resource};
    for (std::size_t i = 0; i < 2000; ++i) numbers[std::pmr::string(i, 'x')].assign(i, static_cast<int>(i));
    for (std::size_t i = 0; i < 2000; i += 2) numbers.erase(std::pmr::string(i, 'x'));
    ASSERT_EQ(numbers.size(), 1000u);
    for (const auto& [key, values] : numbers) {
      ASSERT_EQ(values, (std::pmr::vector<int>(key.size(), static_cast<int>(key.size()))));
      ASSERT_TRUE(region.contains(&values));
    }
  }
  EXPECT_GT(resource.shrink(), 0u);
  EXPECT_EQ(resource.shrink(), 0u);
  EXPECT_TRUE(region.audit());
}

TEST(MemoryResource, AsksUpstreamForWhatIsLargerThanAPage) {
  Region region{mebibyte};
  Upstream upstream;
  Resource resource{region, &upstream};
  EXPECT_EQ(resource.upstream_resource(), &upstream);
  resource.deallocate(resource.allocate(4096, 4096), 4096, 4096);
  EXPECT_TRUE(upstream.calls.empty());
  resource.deallocate(resource.allocate(4097, 8), 4097, 8);
  resource.deallocate(resource.allocate(16, 8192), 16, 8192);
  const std::vector<std::pair<std::size_t, std::size_t>> expected{{4097, 8}, {4097, 8}, {16, 8192}, {16, 8192}};
  EXPECT_EQ(upstream.calls, expected);
}

TEST(MemoryResource, ThrowsBadAllocWhenThereIsNoRoomAndWorksAgainAfterwards) {
  Region region{2 * slab::hosted::HostedSizes::page_size};
  Resource resource{region, std::pmr::null_memory_resource()};
  std::vector<void*> blocks;
  EXPECT_THROW(for (;;) blocks.push_back(resource.allocate(4096)), std::bad_alloc);
  EXPECT_EQ(blocks.size(), 30u);
  EXPECT_THROW(static_cast<void>(resource.allocate(1)), std::bad_alloc) << "no slab is left for another class";
  EXPECT_THROW(static_cast<void>(resource.allocate(PTRDIFF_MAX)), std::bad_alloc);
  resource.deallocate(blocks.back(), 4096);
  EXPECT_EQ(resource.allocate(4096), blocks.back());
  for (void* block : blocks) resource.deallocate(block, 4096);
  resource.shrink();
  resource.deallocate(resource.allocate(1), 1);
}

TEST(MemoryResource, AsksUpstreamForNoSmallBlockThoughThereIsNoRoom) {
  Region region{slab::hosted::HostedSizes::page_size};
  Upstream upstream;
  Resource resource{region, &upstream};
  void* const block = resource.allocate(16, 8);
  EXPECT_THROW(static_cast<void>(resource.allocate(100, 8)), std::bad_alloc);
  EXPECT_TRUE(upstream.calls.empty());
  resource.deallocate(block, 16, 8);
}

TEST(MemoryResource, TellsWhatEachSizeHas) {
  Region region{mebibyte};
  Resource resource{region};
  void* const block = resource.allocate(100);
  std::size_t sizes = 0, live = 0;
  resource.for_each_statistics([&](const slab::SizeClassStatistics& one) {
    ++sizes;
    live += one.live_objects;
    EXPECT_EQ(one.live_objects, one.object_size == 112 ? 1u : 0u);
  });
  EXPECT_EQ(sizes, slab::hosted::HostedSizes::count);
  EXPECT_EQ(live, 1u);
  resource.deallocate(block, 100);
}

TEST(MemoryResource, HasSlabsOfOnePage) {
  using slab::hosted::HostedSizes;
  for (std::size_t i = 0; i < HostedSizes::count; ++i)
    EXPECT_EQ(HostedSizes::slab_size_for(HostedSizes::size_of(i)), HostedSizes::page_size);
}

TEST(MemoryResource, EqualsItselfAlone) {
  Region region{mebibyte};
  Resource one{region}, two{region};
  EXPECT_TRUE(one.is_equal(one));
  EXPECT_FALSE(one.is_equal(two));
  EXPECT_FALSE(one.is_equal(*std::pmr::new_delete_resource()));
}

struct Recorded : slab::Checked {
  static inline std::vector<slab::Misuse> reports;
  static void on_misuse(const slab::MisuseReport& report) noexcept { reports.push_back(report.kind); }
};

TEST(MemoryResource, ReportsABlockDeallocatedTwiceOrWithAnotherSizeOrNever) {
  Region region{mebibyte};
  Recorded::reports.clear();
  {
    MemoryResource<Region, Recorded> resource{region};
    void* const one = resource.allocate(64);
    void* const two = resource.allocate(64);
    static_cast<void>(resource.allocate(200));
    resource.deallocate(one, 64);
    resource.deallocate(one, 64);
    resource.deallocate(two, 128);
    resource.deallocate(two, 64);
  }
  using enum slab::Misuse;
  EXPECT_EQ(Recorded::reports, (std::vector{DoubleFree, OtherCache, LiveAtDestruction}));
}

// Sizes of which one is upstream's.
TEST(MemoryResource, ReportsABlockDeallocatedWithASizeOfAnotherOrigin) {
  Region region{mebibyte};
  Upstream upstream;
  Recorded::reports.clear();
  MemoryResource<Region, Recorded> resource{region, &upstream};
  void* const small = resource.allocate(64);
  void* const large = resource.allocate(8192);
  const std::size_t calls = upstream.calls.size();
  using enum slab::Misuse;
  resource.deallocate(small, 8192);
  resource.deallocate(small, 64, 8192);
  EXPECT_EQ(Recorded::reports, (std::vector{OtherCache, OtherCache}));
  Recorded::reports.clear();
  resource.deallocate(large, 64);
  resource.deallocate(&region, 4096);
  EXPECT_EQ(Recorded::reports, (std::vector{ForeignPointer, ForeignPointer}));
  Recorded::reports.clear();
  EXPECT_EQ(upstream.calls.size(), calls);
  resource.deallocate(small, 64);  // both are still there
  resource.deallocate(large, 8192);
  EXPECT_TRUE(Recorded::reports.empty());
}

}  // namespace

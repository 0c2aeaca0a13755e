// What Region does about numbers that are others than it wrote.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <vector>

#include <gtest/gtest.h>

#include <slab/hosted/region.hpp>

#include "properties/allocator/hosted_memory.hpp"

namespace {

/// The system, and where it has mapped something.
struct Recording : slab::hosted::System {
  static inline std::vector<void*> maps;
  static void* map(std::size_t size) noexcept { return maps.emplace_back(System::map(size)); }
};
using Region = slab::hosted::BasicRegion<Recording>;

constexpr std::uint32_t none = UINT32_MAX;
constexpr std::size_t classes = 19, lists = 3 * classes;
struct State {
  enum : std::uint8_t { Clean, Kept, Live, Run, Piece };
};

// What a Region has, and knows of a block's first page, as far as audit() is about it.
struct Fields {
  std::uint64_t error, mappings[8], largest_slab, size, frontier, kept_bytes, live_bytes;
  std::uint32_t first[lists];  // of the loose, the settled and the spare of each class
};
static_assert(sizeof(Fields) == sizeof(Region));
struct Block {
  std::uint32_t next, previous;
  std::uint8_t size_class, state;
  std::uint16_t unused;
};

template <class T>
T read(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// A region with blocks in all states and on all lists, its numbers, and who changes them.
class RegionAudit : public testing::Test {
 protected:
  static constexpr std::size_t pages = 67;

  void SetUp() override {
    ASSERT_EQ(Recording::maps.size(), 2u);
    ASSERT_EQ(fields().size, region.size());
    free_late = alloc(11), alloc(5);
    void *const one = alloc(1), *const two = alloc(1), *const three = alloc(1);
    last = alloc(1);
    alloc(24);  // behind a gap
    free(one, 1), free(three, 1);
    ASSERT_EQ(fields().frontier, 64u);
    ASSERT_EQ(region.trim(), 2 * page);
    free(two, 1);
    ASSERT_TRUE(region.audit());
  }
  void TearDown() override { Recording::maps.clear(); }

  void* alloc(std::size_t count) { return region.alloc_slab(count * page, page); }
  void free(void* slab, std::size_t count) { region.free_slab(slab, count * page, page); }
  [[nodiscard]] Fields fields() const { return read<Fields>(&region); }
  [[nodiscard]] static Block& block(std::size_t at) { return static_cast<Block*>(Recording::maps[1])[at]; }
  [[nodiscard]] Fields& changed() { return *reinterpret_cast<Fields*>(&region); }

  /// With each of these values in the place of another.
  template <class T>
  void expect_seen(T& number, std::initializer_list<std::size_t> values, const char* what, std::size_t where) {
    const T before = read<T>(&number);
    for (const std::size_t value : values) {
      const auto other = static_cast<T>(value);
      if (other == before) continue;
      std::memcpy(&number, &other, sizeof other);
      EXPECT_FALSE(region.audit()) << what << " of " << where << " is " << value << ", was " << +before;
    }
    std::memcpy(&number, &before, sizeof before);
  }
  /// With each page, the first behind the region, and none.
  template <class T>
  void expect_pages_seen(T& number, const char* what, std::size_t where) {
    for (std::size_t at = 0; at <= pages; ++at) expect_seen(number, {at}, what, where);
    expect_seen(number, {none}, what, where);
  }

  void expect_all_seen() {
    Fields& all = changed();
    expect_pages_seen(all.frontier, "frontier", 0);
    expect_seen(all.size, {0, page, (fields().frontier - 1) * page}, "size", 0);
    const std::size_t kept = fields().kept_bytes, live = fields().live_bytes;
    expect_seen(all.kept_bytes, {0, kept - page, kept + page, kept + 1}, "kept bytes", 0);
    expect_seen(all.live_bytes, {0, live - page, live + page, live + 1}, "live bytes", 0);
    for (std::size_t i = 0; i < lists; ++i) expect_pages_seen(all.first[i], "list", i);
    std::size_t seen[State::Piece + 1] = {};
    for (std::size_t at = 0; at < fields().frontier; at += std::size_t{1} << block(at).size_class) {
      Block& one = block(at);
      ++seen[one.state];
      for (std::size_t size_class = 0; size_class < 72; ++size_class)
        expect_seen(one.size_class, {size_class}, "class", at);
      expect_seen(one.state, {State::Clean, State::Kept, State::Live, State::Run, State::Piece}, "state", at);
      if (one.state <= State::Kept || one.state == State::Run) expect_pages_seen(one.next, "next", at);
      if (one.state <= State::Kept) expect_pages_seen(one.previous, "previous", at);
      if (one.state != State::Live) continue;
      const Block before = one;  // as if it were a run of no piece
      one.state = State::Run;
      for (one.next = 0; one.next <= pages; ++one.next) EXPECT_FALSE(region.audit()) << at << ", " << one.next;
      one = before;
    }
    for (const std::size_t blocks : seen) EXPECT_GT(blocks, 0u);
    ASSERT_TRUE(region.audit());
  }

  Region region{pages * page};
  void *free_late = nullptr, *last = nullptr;
};

TEST_F(RegionAudit, SeesEachNumberThatIsAnother) {
  expect_all_seen();
  EXPECT_EQ(alloc(64), nullptr);  // settles all
  ASSERT_EQ(fields().frontier, pages);
  expect_all_seen();
  free(free_late, 11);
  alloc(3), alloc(2);
  free(last, 1);
  expect_all_seen();
}

// Numbers that are others together, and right one by one.

TEST_F(RegionAudit, KnowsNoBlockThatLiesAtNoMultipleOfItsSize) {
  TearDown();
  Region other{4 * page};
  for (const std::size_t size : {page, page, 2 * page}) ASSERT_NE(other.alloc_slab(size, page), nullptr);
  EXPECT_TRUE(other.audit());
  block(1).size_class = 1;
  block(3) = block(0);
  EXPECT_FALSE(other.audit());
}

TEST_F(RegionAudit, KnowsNoRunThatEndsBehindAllBlocks) {
  TearDown();
  Region other{4 * page};
  ASSERT_NE(other.alloc_slab(3 * page, page), nullptr);
  Fields& all = *reinterpret_cast<Fields*>(&other);
  ASSERT_EQ(all.first[2 * classes], 3u);
  all.first[2 * classes] = none;  // its rest becomes a piece of it
  block(3).state = State::Piece;
  all.live_bytes += page;
  block(0).next = 4;
  EXPECT_TRUE(other.audit());
  block(0).next = 5;
  EXPECT_FALSE(other.audit());
}

TEST_F(RegionAudit, KnowsTheFreeBlocksOfEachList) {
  TearDown();
  Region other{16 * page};
  std::vector<void*> ones, twos;
  for (int i = 0; i < 8; ++i) ones.push_back(other.alloc_slab(page, page));
  for (int i = 0; i < 4; ++i) twos.push_back(other.alloc_slab(2 * page, page));
  for (const int i : {0, 2}) other.free_slab(ones[std::size_t(i)], page, page);
  for (const int i : {0, 2}) other.free_slab(twos[std::size_t(i)], 2 * page, page);
  ASSERT_EQ(block(2).next, 0u);
  ASSERT_EQ(block(12).next, 8u);
  const Block zero = block(0), two = block(2), eight = block(8), twelve = block(12), four = block(4);
  block(2).next = 8, block(8).previous = 2;  // both lists go on with the other's second
  block(12).next = 0, block(0).previous = 12;
  EXPECT_FALSE(other.audit());
  block(0) = zero, block(2) = two, block(8) = eight, block(12) = twelve;
  EXPECT_TRUE(other.audit());
  block(2).next = none;  // the second alone, in a ring
  block(0).next = block(0).previous = 0;
  EXPECT_FALSE(other.audit());
  block(0) = zero, block(2) = two;
  block(2).next = 4;  // a live one is the second, and something else leads to it
  block(4).previous = 2, block(4).next = none;
  block(0).previous = 6, block(6).next = 0;
  EXPECT_FALSE(other.audit());
  block(4) = four, block(0) = zero, block(2) = two;
  EXPECT_TRUE(other.audit());
}

TEST_F(RegionAudit, KnowsNoBlockThatIsLargerThanAnySlab) {
  TearDown();
  constexpr std::size_t gibibyte = std::size_t{1} << 30;
  Region large{2 * gibibyte};
  for (int i = 0; i < 2; ++i) ASSERT_NE(large.alloc_slab(gibibyte, page), nullptr);
  EXPECT_TRUE(large.audit());
  ++block(0).size_class;
  EXPECT_FALSE(large.audit());
}

/// The system, where somebody's page that looks like blocks of live slabs lies behind each mapping.
struct Crowded : slab::hosted::System {
  static void* map(std::size_t size) noexcept {
    auto* const begin = static_cast<std::byte*>(System::map(size + page));
    for (std::size_t i = 0; i < page / sizeof(Block); ++i)
      reinterpret_cast<Block*>(begin + size)[i] = {none, none, 0, State::Live, 0};
    return begin;
  }
};
TEST(RegionDeathTest, StopsWhenWhatComesBackLiesJustBehind) {
  constexpr std::size_t pages = page / 4;  // whose blocks fill whole pages
  static_assert(pages * sizeof(Block) % page == 0);
  slab::hosted::BasicRegion<Crowded> region{pages * page};
  auto* const first = static_cast<std::byte*>(region.alloc_slab(page, page));
  EXPECT_DEATH(region.free_slab(first + pages * page, page, page), "Region::free_slab: no slab");
}

}  // namespace

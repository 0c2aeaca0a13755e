// Blocks of a region lie where its program says, hold junk, and show what is written to them after their return.
#include "model/memory/region.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "model/memory/arena.hpp"
#include "model/memory/block_table.hpp"
#include "model/memory/sanitizer.hpp"

namespace slabproof {

/// As the explorer has it, in whose place it is here.
class SmallStateAccess {
 public:
  static void confine(Region& region, std::uintptr_t begin, std::size_t size, std::size_t count,
                      PlaceChooser& chooser) {
    region.begin_of_places_ = begin;
    region.size_of_places_ = size;
    region.places_ = count;
    region.chooser_ = &chooser;
    region.where_.restart_at(begin + count * size);
    permit(reinterpret_cast<void*>(begin), count * size);
    for (std::size_t i = 0; i < count; ++i) {
      ++region.held_;
      region.give(begin + i * size, size);
    }
  }
};

namespace {

constexpr std::size_t slab = 256, align = 64;

SLABPROOF_NOT_SANITIZED void flip(std::uintptr_t at) {
  volatile unsigned char& byte = *reinterpret_cast<volatile unsigned char*>(at);
  byte = byte ^ 0x40;
}

std::vector<std::uint64_t> words_of(std::uintptr_t block, std::size_t size) {
  std::vector<std::uint64_t> words(size / 8);
  std::memcpy(words.data(), reinterpret_cast<const void*>(block), 8 * words.size());
  return words;
}

class RegionOfSlabs : public testing::Test {
 protected:
  Arena arena_;
  Region region_{arena_.slabs(0), arena_.slab_bytes()};

  void reset(Reuse reuse, Placement placement = Placement::Adjacent, std::uint8_t seed = 0) {
    region_.reset({reuse, placement, seed});
  }
};

TEST_F(RegionOfSlabs, HandsOutAlignedJunkThatIsNeverZero) {
  for (const Placement placement : {Placement::Adjacent, Placement::Scattered, Placement::BarelyAligned}) {
    reset(Reuse::Never, placement, 4);
    std::uintptr_t end = arena_.slabs(0);
    std::vector<std::uint64_t> before;
    for (const std::size_t size : {8u, 64u, 72u, 256u, 13u, 255u, 1024u}) {
      const std::uintptr_t block = region_.take(size, align);
      ASSERT_EQ(block % align, 0u);
      ASSERT_GE(block, end);
      ASSERT_TRUE(placement != Placement::Adjacent || block - end < align);
      ASSERT_TRUE(placement != Placement::BarelyAligned || block % (2 * align) != 0);
      end = block + size;
      const auto words = words_of(block, size);
      EXPECT_FALSE(std::count(words.begin(), words.end(), 0u));
      EXPECT_TRUE(std::adjacent_find(words.begin(), words.end()) == words.end());
      EXPECT_FALSE(!before.empty() && !words.empty() && words[0] == before[0]);
      before = words;
      EXPECT_EQ(region_.untouched(), end);
      EXPECT_EQ(region_.touched_bytes(), end - arena_.slabs(0));
    }
  }
  EXPECT_EQ(region_.take(arena_.slab_bytes() + 1, align), 0u);
  reset(Reuse::Never);
  EXPECT_EQ(region_.take(arena_.slab_bytes(), align), arena_.slabs(0));
  EXPECT_EQ(region_.take(1, 1), 0u);
}

TEST_F(RegionOfSlabs, HandsOutOnesWhereItsSeedSaysSo) {
  for (const unsigned seed : {191u, 192u, 255u}) {
    reset(Reuse::Lifo, Placement::Adjacent, static_cast<std::uint8_t>(seed));
    const std::uintptr_t block = region_.take(200, align);
    bool are_ones = true;
    for (std::size_t i = 0; i < 200; ++i) are_ones &= *reinterpret_cast<const unsigned char*>(block + i) == 0xFF;
    EXPECT_EQ(are_ones, seed >= 192) << seed;
  }
}

TEST_F(RegionOfSlabs, GivesBlocksOfTheSameSizeAgainInTheOrderOfItsProgram) {
  for (const Reuse reuse : {Reuse::Lifo, Reuse::Fifo, Reuse::Never}) {
    reset(reuse);
    const std::uintptr_t first = region_.take(slab, align), second = region_.take(slab, align),
                         small = region_.take(slab / 2, align);
    for (const std::uintptr_t block : {first, second}) region_.give(block, slab);
    region_.give(small, slab / 2);
    const std::uintptr_t third = region_.take(slab, align), fourth = region_.take(slab, align);
    if (reuse == Reuse::Never)
      EXPECT_GT(third, small);
    else
      EXPECT_EQ(third, reuse == Reuse::Lifo ? second : first);
    EXPECT_EQ(third + fourth == first + second, reuse != Reuse::Never);
    EXPECT_GT(region_.take(slab, align), std::max(small, fourth));
  }
  reset(Reuse::Lifo);
  const std::uintptr_t first = region_.take(slab, align);
  region_.give(first, slab);
  EXPECT_NE(region_.take(slab, 1u << 21), first);  // aligned to less
  EXPECT_EQ(region_.take(slab, align), first);
}

TEST_F(RegionOfSlabs, ShowsEachByteThatIsWrittenToAReturnedBlock) {
  for (const std::size_t size : {1u, 7u, 8u, 13u, 63u, 64u, 65u, 72u, 127u, 128u, 256u}) {
    reset(Reuse::Lifo, Placement::Adjacent, 1);
    const std::uintptr_t kept = region_.take(slab, align), block = region_.take(size, align);
    const std::uintptr_t other = region_.take(slab, align);
    region_.give(other, slab);
    region_.give(block, size);
    EXPECT_EQ(region_.find_written(), 0u);
    for (std::size_t i = 0; i < size; ++i) {
      flip(block + i);
      ASSERT_EQ(region_.find_written(), block) << i << " of " << size;
      flip(block + i);
    }
    flip(kept + 3);
    ASSERT_EQ(region_.find_written(), 0u) << "a block that somebody has";
    EXPECT_EQ(region_.take(size, align), block);
    EXPECT_EQ(region_.written_before_reuse(), 0u);
    region_.give(block, size);
    flip(block + size - 1);
    EXPECT_EQ(region_.take(size, align), block);
    EXPECT_EQ(region_.written_before_reuse(), block);
    EXPECT_EQ(region_.find_written(), block);
    reset(Reuse::Lifo);
    EXPECT_EQ(region_.find_written(), 0u);
  }
}

TEST_F(RegionOfSlabs, LeavesTheEndAsItsLastUserDidWhereTheSeedIsOdd) {
  for (const std::size_t size : {std::size_t{56}, std::size_t{64}, slab})
    for (const unsigned seed : {4u, 6u, 7u, 9u}) {
      reset(Reuse::Lifo, Placement::Adjacent, static_cast<std::uint8_t>(seed));
      const std::uintptr_t before = region_.take(align, align);
      std::memset(reinterpret_cast<void*>(before), 0x33, align);
      const std::uintptr_t block = region_.take(size, align);
      std::memset(reinterpret_cast<void*>(block), 0x5A, size);
      region_.give(block, size);
      ASSERT_EQ(region_.take(size, align), block);
      EXPECT_EQ(words_of(before, align), std::vector<std::uint64_t>(align / 8, 0x3333'3333'3333'3333u));
      const auto words = words_of(block, size);
      EXPECT_EQ(std::count(words.begin(), words.end(), 0x5A5A'5A5A'5A5A'5A5Au), seed % 2 == 1 && size >= 64 ? 8 : 0);
      EXPECT_TRUE(seed % 2 == 0 || size < 64 || words[size / 8 - 8] == words.back());
      EXPECT_EQ(region_.find_written(), 0u);
    }
}

TEST_F(RegionOfSlabs, LetsNobodyTouchWhatIsReturned) {
  if (!has_asan) GTEST_SKIP() << "without AddressSanitizer";
  reset(Reuse::Lifo);
  const std::uintptr_t block = region_.take(slab, align);
  EXPECT_TRUE(is_open(block, slab));
  EXPECT_TRUE(is_closed(block + slab));
  region_.give(block, slab);
  EXPECT_TRUE(is_closed(block) && is_closed(block + slab - 1));
  EXPECT_EQ(region_.take(slab, align), block);
  EXPECT_TRUE(is_open(block, slab));
  reset(Reuse::Lifo);
  EXPECT_TRUE(is_closed(block) && is_closed(block + slab - 1));
}

/// Takes the place with this number among the free ones, and notes which these were.
struct Numbered : PlaceChooser {
  std::size_t number = 0;
  std::vector<std::uintptr_t> free;
  std::uintptr_t choose(std::span<const std::uintptr_t> places) override {
    free.assign(places.begin(), places.end());
    return number < free.size() ? free[number] : 0;
  }
};

TEST_F(RegionOfSlabs, HasOnlyThePlacesThatItIsConfinedTo) {
  using Places = std::vector<std::uintptr_t>;
  reset(Reuse::Lifo, Placement::Adjacent, 1);
  Numbered chooser;
  const std::uintptr_t first = arena_.slabs(0), second = first + slab, third = second + slab;
  SmallStateAccess::confine(region_, first, slab, 3, chooser);
  chooser.number = 1;
  EXPECT_EQ(region_.take(slab, align), second);
  EXPECT_EQ(chooser.free, (Places{first, second, third}));
  const std::uintptr_t other = region_.take(2 * slab, align);
  EXPECT_GE(other, third + slab) << "blocks of other sizes lie behind the places";
  region_.give(other, 2 * slab);
  EXPECT_EQ(region_.take(slab, align), third);
  EXPECT_EQ(chooser.free, (Places{first, third}));
  region_.give(third, slab);
  region_.give(second, slab);
  EXPECT_EQ(region_.take(slab, align), second) << "in their order, and not in that of their return";
  EXPECT_EQ(chooser.free, (Places{first, second, third}));
  chooser.number = 0;
  EXPECT_EQ(region_.take(slab, align), first);
  const std::vector<std::uint64_t> words = words_of(first, slab);
  EXPECT_FALSE(std::equal(words.end() - 8, words.end() - 1, words.end() - 7)) << "junk, whatever the seed";
  EXPECT_EQ(region_.take(slab, align), third);
  EXPECT_EQ(region_.take(slab, align), 0u) << "there is no other place";
  EXPECT_EQ(chooser.free, Places{});
  EXPECT_EQ(region_.find_written(), 0u);
  reset(Reuse::Lifo);
  EXPECT_EQ(region_.take(slab, align), first);
  EXPECT_EQ(region_.take(slab, align), second) << "and places no more";
}

struct Known {
  std::uintptr_t base = 0;
  std::size_t size = 0;
};

TEST(BlocksByAddress, AreFoundFromTheFirstByteToTheLast) {
  BlockTable<Known> table;
  EXPECT_FALSE(table.find(100));
  for (const std::uintptr_t base : {300u, 100u, 200u, 400u}) table.insert(base).size = 50;
  const auto is_whole = [&](std::initializer_list<std::uintptr_t> bases) {
    for (const std::uintptr_t base : bases)
      for (const std::uintptr_t at : {base, base + 49}) {
        const Known* const found = table.find(at);
        if (!found || found->base != base || table.at(at) != (at == base ? found : nullptr)) return false;
        if (table.find(base + 50) || table.find(base - 1) || table.at(base + 50)) return false;
      }
    return table.size() == bases.size() &&
           std::equal(table.begin(), table.end(), bases.begin(), [](const Known* a, auto b) { return a->base == b; });
  };
  EXPECT_TRUE(is_whole({100, 200, 300, 400}));
  table.erase(*table.at(200));
  EXPECT_FALSE(table.find(200));
  EXPECT_TRUE(is_whole({100, 300, 400}));
  table.erase(*table.find(449));
  EXPECT_TRUE(is_whole({100, 300}));
  Known* const third = table.at(300);
  table.insert(160).size = 50;
  EXPECT_EQ(table.find(349), third);
  EXPECT_TRUE(is_whole({100, 160, 300}));
  table.clear();
  EXPECT_FALSE(table.find(100) || table.find(160) || table.find(300));
  EXPECT_TRUE(is_whole({}));
  table.insert(100).size = 50;
  EXPECT_TRUE(is_whole({100}));
}

TEST(BlocksByAddress, KeepTheirRecordsAndReuseThoseOfBlocksThatAreGone) {
  BlockTable<Known> table;
  const auto insert = [&](std::uintptr_t base) {
    Known& record = table.insert(base);
    record.size = 50;
    return &record;
  };
  Known *one = insert(100), *other = insert(200);
  for (int i = 0; i < 3; ++i) {
    table.erase(*one);
    EXPECT_EQ(insert(300), one);
    EXPECT_EQ(table.at(200), other);
    table.clear();
    const std::set before{one, other};
    one = insert(100), other = insert(200);
    EXPECT_EQ(std::set({one, other}), before);
  }
}

}  // namespace
}  // namespace slabproof

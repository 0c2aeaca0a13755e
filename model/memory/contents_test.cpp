// What is written into objects is found again, and each byte of it that changes.
#include "model/memory/contents.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "model/memory/address.hpp"
#include "model/memory/arena.hpp"

namespace slabproof {
namespace {

constexpr std::size_t border = 64, most = 600;
/// Sizes below and above what is looked at whole, of objects with none, one and two words looked at between.
constexpr std::size_t sizes[] = {0,   1,   2,   3,   4,   5,   6,   7,   8,   15,  31,  64,  127,
                                 128, 129, 130, 132, 136, 143, 200, 319, 320, 321, 328, most};

struct Written {
  alignas(8) std::byte bytes[most + 2 * border] = {};

  [[nodiscard]] std::byte* at(std::size_t misaligned) { return bytes + border + misaligned; }
  [[nodiscard]] bool is_clean_around(const std::byte* begin, std::size_t size) const {
    for (const std::byte& byte : bytes)
      if ((&byte < begin || &byte >= begin + size) && byte != std::byte{}) return false;
    return true;
  }
};

/// Of an object larger than 128 bytes, as contents.hpp says.
bool is_looked_at(std::size_t misaligned, std::size_t size, std::size_t at) {
  if (misaligned != 0 || size <= 128 || at < 64 || at >= (size - 64) / 8 * 8) return true;
  return at >= 256 && at % 256 < 8 && at / 256 * 256 < size - 64;
}

class ContentsOfObjects : public testing::TestWithParam<Contents> {};
INSTANTIATE_TEST_SUITE_P(Contents, ContentsOfObjects, testing::Values(Contents::ByOrdinal, Contents::ByAddress));

TEST_P(ContentsOfObjects, ShowsEachByteThatChanges) {
  for (const std::size_t misaligned : {0u, 1u, 4u, 7u})
    for (const std::size_t size : sizes) {
      Written written;
      std::byte* const object = written.at(misaligned);
      const std::uintptr_t begin = address(object);
      stamp(begin, size, 7, GetParam());
      ASSERT_TRUE(written.is_clean_around(object, size)) << size << " bytes at " << misaligned;
      for (const Look look : {Look::AtAll, Look::AtSome})
        ASSERT_EQ(find_damage(begin, size, 7, GetParam(), look), -1) << size << " bytes at " << misaligned;
      for (std::size_t i = 0; i < size; ++i) {
        object[i] ^= std::byte{1};
        const std::ptrdiff_t found = find_damage(begin, size, 7, GetParam());
        const std::ptrdiff_t some = find_damage(begin, size, 7, GetParam(), Look::AtSome);
        object[i] ^= std::byte{1};
        const auto at = static_cast<std::ptrdiff_t>(i);
        ASSERT_TRUE(found >= 0 && found <= at && at - found < (misaligned == 0 ? 8 : 1))
            << i << " of " << size << " bytes at " << misaligned << ": " << found;
        ASSERT_EQ(some, is_looked_at(misaligned, size, i) ? found : -1)
            << i << " of " << size << " bytes at " << misaligned;
      }
    }
}

TEST_P(ContentsOfObjects, IsFoundWhereItWasMovedTo) {
  for (const std::size_t from : {0u, 3u})
    for (const std::size_t size : sizes) {
      Written before, after;
      stamp(address(before.at(from)), size, 9, GetParam());
      const StampedAt stamped{address(before.at(from)), size};
      for (const std::size_t to : {0u, 1u}) {
        std::byte* const moved = after.at(to);
        std::memcpy(moved, before.at(from), size);
        for (const std::size_t kept : {std::size_t{0}, size / 2, size}) {
          const auto damage = [&] { return find_damage_of_moved(address(moved), stamped, kept, 9, GetParam()); };
          ASSERT_EQ(damage(), -1) << kept << " of " << size << " bytes";
          for (std::size_t i = 0; i < size; ++i) {
            moved[i] ^= std::byte{0x80};
            ASSERT_EQ(damage(), i < kept ? static_cast<std::ptrdiff_t>(i) : -1) << kept << " of " << size << " bytes";
            moved[i] ^= std::byte{0x80};
          }
        }
      }
    }
}

std::size_t different_words(std::uintptr_t begin, std::size_t count, std::set<std::uint64_t>& words) {
  for (std::size_t i = 0; i < count; ++i) words.insert(*reinterpret_cast<const std::uint64_t*>(begin + 8 * i));
  return words.size();
}

// Else a copy to a wrong place, or of another object, would go unseen.
TEST(Contents, OfAWordAreThoseOfNoOther) {
  alignas(8) static std::uint64_t memory[40];
  const std::uintptr_t begin = address(memory);
  std::set<std::uint64_t> words;
  for (std::uint32_t ordinal = 0; ordinal < 20; ++ordinal) {
    stamp(begin, sizeof memory, ordinal);
    EXPECT_EQ(different_words(begin, 40, words), 40 * (ordinal + 1));
    EXPECT_FALSE(words.contains(0)) << "as memory is that nobody has written to";
  }
  words.clear();
  stamp(begin, sizeof memory, 0, Contents::ByAddress);
  EXPECT_EQ(different_words(begin, 40, words), 40u);
}

// One in 256 bytes is the same by chance. At an address that is the same in each run.
TEST(Contents, ByAddressDifferFromThoseOfOtherAddresses) {
  constexpr std::size_t size = 8192;
  const Arena arena;
  const auto* const memory = reinterpret_cast<const unsigned char*>(arena.cache(0));
  stamp(address(memory), size, 0, Contents::ByAddress);
  for (const std::size_t shift : {1u, 8u, 64u, 1000u}) {
    std::size_t same = 0;
    for (std::size_t i = 0; i + shift < size; ++i) same += memory[i] == memory[i + shift];
    EXPECT_LT(same, size / 80) << shift;
  }
}

TEST_P(ContentsOfObjects, StayInsideALargeOne) {
  alignas(8) static unsigned char memory[20'000];
  for (const std::size_t size : {1000u, 4096u, 10'001u}) {
    std::memset(memory, 0, sizeof memory);
    unsigned char* const object = memory + 5000;
    stamp(address(object), size, 3, GetParam());
    const auto is_zero = [](unsigned char byte) { return byte == 0; };
    EXPECT_TRUE(std::all_of(memory, object, is_zero) && std::all_of(object + size, std::end(memory), is_zero)) << size;
    for (std::size_t i = 0; i < size; i += 101) {
      object[i] ^= 1;
      EXPECT_EQ(find_damage(address(object), size, 3, GetParam()), static_cast<std::ptrdiff_t>(i / 8 * 8));
      object[i] ^= 1;
    }
    EXPECT_EQ(find_damage(address(object), size, 3, GetParam()), -1);
  }
}

TEST_P(ContentsOfObjects, AreToldWhereTheyChangedFirst) {
  for (const std::size_t size : {7u, 8u, 15u, 64u, 127u, 400u}) {
    Written written, moved;
    for (const std::size_t first : {std::size_t{0}, size - 7, size / 2}) {
      stamp(address(written.at(0)), size, 5, GetParam());
      std::memcpy(moved.at(1), written.at(0), size);
      for (const std::size_t at : {first, size - 3, size - 1}) {
        *written.at(at) ^= std::byte{1};
        *moved.at(at + 1) ^= std::byte{1};
      }
      const std::ptrdiff_t found = find_damage(address(written.at(0)), size, 5, GetParam());
      EXPECT_TRUE(found >= 0 && static_cast<std::size_t>(found) <= first && first - static_cast<std::size_t>(found) < 8)
          << found << " and not " << first << " of " << size;
      EXPECT_EQ(find_damage_of_moved(address(moved.at(1)), {address(written.at(0)), size}, size, 5, GetParam()),
                static_cast<std::ptrdiff_t>(first));
    }
  }
}

TEST(Contents, ByAddressAreThoseOfEachPart) {
  Written whole;
  stamp(address(whole.at(0)), 64, 1, Contents::ByAddress);
  const Written before = whole;
  stamp(address(whole.at(5)), 22, 2, Contents::ByAddress);
  EXPECT_EQ(std::memcmp(before.bytes, whole.bytes, sizeof whole.bytes), 0);
  EXPECT_EQ(find_damage(address(whole.at(16)), 31, 3, Contents::ByAddress), -1);
}

TEST(Contents, ThatAreNotZeroAreFoundWhereTheyBegin) {
  Written written;
  EXPECT_EQ(find_nonzero(address(written.at(0)), most), -1);
  *written.at(5) = *written.at(9) = std::byte{0x10};
  EXPECT_EQ(find_nonzero(address(written.at(0)), most), 5);
  EXPECT_EQ(find_nonzero(address(written.at(0)), 6), 5);
  EXPECT_EQ(find_nonzero(address(written.at(0)), 5), -1);
  EXPECT_EQ(find_nonzero(address(written.at(5)), 1), 0);
}

}  // namespace
}  // namespace slabproof

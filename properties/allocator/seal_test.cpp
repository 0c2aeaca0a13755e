#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

#include <slab/seal.hpp>
#include <slab/slab_info.hpp>

// What the head of <slab/seal.hpp> says of seals, of SlabInfos with any members.

namespace {

using namespace slab::detail;
using slab::SlabInfo;

/// Members that no cache would write are sealed like others.
struct Sealed : SlabInfo {
  explicit Sealed(std::uint64_t seed) {
    std::mt19937_64 random{seed};
    for (std::size_t at = 0; at < sizeof(SlabInfo); at += sizeof(std::uint64_t)) {
      const std::uint64_t word = random();
      std::memcpy(reinterpret_cast<std::byte*>(this) + at, &word, sizeof word);
    }
    for (std::uint64_t repairs = seed * 100; repairs > 0; --repairs) key = next_seal_key(key);
    seal(*this, key);
  }
  [[nodiscard]] bool is_sound() const { return has_sound_links(*this, key) && has_sound_slots(*this, key); }

  std::uint16_t key = first_seal_key;
};

TEST(Seal, ShowsEachChangeWithinOneByte) {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Sealed info{seed};
    ASSERT_TRUE(info.is_sound());
    for (std::size_t at = 0; at < sizeof(SlabInfo); ++at)
      for (unsigned change = 1; change < 256; ++change) {
        std::byte& byte = reinterpret_cast<std::byte*>(&info)[at];
        byte ^= static_cast<std::byte>(change);
        ASSERT_FALSE(info.is_sound()) << "byte " << at << " ^ " << change << ", seed " << seed;
        byte ^= static_cast<std::byte>(change);
      }
  }
}

template <SlabInfo* SlabInfo::* Member>
void expect_that_it_follows() {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    Sealed info{seed};
    for (std::uint64_t other = 0; other < 16; ++other) {
      SlabInfo* const value = other == 0 ? nullptr : Sealed{other}.next;
      set_member<true, Member>(info, value);
      ASSERT_EQ(info.*Member, value);
      ASSERT_TRUE(info.is_sound());
      info.*Member = Sealed{other}.previous;
      set_member<true, Member>(info, value);
      ASSERT_FALSE(info.is_sound()) << "what was wrong stays wrong";
      seal(info, info.key);
    }
  }
}

TEST(Seal, FollowsEachLinkAndStaysWrongWhereItWas) {
  expect_that_it_follows<&SlabInfo::next>();
  expect_that_it_follows<&SlabInfo::previous>();
  expect_that_it_follows<&SlabInfo::next_slab>();
  expect_that_it_follows<&SlabInfo::previous_slab>();
}

TEST(Seal, HasAnotherKeyAfterEachOfManyRepairs) {
  std::size_t repairs = 0;
  std::uint16_t key = first_seal_key;
  do {
    ASSERT_NE(key >> 8, key & 0xFF);
    key = next_seal_key(key);
  } while (++repairs < 65'536 && key != first_seal_key);
  EXPECT_EQ(repairs, 16'320u);
}

}  // namespace

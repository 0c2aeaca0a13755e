#pragma once

#include <cstdint>

#include <slab/poison.hpp>
#include <slab/slab_info.hpp>

namespace slab::detail {

// Two words of 16 bits that a Checked cache writes into a SlabInfo with whatever it writes there, and compares before
// it believes what it reads: a stray write, as from beyond a slab's last object, changes the one and not the other.
//
// A seal is the exclusive or of the members, each rotated by an amount of its own, folded to 16 bits, and of the
// cache's key. Rotating and folding keep eight neighbouring bits apart, so no change within one byte goes unseen. Of
// changes of more, one in 65,536 does, and always two bytes of a member that lie 2, 4 or 6 apart and change alike. It
// is linear: when a member changes, the change alone tells how the seal does, and a seal that was wrong stays wrong.

/// What a new cache seals with. No key has two equal bytes, so that no SlabInfo filled with one byte is sound.
inline constexpr std::uint16_t first_seal_key = 0x5A97;
/// Another key. The first one comes again after some sixteen thousand.
[[nodiscard]] constexpr std::uint16_t next_seal_key(std::uint16_t key) noexcept {
  do key += 0x3F1C;
  while (key >> 8 == (key & 0xFF));
  return key;
}

/// By at least one bit, and fewer than the word has.
[[nodiscard]] constexpr std::uint64_t rotated(std::uint64_t word, unsigned bits) noexcept {
  return word << bits | word >> (64 - bits);
}
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t word, unsigned bits) noexcept {
  return word << bits | word >> (32 - bits);
}
[[nodiscard]] constexpr std::uint16_t folded(std::uint32_t word) noexcept {
  return static_cast<std::uint16_t>(word ^ word >> 16);
}
[[nodiscard]] constexpr std::uint16_t folded(std::uint64_t word) noexcept {
  return folded(static_cast<std::uint32_t>(word ^ word >> 32));
}

[[nodiscard]] constexpr std::uint16_t seal_of(const TabledSlots& slots, std::uint16_t key) noexcept {
  return static_cast<std::uint16_t>(folded(slots.free_head ^ rotated(slots.used, 11) ^ rotated(slots.carved, 22)) ^
                                    key);
}

/// How a member's word is rotated; owner's is not.
template <auto Member>
inline constexpr unsigned rotation = 0;
template <>
inline constexpr unsigned rotation<&SlabInfo::slab> = 9;
template <>
inline constexpr unsigned rotation<&SlabInfo::next> = 19;
template <>
inline constexpr unsigned rotation<&SlabInfo::previous> = 28;
template <>
inline constexpr unsigned rotation<&SlabInfo::next_slab> = 39;
template <>
inline constexpr unsigned rotation<&SlabInfo::previous_slab> = 53;

[[nodiscard]] inline std::uint64_t word_of(std::uintptr_t word) noexcept { return word; }
[[nodiscard]] inline std::uint64_t word_of(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

/// Of owner, base and links.
[[nodiscard, gnu::always_inline]] inline std::uint16_t links_seal_of(const SlabInfo& info, std::uint16_t key) noexcept {
  const std::uint64_t words = word_of(info.owner) ^ rotated(word_of(info.slab), rotation<&SlabInfo::slab>) ^
                              rotated(word_of(info.next), rotation<&SlabInfo::next>) ^
                              rotated(word_of(info.previous), rotation<&SlabInfo::previous>) ^
                              rotated(word_of(info.next_slab), rotation<&SlabInfo::next_slab>) ^
                              rotated(word_of(info.previous_slab), rotation<&SlabInfo::previous_slab>);
  return static_cast<std::uint16_t>(folded(words) ^ key);
}

/// Whether owner, base and links are what the cache with this key has written. O(1).
[[nodiscard, gnu::always_inline]] inline bool has_sound_links(const SlabInfo& info, std::uint16_t key) noexcept {
  return links_seal_of(info, key) == info.tabled.links_seal;
}
/// The same of free slots and counts. Not for a slab that is current. O(1).
[[nodiscard]] inline bool has_sound_slots(const SlabInfo& info, std::uint16_t key) noexcept {
  return seal_of(info.tabled.slots, key) == info.tabled.slots_seal;
}

/// Seals what the SlabInfo says. O(1).
inline void seal(SlabInfo& info, std::uint16_t key) noexcept {
  info.tabled.slots_seal = seal_of(info.tabled.slots, key);
  info.tabled.links_seal = links_seal_of(info, key);
}

/// Writes one of those members, and changes the seal with it if the cache is Checked.
template <bool Checks, SlabInfo* SlabInfo::* Member>
void set_member(SlabInfo& info, SlabInfo* value) noexcept {
  static_assert(rotation<Member> != 0);
  if constexpr (Checks)
    info.tabled.links_seal ^= folded(rotated(word_of(info.*Member) ^ word_of(value), rotation<Member>));
  info.*Member = value;
}

}  // namespace slab::detail

#pragma once

#include <cstdint>

namespace slabproof {

/// A stray write to one byte of a SlabInfo: which byte, and what it becomes. Programs name both by one number.
struct InfoDamage {
  static constexpr std::uint32_t bytes = 64, values = 11;
  static constexpr std::uint8_t zero = 0, ones = 1, first_flip = 2, copied = 10;  // values; the flips are of one bit

  std::uint8_t byte = 0, value = 0;

  /// Requires a number below bytes * values.
  [[nodiscard]] static constexpr InfoDamage numbered(std::uint32_t number) {
    return {static_cast<std::uint8_t>(number % bytes), static_cast<std::uint8_t>(number / bytes)};
  }

  /// What the byte becomes; `other` is the same byte of another SlabInfo. It always changes: where it would not, all
  /// its bits do.
  [[nodiscard]] constexpr std::uint8_t written(std::uint8_t old, std::uint8_t other) const {
    const unsigned wanted = value == zero     ? 0u
                            : value == ones   ? 0xFFu
                            : value == copied ? other
                                              : old ^ 1u << (value - first_flip);
    return static_cast<std::uint8_t>(wanted == old ? ~wanted : wanted);
  }

  /// The parts of a SlabInfo that a Checked cache believes in different places, and where each ends.
  enum class Part : std::uint8_t { Slots, SlotsSeal, LinksSeal, Owner, Links };
  static constexpr std::uint8_t ends[] = {12, 14, 16, 24, bytes};
  [[nodiscard]] constexpr Part part() const {
    std::uint8_t part = 0;
    while (byte >= ends[part]) ++part;
    return static_cast<Part>(part);
  }
};

}  // namespace slabproof

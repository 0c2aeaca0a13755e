#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "properties/explore/small_state.hpp"

namespace slabproof {

/// Goes through all choices of the places of the slabs that an operation makes.
class PlacePicks {
 public:
  /// As Transition::picks has them.
  [[nodiscard]] std::uint8_t packed() const {
    std::uint8_t packed = 0;
    for (std::size_t i = 0; i < Choices::most; ++i) packed |= static_cast<std::uint8_t>(picks_[i] << 2 * i);
    return packed;
  }
  /// To the next ones, as an odometer: the last choice that can be increased. `made` is what these have led to. False
  /// when there are no more.
  bool advance(const Choices& made) {
    std::size_t last = made.made;
    while (last > 0 && picks_[last - 1] + 1 >= made.options[last - 1]) --last;
    if (last == 0) return false;
    ++picks_[last - 1];
    std::fill(picks_ + last, picks_ + Choices::most, std::uint8_t{0});
    return true;
  }

 private:
  std::uint8_t picks_[Choices::most] = {};
};

}  // namespace slabproof

#pragma once

#include <cstdint>
#include <span>

namespace slabproof {

/// Chooses the place of each block of a Region that is confined to a few places.
class PlaceChooser {
 public:
  /// One of the free places, given by address in ascending order, or 0 to refuse.
  [[nodiscard]] virtual std::uintptr_t choose(std::span<const std::uintptr_t> free) = 0;

 protected:
  ~PlaceChooser() = default;
};

}  // namespace slabproof

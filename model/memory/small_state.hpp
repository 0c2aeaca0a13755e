#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "model/program/setup.hpp"

namespace slabproof {

/// Model state that can affect a later operation in a small world: one backend with few slabs at fixed places, no
/// failure armed. Without birth ordinals, generations, logs and counts, which only tell events apart. Has no padding,
/// so that its bytes can be compared.
struct SmallState {
  static constexpr std::size_t max_slabs = 4;
  static constexpr std::size_t max_slots = 16;  // a slab
  static constexpr std::uint8_t nobody = 0xFF;

  struct Slab {
    std::uintptr_t info;        // what its pages map to
    std::uint16_t handed_out;   // a bit a slot
    std::uint16_t live;         // a bit a slot; none in an abandoned slab, whose slots do not matter
    std::uint16_t saved_pages;  // a bit a page
    std::uint8_t holder;        // cache, or nobody
    std::uint8_t abandoned;
  };
  struct Cache {
    std::uintptr_t current;
    std::uint64_t reserved_slabs;
  };
  Slab slabs[max_slabs];
  Cache caches[Limits::max_caches];
};
static_assert(std::has_unique_object_representations_v<SmallState>);

/// Which of the free places, by address, each new slab gets, and how many there were, so that the explorer can try them
/// all.
struct Choices {
  static constexpr std::size_t most = SmallState::max_slabs;  // slabs that one operation can make

  std::uint8_t picks[most] = {};
  std::uint8_t options[most] = {};
  std::size_t made = 0;
  bool refused = false;  // there was none
};

}  // namespace slabproof

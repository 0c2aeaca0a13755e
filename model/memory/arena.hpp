#pragma once

#include <cstdint>

#include "model/execution/arena_layout.hpp"

namespace slabproof {

/// One mapping at a fixed address that holds everything a program touches. Fixed, so that a run is the same wherever
/// and whenever it runs.
class Arena : public ArenaLayout {
 public:
  static constexpr std::uintptr_t default_base = 0x2000'0000'0000;

  /// Maps the arena; stops the program with a sentence when the address range is taken.
  explicit Arena(std::uintptr_t base = default_base, const Room& room = {});
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
};

}  // namespace slabproof

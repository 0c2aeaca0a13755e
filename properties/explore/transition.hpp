#pragma once

#include <cstdint>

#include "model/memory/small_state.hpp"
#include "model/program/operation.hpp"

namespace slabproof {

/// One step from a state of a small world to the next, in 32 bits.
struct Transition {
  /// What comes at the end of every program: everything is freed, the caches are destroyed.
  static constexpr OperationKind end = OperationKind::Recover;

  OperationKind kind = OperationKind::Alloc;
  std::uint8_t cache = 0;
  std::uint8_t argument = 0;  // Reserve: objects; Free, CorruptLink: place of the slab * SmallState::max_slots + slot
  std::uint8_t picks = 0;  // CorruptLink: which link; else two bits for each slab made: which of the free places
  std::uint8_t failing = 0;  // 0: none; else the backend call that fails, from 1, of those that `failure` counts
  std::uint8_t failure = 0;  // as Operation::detail of Fail

  [[nodiscard]] constexpr std::uint32_t packed() const {
    return static_cast<std::uint32_t>(kind) | std::uint32_t{cache} << 5 | std::uint32_t{argument} << 6 |
           std::uint32_t{picks} << 13 | std::uint32_t{failing} << 21 | std::uint32_t{failure} << 26;
  }
  [[nodiscard]] static constexpr Transition unpacked(std::uint32_t bits) {
    const auto field = [bits](int from, unsigned mask) { return static_cast<std::uint8_t>(bits >> from & mask); };
    return {static_cast<OperationKind>(field(0, 31)),
            field(5, 1),
            field(6, 127),
            field(13, 255),
            field(21, 31),
            field(26, 15)};
  }
  friend constexpr bool operator==(const Transition&, const Transition&) = default;

  /// Operations of a program that say the same.
  [[nodiscard]] constexpr std::uint32_t operations() const { return kind == end ? 0 : failing ? 2 : 1; }
  [[nodiscard]] constexpr Operation failure_operation() const {
    return {.kind = OperationKind::Fail, .detail = failure, .argument = failing - 1u};
  }
  void choose(Choices& choices) const {
    choices.made = 0;
    choices.refused = false;
    for (std::size_t i = 0; i < Choices::most; ++i) choices.picks[i] = picks >> 2 * i & 3;
  }
};

static_assert(SmallState::max_slabs * SmallState::max_slots <= 128 && SmallState::max_slabs <= 4);
static_assert(Transition::unpacked(Transition{OperationKind::Destroy, 1, 127, 255, 31, 9}.packed()) ==
              Transition{OperationKind::Destroy, 1, 127, 255, 31, 9});

}  // namespace slabproof

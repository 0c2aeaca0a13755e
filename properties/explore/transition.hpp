#pragma once

#include <cstdint>

#include "model/program/operation_table.hpp"
#include "properties/explore/small_state.hpp"

namespace slabproof {

/// One step from a state of a small world to the next, or another attempt in a state. Packed into 32 bits.
struct Transition {
  enum class Sort : std::uint8_t {
    Operation,     // `kind`, perhaps with a backend call that fails
    EndOfProgram,  // everything is freed, the caches are destroyed
    EveryPointer,  // each pointer that the contract covers is freed through `cache`; leads to no other state
  };

  Sort sort = Sort::Operation;
  OperationKind kind = OperationKind::Alloc;
  std::uint8_t cache = 0;
  std::uint8_t argument = 0;  // as Parameter::ObjectCount says, or of a live or dead object its slot_argument()
  std::uint8_t picks = 0;  // of a Parameter::Pick; else two bits for each slab made: which of the free places
  std::uint8_t failing = 0;  // 0: none; else the backend call that fails, from 1, of those that `failure` counts
  std::uint8_t failure = 0;  // as Operation::detail of Fail

  [[nodiscard]] static constexpr std::uint8_t slot_argument(std::size_t place, std::size_t slot) {
    return static_cast<std::uint8_t>(place * SmallState::max_slots + slot);
  }

  [[nodiscard]] constexpr std::uint32_t packed() const {
    return put(sort_bits, static_cast<unsigned>(sort)) | put(kind_bits, static_cast<unsigned>(kind)) |
           put(cache_bits, cache) | put(argument_bits, argument) | put(picks_bits, picks) | put(failing_bits, failing) |
           put(failure_bits, failure);
  }
  [[nodiscard]] static constexpr Transition unpacked(std::uint32_t packed) {
    const auto get = [packed](Bits bits) {
      return static_cast<std::uint8_t>(packed >> bits.first & ((1u << bits.count) - 1));
    };
    return {.sort = static_cast<Sort>(get(sort_bits)),
            .kind = static_cast<OperationKind>(get(kind_bits)),
            .cache = get(cache_bits),
            .argument = get(argument_bits),
            .picks = get(picks_bits),
            .failing = get(failing_bits),
            .failure = get(failure_bits)};
  }
  friend constexpr bool operator==(const Transition&, const Transition&) = default;

  /// Program operations that this expands to.
  [[nodiscard]] constexpr std::uint32_t operations() const { return sort == Sort::EndOfProgram ? 0 : failing ? 2 : 1; }
  /// The cache that reports the misuse, if it is one.
  [[nodiscard]] constexpr std::uint8_t reporter() const {
    return facts_of(kind).stray == StrayPointer::OfOtherCache ? cache ^ 1 : cache;
  }
  [[nodiscard]] constexpr Operation failure_operation() const {
    return {.kind = OperationKind::Fail, .detail = failure, .argument = failing - 1u};
  }
  void choose(Choices& choices) const {
    choices.made = 0;
    choices.refused = false;
    for (std::size_t i = 0; i < Choices::most; ++i) choices.picks[i] = picks >> 2 * i & 3;
  }

 private:
  struct Bits {
    unsigned first, count;
  };
  static constexpr Bits sort_bits{0, 2}, kind_bits{2, 5}, cache_bits{7, 1}, argument_bits{8, 7}, picks_bits{15, 8},
      failing_bits{23, 5}, failure_bits{28, 4};
  static constexpr std::uint32_t put(Bits bits, unsigned value) { return value << bits.first; }
  static_assert(operation_kinds <= 1u << kind_bits.count && Limits::max_caches <= 1u << cache_bits.count);
  static_assert(SmallState::max_slabs * SmallState::max_slots <= 1u << argument_bits.count);
  static_assert(SmallState::max_slabs <= 1u << 2 && 2 * Choices::most <= picks_bits.count);
};

static_assert(Transition::unpacked(
                  Transition{Transition::Sort::EveryPointer, OperationKind::Destroy, 1, 127, 255, 31, 9}.packed()) ==
              Transition{Transition::Sort::EveryPointer, OperationKind::Destroy, 1, 127, 255, 31, 9});

}  // namespace slabproof

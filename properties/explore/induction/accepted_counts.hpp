#pragma once

#include <cstdint>

#include "properties/explore/induction/unreachable.hpp"

namespace slabproof {

/// What an audit makes of all assignments of values to the fields of a small world, and what becomes of the states
/// that it accepts.
struct AcceptedCounts {
  double all = 0;           // assignments
  double accepted = 0;      // of them, by the audit
  std::uint64_t tried = 0;  // one of all that agree in what the audit reads
  std::uint64_t tried_accepted = 0;
  // Of those tried and accepted, not gone on with, since they are no state between two operations of this world.
  std::uint64_t with_too_many_empty = 0;  // more than may stay (L6)
  std::uint64_t with_info_elsewhere = 0;  // Large: at the place that goes with another slab's
  bool audits_agree = true;               // that of the cache, of each assignment tried, and the traced one
  // States, by their keys.
  std::uint64_t reachable = 0;                         // programs lead to them
  std::uint64_t unreachable[unreachable_kinds] = {};   // accepted, but no program leads to them, by why
  std::uint64_t misnamed = 0;    // of the reachable ones, those of a kind of unreachable ones: 0
  std::uint64_t missing = 0;     // of the reachable ones, those that were not among the accepted ones: 0
  std::uint64_t unforeseen = 0;  // not accepted before, but an operation leads there from an accepted one: 0

  [[nodiscard]] std::uint64_t states() const {
    std::uint64_t states = reachable;
    for (const std::uint64_t of_kind : unreachable) states += of_kind;
    return states;
  }
  /// Whether the accepted states are closed under all operations and hold all that programs lead to, and each of the
  /// others is of a known kind.
  [[nodiscard]] bool is_whole() const {
    return audits_agree && misnamed == 0 && missing == 0 && unforeseen == 0 &&
           unreachable[static_cast<std::size_t>(Unreachable::Unknown)] == 0;
  }
};

}  // namespace slabproof

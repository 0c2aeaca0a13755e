#pragma once

#include <cstdint>

#include "model/judge/runner.hpp"
#include "model/process/shared_violation.hpp"
#include "properties/explore/explorer.hpp"
#include "properties/explore/transition.hpp"

namespace slabproof {

/// The state before the first one, in which the caches are made.
constexpr std::uint32_t nowhere = ~std::uint32_t{0};

/// What a search tells its parent process through shared memory, as it becomes known.
struct SearchReport {
  ExploreCounts counts;
  Exploration::Outcome outcome;
  bool finished;
  // Where the search is, or in the end where the defect is: the packed transition from the state with this index, and
  // what happened in its middle.
  StepMark mark;
  volatile std::uint32_t state, transition, mishap;
  volatile std::uint64_t is_alive;  // grows
  SharedText<512> accepted_state;  // empty for one that is found by going on from the first state
  std::uintptr_t stray;  // the pointer whose free() was the defect, or 0
  SharedViolation violation;
};

}  // namespace slabproof

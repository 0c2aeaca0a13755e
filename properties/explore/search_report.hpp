#pragma once

#include <cstdint>

#include "model/judge/runner.hpp"
#include "model/process/shared_violation.hpp"
#include "properties/explore/explorer.hpp"
#include "properties/explore/transition.hpp"

namespace slabproof {

/// A state before the first one: what is done there is to make the caches.
constexpr std::uint32_t nowhere = ~std::uint32_t{0};

/// What a search tells its parent process through shared memory, as it becomes known.
struct SearchReport {
  ExploreCounts counts;
  Exploration::Outcome outcome;
  bool finished;
  // Where the search is, or at the end where the defect is: the transition, packed, from the state of this index.
  StepMark mark;
  volatile std::uint32_t state, transition;
  std::uintptr_t stray;  // the pointer whose free() was the defect, or 0
  SharedViolation violation;
};

}  // namespace slabproof

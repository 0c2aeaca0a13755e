#pragma once

#include <cstdint>
#include <cstdio>

#include "model/judge/runner.hpp"
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
  char invariant[16], expected[512], observed[512];

  void set_violation(const Violation& violation) {
    std::snprintf(invariant, sizeof invariant, "%s", violation.invariant.c_str());
    std::snprintf(expected, sizeof expected, "%s", violation.expected.c_str());
    std::snprintf(observed, sizeof observed, "%s", violation.observed.c_str());
  }
};

}  // namespace slabproof

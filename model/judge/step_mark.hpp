#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <slab/misuse.hpp>

#include "model/judge/expectation.hpp"
#include "model/judge/verdict.hpp"

namespace slabproof {

/// A step that no run comes to.
constexpr std::uint32_t no_step = ~std::uint32_t{0};
/// Where a run is when it is at no operation: making the caches, or past the last operation.
constexpr std::uint8_t at_start = 0xFE;
constexpr std::uint8_t at_end = 0xFF;
/// The name of an OperationKind, "start" or "end".
std::string name_of_step(std::uint8_t operation);

/// Where a run is, stored before each step is taken, so that a death has a step. May lie in memory
/// shared with a parent process.
struct StepMark {
  volatile std::uint32_t step = 0;
  volatile std::uint32_t budget_ended_at = no_step;  // Runner's
  volatile std::uint8_t operation = 0;  // OperationKind, at_start or at_end
  const char* volatile invariant = nullptr;  // the Expectation of the call under way
  const char* volatile words = nullptr;
  volatile std::size_t number = 0;
  const char* volatile name = nullptr;
  volatile std::uintptr_t stray = 0;  // what the last misuse freed, or wrote over a free link
  volatile slab::Misuse misuse{};     // what that free must be reported as

  void set(const Expectation& expected) {
    invariant = expected.invariant;
    words = expected.words;
    number = expected.number;
    name = expected.name;
  }
  /// What should have come of the call under way, left in the verdict of a death or a hang.
  void leave_due(Verdict& verdict) const {
    const Expectation due{invariant, words, number, name};
    verdict.due = due.text();
    verdict.due_invariant = due.invariant ? due.invariant : "";
  }
};

}  // namespace slabproof

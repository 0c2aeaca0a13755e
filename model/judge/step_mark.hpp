#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/misuse.hpp>

#include "model/judge/answered.hpp"
#include "model/judge/expectation.hpp"
#include "model/judge/step_kind.hpp"
#include "model/judge/verdict.hpp"
#include "model/memory/recording_backend.hpp"

namespace slabproof {

/// No run reaches this step.
constexpr std::uint32_t no_step = ~std::uint32_t{0};

/// Where a run is, stored before each step, so that a death has a step. May lie in memory shared with a parent
/// process.
struct StepMark {
  volatile std::uint32_t step = 0;
  volatile std::uint32_t budget_ended_at = no_step;  // Runner's
  volatile StepKind::Phase phase = StepKind::Phase::Start;
  volatile OperationKind operation{};  // of Phase::Operation
  volatile Invariant invariant = Invariant::None;  // the Expectation of the call under way
  const char* volatile words = nullptr;
  volatile std::size_t number = 0;
  const char* volatile name = nullptr;
  volatile std::uintptr_t stray = 0;  // the pointer that the last misuse freed, or wrote to a freed object
  volatile slab::Misuse misuse{};     // what that free must be reported as
  Erred erred;                        // what a backend got wrong last, and the step
  volatile std::uint32_t erred_at = no_step;
  Answered answered;                  // the last call from on_misuse, and the step
  volatile std::uint32_t answered_at = no_step;

  void set_step(std::uint32_t number_of_step, StepKind kind) {
    step = number_of_step;
    phase = kind.phase;
    operation = kind.operation;
  }
  [[nodiscard]] StepKind step_kind() const {
    StepKind kind;
    kind.phase = phase;
    kind.operation = operation;
    return kind;
  }
  void set(const Expectation& expected) {
    invariant = expected.invariant;
    words = expected.words;
    number = expected.number;
    name = expected.name;
  }
  /// Puts what was due into the verdict of a death or a hang.
  void leave_due(Verdict& verdict) const {
    const Expectation due{invariant, Cause::None, words, number, name};
    verdict.due = due.text();
    verdict.due_invariant = due.invariant;
  }
};

}  // namespace slabproof

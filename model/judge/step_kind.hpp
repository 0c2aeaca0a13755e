#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "model/program/operation_table.hpp"

namespace slabproof {

/// What is done at a step: an operation of a program, or what comes before and after them; of an input that is no
/// program the one thing that is done with it.
struct StepKind {
  enum class Phase : std::uint8_t {
    Start,  // the caches are made
    Operation,
    End,  // everything is freed and the caches are destroyed
    Parse,
    Geometry,
  };

  Phase phase = Phase::Start;
  OperationKind operation{};  // of Phase::Operation

  constexpr StepKind() = default;
  constexpr StepKind(Phase of) : phase{of} {}
  constexpr StepKind(OperationKind kind) : phase{Phase::Operation}, operation{kind} {}

  friend constexpr auto operator<=>(const StepKind&, const StepKind&) = default;
};

/// The operation's name, or "start", "end", "parse", "geometry".
inline std::string to_string(StepKind step) {
  switch (step.phase) {
    case StepKind::Phase::Start: return "start";
    case StepKind::Phase::Operation: return facts_of(step.operation).name;
    case StepKind::Phase::End: return "end";
    case StepKind::Phase::Parse: return "parse";
    case StepKind::Phase::Geometry: return "geometry";
  }
  return "";
}

}  // namespace slabproof

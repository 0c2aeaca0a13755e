#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "properties/locked/judge.hpp"
#include "properties/locked/program.hpp"
#include "properties/locked/turns.hpp"

namespace turns {

/// How one run of a program came out.
struct Outcome {
  std::optional<Violation> violation;
  std::uint32_t calls = 0;  // of the backend that might have failed, while the CPUs took turns
};

/// Runs a program in an order. A death by a signal, and a second of processor time without an end, are violations too:
/// the run is left by a jump.
Outcome run_program(Cpus& cpus, const TurnProgram& program, Order& order);

}  // namespace turns

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "model/judge/runner.hpp"
#include "model/judge/verdict.hpp"
#include "model/process/isolated.hpp"
#include "model/program/program.hpp"

namespace slabproof {

struct MinimizerOptions {
  std::chrono::duration<double> budget = std::chrono::seconds{60};  // for candidates
  unsigned timeout_seconds = 3;                                     // of a candidate
  double final_timeout_seconds = 10;                                // of the program given and of the smallest one
  /// Runs a program in a child process; by default run_isolated() on the runner.
  std::function<IsolatedRun(const Program& candidate, const IsolationOptions& options)> run{};
  /// Called before each candidate with the smallest program so far and how many were tried; false
  /// ends the search with that program.
  std::function<bool(const Program& smallest, std::uint64_t tried)> go_on;
};

struct Minimized {
  Program program;
  Verdict verdict;         // of program: agreed only if the program given agrees
  std::string report;      // of that run
  std::uint64_t tried = 0;
  bool finished = true;    // nothing smaller is left to try
};

/// The smallest program found that fails with the signature of `program`, including the frame; a program that agrees is
/// returned unchanged. Each candidate runs in a child. Delta debugging (Zeller and Hildebrandt, IEEE TSE 2002) over
/// operations, after a few programs of canonical shape; then operands, setup and geometry become simpler, until nothing
/// does. Unless the budget ends first, the result is 1-minimal in operations, and minimizing it again changes nothing.
/// Never more operations than given.
Minimized minimize(Runner& runner, const Program& program, const MinimizerOptions& options = {});

}  // namespace slabproof

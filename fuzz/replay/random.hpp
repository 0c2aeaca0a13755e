#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "model/judge/runner.hpp"

namespace slabproof {

struct RandomOptions {
  std::uint64_t programs = 0;  // to run
  std::uint64_t seed = 0;      // of the first; the others follow
  bool goes_on = false;        // after the first failure
  std::string folder;          // where a failing program is written, made if need be
  std::chrono::duration<double> budget{};  // for minimizing each
};

/// Runs random programs, many in one child process, until one fails, or where it goes on until all were run: then of
/// each kind of failure the shortest program counts. It is minimized and written to the folder as text. Progress on
/// stderr; Ctrl-C ends the search or the minimizing, and what was found is still told. Returns an exit status: 0
/// nothing wrong, 1 a defect, 2 a file cannot be written.
int run_random(Runner& runner, const RandomOptions& options);

/// Runs none of them, and writes each to the folder as bytes, named by its number, of six digits and from 0. Returns an
/// exit status: 0 written, 2 a file cannot be written.
int write_random(const RandomOptions& options, const Language& language);

}  // namespace slabproof

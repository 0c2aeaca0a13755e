#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "model/judge/runner.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// How a file is minimized and what is printed of it: the result with its verdict for people, or a JSON object.
struct MinimizeOptions {
  enum class Answer { ForPeople, Json };

  std::string output;  // FILE.min when empty
  std::chrono::duration<double> budget{};
  Answer answer = Answer::ForPeople;
};

/// How far a minimization came. `before` and `after` are operations of a program, or inputs of a chain.
struct Effort {
  std::uint64_t before = 0, after = 0, tried = 0;
  double seconds = 0;
  bool finished = false;  // nothing smaller was left to try
};

/// In one line: that nothing was left to minimize, since the file does not fail; or how far it came, nothing without.
std::string to_json(const std::string& file, const Effort* effort);

/// Minimizes the program of `file` and writes what is left to the output as bytes and to output.trace as text. One that
/// agrees is said to, and nothing is written. Progress goes to stderr after some seconds; Ctrl-C ends the search.
/// Returns an exit status: 0 it agrees, 1 it fails, 2 a file cannot be written.
int minimize_file(Runner& runner, const std::string& file, const Program& program, const MinimizeOptions& options);

/// False, with the reason on stderr, when it cannot be written.
bool write_file(const std::string& file, const void* data, std::size_t size);

}  // namespace slabproof

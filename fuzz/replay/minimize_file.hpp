#pragma once

#include <chrono>
#include <string>

#include "model/judge/runner.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// Minimizes the program of `file` and writes what is left to `output` (FILE.min when empty) as bytes
/// and to `output`.trace as text; prints it with its verdict. One that agrees is said to, and nothing
/// is written. Progress goes to stderr after some seconds; Ctrl-C ends the search. Returns an exit
/// status: 0 it agrees, 1 it fails, 2 a file cannot be written.
int minimize_file(Runner& runner, const std::string& file, const Program& program, const std::string& output,
                  std::chrono::duration<double> budget);

/// False, with the reason on stderr, when it cannot be written.
bool write_file(const std::string& file, const void* data, std::size_t size);

}  // namespace slabproof

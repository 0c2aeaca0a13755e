#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/judge/runner.hpp"
#include "model/process/isolated.hpp"
#include "model/program/program.hpp"

namespace slabproof {

struct GeneratedTest {
  std::string text;
  IsolatedRun run;  // of the program
};

/// A program as a GoogleTest case that stands alone, and what became of the program. A slab cache's needs
/// <slab/slab.hpp>, GoogleTest and the standard library, that of another subject the adapter in the place of the first:
/// a backend, or source of memory, that does just what the program needs; the operations as calls; the violated
/// invariant as an expectation. It fails, or dies under the same sanitizer, where the program does. For a program that
/// agrees it passes, and expects in each step what a correct allocator does. A comment has the command that compiles it
/// as `file`, and the program itself. `name` is the test's; only letters and digits of it are used.
GeneratedTest as_test(Runner& runner, const Program& program, std::string_view name, const std::string& file);

/// Of more operations a test is not made.
extern const std::size_t max_operations_of_test;

}  // namespace slabproof

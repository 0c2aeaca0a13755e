#pragma once

#include <string>
#include <string_view>

#include "fuzz/replay/recording.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// A program as a GoogleTest case that stands alone: <slab/slab.hpp>, GoogleTest and the standard library; a backend
/// that does just what the program needs; the operations as calls; the violated invariant as an expectation. It fails,
/// or dies under the same sanitizer, where the program does. For a program that agrees it passes, and expects in each
/// step what a correct cache does. A comment has the command that compiles it as `file`, and the program itself. `name`
/// is the test's; only letters and digits of it are used. `recording` is of `program`.
std::string as_test(const Program& program, const Recording& recording, std::string_view name, std::string file);

}  // namespace slabproof

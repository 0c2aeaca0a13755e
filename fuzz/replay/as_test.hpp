#pragma once

#include <string>
#include <string_view>

#include "fuzz/replay/recording.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// A program as a GoogleTest case that stands alone: <slab/slab.hpp>, GoogleTest and the
/// standard library; a backend that does what the program needs and no more; the operations as calls;
/// what was violated as an expectation. It fails, or dies under the same sanitizer, where the program
/// does. Of a program that agrees it passes, and expects of each step what a correct cache does. How it is compiled
/// as `file`, and the program itself, go with it as a comment. `name` is the test's; anything but letters and
/// digits in it is dropped. `recording` is of `program`.
std::string as_test(const Program& program, const Recording& recording, std::string_view name, std::string file);

/// The trace in the comment of such a test; empty when there is none.
std::string trace_in_test(std::string_view test);

}  // namespace slabproof

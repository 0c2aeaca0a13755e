#pragma once

#include <string>
#include <string_view>

#include "fuzz/recording.hpp"
#include "model/program.hpp"

namespace slabproof {

/// A program that fails, as a GoogleTest case that stands alone: <slab/slab.hpp>, GoogleTest and the
/// standard library; a backend that does what the program needs and no more; the operations as calls;
/// what was violated as an expectation. It fails, or dies under the same sanitizer, where the program
/// does. The program itself goes with it as a comment. `name` is the test's; anything but letters and
/// digits in it is dropped. `recording` is of `program`, which must not agree.
std::string as_test(const Program& program, const Recording& recording, std::string_view name);

/// The trace in the comment of such a test; empty when there is none.
std::string trace_in_test(std::string_view test);

}  // namespace slabproof

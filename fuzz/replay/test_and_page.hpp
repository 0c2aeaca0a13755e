#pragma once

#include <string>

#include "fuzz/replay/answer.hpp"
#include "model/judge/runner.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// What --as-test and --html write of a program in `file`. They know slab caches alone: in the replay tool of another
/// subject both refuse (no_test_or_page.cpp).
Outcome write_test(Runner& runner, const std::string& file, const Program& program, const Options& options);
Outcome write_page(Runner& runner, const std::string& file, const Program& program, const Options& options);

}  // namespace slabproof

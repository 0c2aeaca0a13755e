#pragma once

#include <string>

#include "fuzz/replay/answer.hpp"
#include "model/judge/runner.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// What --as-test and --html write of a program in `file`.
Outcome write_test(Runner& runner, const std::string& file, const Program& program, const Options& options);
Outcome write_page(Runner& runner, const std::string& file, const Program& program, const Options& options);

}  // namespace slabproof

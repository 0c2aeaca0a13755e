#pragma once

#include <string>
#include <vector>

#include "model/judge/runner.hpp"

namespace slabproof {

/// Judges many files in one pass and prints a JSON object a line for each, in their order, as soon as it is known.
/// Returns an exit status: 0 all agree, 1 one fails, 2 one cannot be read.
int print_json(Runner& runner, const std::vector<std::string>& files);

}  // namespace slabproof

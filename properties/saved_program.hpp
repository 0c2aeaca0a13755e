#pragma once

#include <string>

#include "model/program.hpp"

namespace slabproof {

/// Saves a counterexample as a corpus file in `folder`, which is made: `engine`, a dash and a digest of the
/// program's bytes. The file's path, or nothing if it cannot be written.
std::string save_program(const Program& program, const std::string& folder, const std::string& engine);

}  // namespace slabproof

#pragma once

#include <string>

#include "model/program/program.hpp"

namespace slabproof {

/// The path of a saved file, or nothing and the reason.
struct SavedProgram {
  std::string file, why_not;
};

/// Saves a counterexample as a corpus file in `folder`, making that if need be. Its name is `engine`, a dash and a
/// digest of the program's bytes. Refused if the folder lies in a fuzz-out of another format, as ci/fuzz refuses.
SavedProgram save_program(const Program& program, const std::string& folder, const std::string& engine);

}  // namespace slabproof

#pragma once

#include <string>

#include "model/program/program.hpp"

namespace slabproof {

/// The path of a file, or nothing and the reason why it could not be saved.
struct SavedProgram {
  std::string file, why_not;
};

/// Saves a counterexample as a corpus file in `folder`, which is made: `engine`, a dash and a digest of the
/// program's bytes. Refused where the folder lies in a fuzz-out of another format, as ci/fuzz does.
SavedProgram save_program(const Program& program, const std::string& folder, const std::string& engine);

}  // namespace slabproof

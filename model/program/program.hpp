#pragma once

#include <string>
#include <vector>

#include "model/program/language.hpp"
#include "model/program/operation_table.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The one language of the harness: every engine makes programs, and one runner runs them.
struct Program {
  Setup setup;
  std::vector<Operation> operations;

  friend bool operator==(const Program&, const Program&) = default;
};

/// `program` without the operations that do not apply when they are reached.
Program normalised(const Program& program);

/// Why `program` is not one of this language, in a few words; empty if it is.
std::string why_not_in(const Language& language, const Program& program);

/// `program` with its objects counted from 0 without gaps, as a person would write it. Normalises.
Program renumbered(const Program& program);

}  // namespace slabproof

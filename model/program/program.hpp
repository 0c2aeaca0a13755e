#pragma once

#include <vector>

#include "model/program/operation.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The one language of the harness: everything makes programs, one runner runs them.
struct Program {
  Setup setup;
  std::vector<Operation> operations;

  friend bool operator==(const Program&, const Program&) = default;
};

}  // namespace slabproof

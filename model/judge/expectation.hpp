#pragma once

#include <cstddef>
#include <string>

#include "model/judge/cause.hpp"
#include "model/judge/invariant.hpp"

namespace slabproof {

/// What the next call of the subject must do, noted before the call, so that a death or a hang in it can be explained.
/// `%` in the words stands for the name, or for the number if there is no name.
struct Expectation {
  Invariant invariant = Invariant::None;
  Cause cause = Cause::None;
  const char* words = nullptr;
  std::size_t number = 0;
  const char* name = nullptr;

  [[nodiscard]] std::string text() const;
};

}  // namespace slabproof

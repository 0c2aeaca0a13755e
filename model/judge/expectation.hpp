#pragma once

#include <cstddef>
#include <string>

namespace slabproof {

/// What must come of the call that is under way: the judge's own words, noted before the call is made, so that
/// somebody who dies of it leaves behind what should have been. `%` in them stands for the name, or else the number.
struct Expectation {
  const char* invariant = nullptr;  // null: nothing in particular
  const char* words = nullptr;
  std::size_t number = 0;
  const char* name = nullptr;

  [[nodiscard]] std::string text() const;
};

}  // namespace slabproof

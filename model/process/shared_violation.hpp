#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include "model/judge/verdict.hpp"

namespace slabproof {

/// A text in memory shared between a child process and its parent; truncated where it is long.
template <std::size_t Size>
struct SharedText {
  char text[Size];

  void set(const std::string& to) { std::snprintf(text, Size, "%s", to.c_str()); }
  [[nodiscard]] std::string get() const { return text; }
};

/// A violation in such memory.
struct SharedViolation {
  Invariant invariant;
  Cause cause;
  SharedText<512> expected, observed;

  void set(const Violation& violation) {
    invariant = violation.invariant;
    cause = violation.cause;
    expected.set(violation.expected);
    observed.set(violation.observed);
  }
  [[nodiscard]] Violation get() const { return {invariant, cause, expected.get(), observed.get()}; }
};

}  // namespace slabproof

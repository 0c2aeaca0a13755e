#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include "model/judge/verdict.hpp"

namespace slabproof {

/// A violation in memory shared between a child process and its parent; long texts are truncated.
struct SharedViolation {
  Invariant invariant;
  Cause cause;
  char expected[512], observed[512];

  void set(const Violation& violation) {
    invariant = violation.invariant;
    cause = violation.cause;
    put(expected, violation.expected);
    put(observed, violation.observed);
  }
  [[nodiscard]] Violation get() const { return {invariant, cause, expected, observed}; }

 private:
  template <std::size_t Size>
  static void put(char (&field)[Size], const std::string& text) {
    std::snprintf(field, Size, "%s", text.c_str());
  }
};

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "model/judge/verdict.hpp"

namespace slabproof {

struct StepMark;

/// What became of one input of a pass.
struct Passed {
  std::size_t index = 0;
  std::size_t first = 0;    // the input that its process began with; when it is this one, nothing ran before
  std::uint64_t note = 0;   // of one that agreed: what the judge left
  Verdict verdict;          // of a death without the place in the source, which takes symbols
};

/// Judges an input in the child process, and leaves a note of its choice when it agrees.
using JudgeOfPass = std::function<Verdict(std::size_t index, StepMark& mark, std::uint64_t& note)>;

/// Judges inputs 0 to `count` - 1 in one child process, one after the other as a fuzzer does. One that does not agree
/// ends it, and the next one begins another. `found` hears of each as it becomes known, in order; false from it ends
/// the pass.
void run_pass(std::size_t count, const JudgeOfPass& judge, const std::function<bool(const Passed&)>& found);

}  // namespace slabproof

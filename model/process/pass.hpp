#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "model/judge/verdict.hpp"

namespace slabproof {

struct StepMark;

/// The result of one input of a pass.
struct Passed {
  std::size_t index = 0;
  std::size_t first = 0;    // the first input of its process; if it is this one, nothing ran before it
  std::uint64_t note = 0;   // if it agreed: the judge's note
  Verdict verdict;          // of a death without the place in the source, which would need symbols
};

/// Judges an input in the child process; may leave a note if the input agrees.
using JudgeOfPass = std::function<Verdict(std::size_t index, StepMark& mark, std::uint64_t& note)>;

/// Judges inputs 0 to `count` - 1 in one child process, one after another as a fuzzer does. An input that does not
/// agree ends the process, and the next input starts a new one, as does the one after `most_a_child`. Calls `found`
/// with each result in order, as it becomes known; the pass ends when it returns false.
void run_pass(std::size_t count, const JudgeOfPass& judge, const std::function<bool(const Passed&)>& found,
              std::size_t most_a_child = ~std::size_t{0});

}  // namespace slabproof

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/judge/geometry_oracle.hpp"
#include "model/judge/runner.hpp"
#include "model/judge/verdict.hpp"
#include "model/program/program.hpp"

namespace slabproof {

/// The processor time, in seconds, after which a program with so many operations counts as hanging; in the largest
/// programs an operation takes 0.1 milliseconds. All tools use it, so that they agree about an input.
constexpr double patience(std::size_t operations) { return 4 + 0.0005 * static_cast<double>(operations); }

struct IsolationOptions {
  double timeout_seconds = 0;  // of processor time; then the verdict is Hung. 0: patience() of the input
  bool brief = false;             // leave out AddressSanitizer's report, whose symbols take a second
  Checks checks = Checks::EveryStep;
  /// Called in the child after each operation, and with null once the caches are made and at the end.
  std::function<void(Runner&, const Operation*)> after_step;
};

struct IsolatedRun {
  Verdict verdict;
  std::string report;  // what the child wrote to stderr: the sanitizer's report
  /// Of a death that a sanitizer found: a digest of its stack, equal for equal stacks within this process.
  std::uint64_t stack = 0;
  std::uintptr_t stray = 0;  // StepMark's, as the next one
  slab::Misuse misuse{};
  Erred erred;
  std::uint32_t erred_at = no_step;
  Answered answered;  // the last call from on_misuse, and the step
  std::uint32_t answered_at = no_step;
  std::uint32_t budget_ended_at = no_step;  // StepMark's
};

/// The work of a child process: it notes in the mark where it is, and returns its verdict.
using IsolatedBody = std::function<Verdict(StepMark&)>;

/// Runs `body` in a child process, so that a death or a hang is a verdict like any other. The child does not return to
/// the caller.
IsolatedRun run_isolated(const IsolatedBody& body, const IsolationOptions& options = {});

/// Runs `program` on `runner` in a child process, so that a death or a hang is a verdict like any
/// other. The child does not return to the caller. Where every step is to be checked and that is more than
/// Runner::check_budget allows, a program that fails runs again: its last steps are then checked one by one.
IsolatedRun run_isolated(Runner& runner, const Program& program, const IsolationOptions& options = {});

/// The same for a geometry: a Geometry::make that takes long is Hung, one that divides by zero has Died (G13). The
/// verdict's operation is "geometry".
IsolatedRun judge_isolated(const GeometryQuery& query, MakeGeometry make = slab::Geometry::make,
                           const IsolationOptions& options = {});
/// The same for a text, whether it is a program or not. The verdict's operation is "parse".
IsolatedRun judge_isolated(std::string_view text, const IsolationOptions& options = {});

/// In a child process: runs `program` on `runner` and calls `options.after_step` as it says.
Verdict run_steps(Runner& runner, const Program& program, const IsolationOptions& options);

}  // namespace slabproof

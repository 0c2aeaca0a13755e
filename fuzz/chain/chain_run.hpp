#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "fuzz/chain/chain.hpp"
#include "model/judge/runner.hpp"
#include "model/process/isolated.hpp"

namespace slabproof {

/// The result of a chain that was run in one child process.
struct ChainRun {
  IsolatedRun run;          // of the input that failed, or of the last one
  std::size_t input = 0;    // that input's place in the chain
  std::uint32_t time = 0;   // which of its repetitions, from 0
  std::uint64_t before = 0; // runs that had passed
  double seconds = 0;

  [[nodiscard]] bool failed() const { return !run.verdict.agreed(); }
};

struct ChainOptions {
  /// Check the last run of the last input as closely as a single program; those before it run as in a fuzzer.
  bool closely = false;
  IsolationOptions isolation;         // of each input
  double seconds = 1e9;               // for all
};

/// Runs the inputs of a chain one after another, on one Runner, as a fuzz target does; the first failure ends it.
ChainRun run_chain(Runner& runner, const Chain& chain, const ChainOptions& options = {});

/// The chain up to where it failed in this run.
Chain cut(const Chain& chain, const ChainRun& run);

/// The signature of every failure that occurs only after other inputs. What such a defect shows first depends on what
/// the caches hold by then: one wrong count showed as five violations and a death.
constexpr const char* signature_after_others = "fails only after others";

/// The verdict on a chain, checked closely where it fails.
struct ChainVerdict {
  ChainRun run;
  bool alone = false;  // the failing input fails alone too
  std::string signature{};

  [[nodiscard]] bool failed() const { return run.failed(); }
};
ChainVerdict judge_chain(Runner& runner, const Chain& chain, const IsolationOptions& options = {});

}  // namespace slabproof

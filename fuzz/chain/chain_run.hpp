#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "fuzz/chain/chain.hpp"
#include "model/judge/runner.hpp"
#include "model/process/isolated.hpp"

namespace slabproof {

/// What became of a chain that was run in one child process.
struct ChainRun {
  IsolatedRun run;          // of the input that failed, or of the last one
  std::size_t input = 0;    // which of the chain's that is
  std::uint32_t time = 0;   // which of its times, from 0
  std::uint64_t before = 0; // inputs that had passed, each as often as it was run
  double seconds = 0;

  [[nodiscard]] bool failed() const { return !run.verdict.agreed(); }
};

struct ChainOptions {
  /// The last time of the last input is looked at as closely as a program alone; what leads there is run as a fuzzer
  /// runs it.
  bool closely = false;
  IsolationOptions isolation;         // of each input
  double seconds = 1e9;               // for all
};

/// Runs the inputs of a chain one after another, on one Runner, as a fuzz target does; the first failure ends it.
ChainRun run_chain(Runner& runner, const Chain& chain, const ChainOptions& options = {});

/// The chain up to where it failed in a run, which is then its end.
Chain cut(const Chain& chain, const ChainRun& run);

/// The signature of every failure that comes only after other inputs. What such a defect shows first is a matter of
/// what the caches hold by then: one count that goes wrong is five violations and a death.
constexpr const char* signature_after_others = "fails only after others";

/// What a chain comes to, looked at closely where it fails.
struct ChainVerdict {
  ChainRun run;
  bool alone = false;  // the input that fails does so by itself
  std::string signature{};

  [[nodiscard]] bool failed() const { return run.failed(); }
};
ChainVerdict judge_chain(Runner& runner, const Chain& chain, const IsolationOptions& options = {});

}  // namespace slabproof

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "fuzz/chain/chain.hpp"
#include "fuzz/chain/chain_run.hpp"
#include "model/judge/runner.hpp"

namespace slabproof {

struct ChainMinimizerOptions {
  std::chrono::duration<double> budget = std::chrono::seconds{60};
  /// Called before each candidate with the number of different inputs left and of chains tried; false ends the search
  /// with what is left.
  std::function<bool(std::uint64_t inputs, std::uint64_t tried)> go_on;
};

struct MinimizedChain {
  std::string bytes;  // the chain as a file; if the failing input needs no others, that input
  ChainVerdict verdict;
  std::uint64_t tried = 0;
  bool finished = true;  // nothing smaller is left to try
};

/// The smallest chain found that fails with the signature of `chain`; one that passes is returned unchanged. It tries
/// the last input repeated, which suffices if something counts; then fewer inputs (delta debugging, as in minimize());
/// then simpler programs in place of the remaining ones.
MinimizedChain minimize_chain(Runner& runner, const Chain& chain, const ChainMinimizerOptions& options);

}  // namespace slabproof

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
  /// Called before each candidate with how many different inputs are left and how many chains were tried; false ends
  /// the search with what is left.
  std::function<bool(std::uint64_t inputs, std::uint64_t tried)> go_on;
};

struct MinimizedChain {
  std::string bytes;  // the chain as a file, or of a failure that needs no others the input alone
  ChainVerdict verdict;
  std::uint64_t tried = 0;
  bool finished = true;  // nothing smaller is left to try
};

/// The smallest chain found that fails with the signature of `chain`; one that passes comes back as it is. Tried are
/// the last input over and over, which is what a count in the process needs; then fewer inputs (delta debugging, as
/// minimize() has it); then simpler programs in place of those that are left.
MinimizedChain minimize_chain(Runner& runner, const Chain& chain, const ChainMinimizerOptions& options);

}  // namespace slabproof

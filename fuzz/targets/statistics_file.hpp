#pragma once

#include <cstdint>

namespace slabproof {

/// Counters that another process reads while a target runs: 64-bit words in the file that SLABPROOF_STATS names, [0]
/// inputs, [1] operations and [2] abstract states that this process has seen (Runner::states()). Without the variable
/// nothing is written.
class StatisticsFile {
 public:
  StatisticsFile();
  void add(std::uint64_t inputs, std::uint64_t operations) {
    counters_[0] = counters_[0] + inputs;
    counters_[1] = counters_[1] + operations;
  }
  void set_states(std::uint64_t states) { counters_[2] = states; }

 private:
  std::uint64_t unread_[3] = {};
  volatile std::uint64_t* counters_ = unread_;
};

}  // namespace slabproof

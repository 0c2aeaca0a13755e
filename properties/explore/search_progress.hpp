#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "properties/explore/explorer.hpp"

namespace slabproof {

/// A line a second on stdout about a search, beginning with `name`; none without a name.
class SearchProgress {
 public:
  explicit SearchProgress(const char* name) : name_{name} {}
  void tell(const ExploreCounts& counts, std::size_t frontier_bytes);

 private:
  using Clock = std::chrono::steady_clock;
  const char* name_;
  Clock::time_point told_ = Clock::now(), next_line_ = told_ + std::chrono::seconds{1};
  std::uint64_t told_transitions_ = 0;
};

}  // namespace slabproof

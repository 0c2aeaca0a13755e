#include "properties/explore/search_progress.hpp"

#include <cstdio>

namespace slabproof {

void SearchProgress::tell(const ExploreCounts& counts, std::size_t frontier_bytes) {
  if (!name_) return;
  const auto now = Clock::now();
  if (now < next_line_) return;
  next_line_ = now + std::chrono::seconds{1};
  const double seconds = std::chrono::duration<double>(now - told_).count();
  std::printf("%s %12llu states  %8.1f MiB  %8.1f MiB of frontier  depth %3u  %9.0f transitions/s  %12llu pointers\n",
              name_, static_cast<unsigned long long>(counts.states), static_cast<double>(counts.memory) / 0x1p20,
              static_cast<double>(frontier_bytes) / 0x1p20, counts.depth,
              static_cast<double>(counts.transitions - told_transitions_) / seconds,
              static_cast<unsigned long long>(counts.pointers));
  std::fflush(stdout);
  told_ = now;
  told_transitions_ = counts.transitions;
}

}  // namespace slabproof

#pragma once

#include <chrono>
#include <cstdint>

namespace slabproof {

/// A progress line on stderr, redrawn on a terminal and repeated every ten seconds elsewhere. While it exists, Ctrl-C
/// and SIGTERM end the search.
class MinimizeProgress {
 public:
  /// `candidates` names what is tried and `parts` what it consists of, `whole` of them at first.
  MinimizeProgress(const char* candidates, const char* parts, std::uint64_t whole);
  ~MinimizeProgress();
  MinimizeProgress(const MinimizeProgress&) = delete;
  MinimizeProgress& operator=(const MinimizeProgress&) = delete;

  [[nodiscard]] double seconds() const;
  /// False after a signal.
  bool go_on(std::uint64_t left, std::uint64_t tried);
  /// The same in other words.
  bool go_on(const char* words);

 private:
  const char *candidates_, *parts_;
  std::uint64_t whole_;
  bool terminal_, said_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  double next_ = 3;
  void (*before_int_)(int);
  void (*before_term_)(int);
};

}  // namespace slabproof

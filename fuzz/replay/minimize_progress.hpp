#pragma once

#include <chrono>
#include <cstdint>

namespace slabproof {

/// A line on stderr that is redrawn on a terminal, and said again every ten seconds elsewhere; and Ctrl-C and SIGTERM,
/// which end a search as long as this lives.
class MinimizeProgress {
 public:
  /// `candidates` are what is tried and `parts` what it has, `whole` of them at first.
  MinimizeProgress(const char* candidates, const char* parts, std::uint64_t whole);
  ~MinimizeProgress();
  MinimizeProgress(const MinimizeProgress&) = delete;
  MinimizeProgress& operator=(const MinimizeProgress&) = delete;

  [[nodiscard]] double seconds() const;
  /// False once a signal has come.
  bool go_on(std::uint64_t left, std::uint64_t tried);

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

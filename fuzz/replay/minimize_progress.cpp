#include "fuzz/replay/minimize_progress.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace slabproof {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) { interrupted = 1; }

}  // namespace

MinimizeProgress::MinimizeProgress(const char* candidates, const char* parts, std::uint64_t whole)
    : candidates_{candidates}, parts_{parts}, whole_{whole}, terminal_{isatty(STDERR_FILENO) == 1} {
  interrupted = 0;
  before_int_ = std::signal(SIGINT, interrupt);
  before_term_ = std::signal(SIGTERM, interrupt);
}

MinimizeProgress::~MinimizeProgress() {
  std::signal(SIGINT, before_int_);
  std::signal(SIGTERM, before_term_);
  if (said_ && terminal_) std::fprintf(stderr, "\r\033[K");
}

double MinimizeProgress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
}

bool MinimizeProgress::go_on(std::uint64_t left, std::uint64_t tried) {
  if (seconds() >= next_) {
    next_ = seconds() + (terminal_ ? 0.2 : 10);
    said_ = true;
    std::fprintf(stderr, "%sminimizing: %.0f s, %llu %s tried, %llu of %llu %s left%s", terminal_ ? "\r\033[K" : "",
                 seconds(), static_cast<unsigned long long>(tried), candidates_, static_cast<unsigned long long>(left),
                 static_cast<unsigned long long>(whole_), parts_, terminal_ ? "" : "\n");
  }
  return interrupted == 0;
}

}  // namespace slabproof

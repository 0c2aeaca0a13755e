#include "model/process/minimize_progress.hpp"

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
  char words[160];
  std::snprintf(words, sizeof words, "minimizing: %.0f s, %ju %s tried, %ju of %ju %s left", seconds(),
                std::uintmax_t{tried}, candidates_, std::uintmax_t{left}, std::uintmax_t{whole_}, parts_);
  return go_on(words);
}

bool MinimizeProgress::go_on(const char* words) {
  if (seconds() >= next_) {
    next_ = seconds() + (terminal_ ? 0.2 : 10);
    said_ = true;
    std::fprintf(stderr, "%s%s%s", terminal_ ? "\r\033[K" : "", words, terminal_ ? "" : "\n");
  }
  return interrupted == 0;
}

}  // namespace slabproof

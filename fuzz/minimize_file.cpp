#include "fuzz/minimize_file.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>

#include "model/encoder.hpp"
#include "model/minimizer.hpp"
#include "model/trace.hpp"

namespace slabproof {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

/// A line that is redrawn on a terminal, and said again every ten seconds elsewhere.
class Progress {
 public:
  explicit Progress(std::size_t operations) : operations_{operations} {}
  ~Progress() {
    if (said_ && terminal_) std::fprintf(stderr, "\r\033[K");
  }
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }
  void say(std::size_t left, std::uint64_t tried) {
    if (seconds() < next_) return;
    next_ = seconds() + (terminal_ ? 0.2 : 10);
    said_ = true;
    std::fprintf(stderr, "%sminimizing: %.0f s, %llu programs tried, %zu of %zu operations left%s",
                 terminal_ ? "\r\033[K" : "", seconds(), static_cast<unsigned long long>(tried), left, operations_,
                 terminal_ ? "" : "\n");
  }

 private:
  std::size_t operations_;
  bool terminal_ = isatty(STDERR_FILENO) == 1, said_ = false;
  Clock::time_point began_ = Clock::now();
  double next_ = 3;
};

}  // namespace

bool write_file(const std::string& file, const void* data, std::size_t size) {
  std::ofstream out{file, std::ios::binary};
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  if (out.flush()) return true;
  std::fprintf(stderr, "slab_replay: %s: cannot be written\n", file.c_str());
  return false;
}

int minimize_file(Runner& runner, const std::string& file, const Program& program, const std::string& output,
                  std::chrono::duration<double> budget) {
  MinimizerOptions options{.budget = budget, .go_on = {}};
  Progress progress{program.operations.size()};
  options.go_on = [&](const Program& smallest, std::uint64_t tried) {
    progress.say(smallest.operations.size(), tried);
    return interrupted == 0;
  };
  interrupted = 0;
  constexpr auto interrupt = [](int) { interrupted = 1; };
  const auto before_int = std::signal(SIGINT, interrupt), before_term = std::signal(SIGTERM, interrupt);
  const Minimized result = minimize(runner, program, options);
  std::signal(SIGINT, before_int);
  std::signal(SIGTERM, before_term);
  if (result.verdict.agreed()) return std::printf("%s does not fail: there is nothing to minimize\n", file.c_str()), 0;

  const std::string bytes_file = output.empty() ? file + ".min" : output, text_file = bytes_file + ".trace";
  const std::string text = to_text(result.program);
  const auto bytes = encode(result.program);
  if (!write_file(bytes_file, bytes.data(), bytes.size()) || !write_file(text_file, text.data(), text.size())) return 2;
  std::printf(
      "%sverdict: %s\nsignature: %s\nminimized: %zu operations to %zu in %.1f s, %llu programs tried%s\nwritten: %s "
      "and %s\n",
      text.c_str(), result.verdict.sentence().c_str(), result.verdict.signature().c_str(), program.operations.size(),
      result.program.operations.size(), progress.seconds(), static_cast<unsigned long long>(result.tried),
      result.finished ? "" : "; stopped before nothing smaller was left to try", bytes_file.c_str(), text_file.c_str());
  return 1;
}

}  // namespace slabproof

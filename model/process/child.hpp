#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slabproof {

/// How a child process ended.
class ChildEnd {
 public:
  enum class Cause : std::uint8_t { Itself, Patience };  // Patience: its parent lost patience and killed it

  ChildEnd(int status, Cause cause) : status_{status}, cause_{cause} {}

  /// It made no progress: its parent lost patience, or its watchdog ended it (model/process/watchdog.hpp).
  [[nodiscard]] bool hung() const;
  [[nodiscard]] bool exited_with(int status) const;
  /// "signal SEGV", "exit status 3".
  [[nodiscard]] std::string text() const;
  /// Why this end says nothing about what the child judged; empty if it does. The child may have been ended from
  /// outside: by another process, a limit, or the kernel when memory ran out. `report` is what it wrote to stderr.
  [[nodiscard]] std::string why_it_tells_nothing(std::string_view report = {}) const;

 private:
  int status_;  // as waitpid() gives it
  Cause cause_;
};

/// What a child wrote, without the lines that AddressSanitizer writes when malloc answers null, which is no finding.
std::string without_refusals(std::string_view report);

struct ChildOptions {
  enum class Errors : std::uint8_t { Captured, Shown };

  Errors errors = Errors::Captured;  // where its stderr goes: to Child::report(), or to this process's stderr
  double processor_seconds = 0;  // after which its watchdog ends it; 0: no watchdog
};

/// A child's progress, for a parent that waits as long as there is some.
struct ChildProgress {
  std::function<std::uint64_t()> count;  // changes while the child makes progress
  double processor_seconds;  // of the child without a change, after which it counts as hung
  double idle_seconds = 180;  // the same for time in which it neither used a processor nor was stopped by hand
  std::function<void()> meanwhile = [] {};  // called every few milliseconds
};

/// A child process that judges something: the only place where the harness forks. It dies with its parent, leaves no
/// core dump, and judges nothing where a sanitizer would report false errors. A child that is stopped (SIGSTOP) counts
/// as hung after three seconds, not counting time in which the parent is stopped too, as by Ctrl-Z.
class Child {
 public:
  /// Runs `body` in a child process, which exits with its result.
  explicit Child(const std::function<int()>& body, const ChildOptions& options = {});
  /// Kills the child if it is running.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// How it ended, or nothing while it is running.
  std::optional<ChildEnd> poll();
  /// Waits until it has ended.
  ChildEnd wait();
  ChildEnd wait(const ChildProgress& progress);
  /// What it has written to stderr so far, if that is captured.
  [[nodiscard]] std::string report() const;

 private:
  using Clock = std::chrono::steady_clock;

  [[noreturn]] void run(const std::function<int()>& body, const ChildOptions& options, pid_t parent) const;
  void collect(int flags);
  ChildEnd lose_patience();

  pid_t process_ = 0;
  int errors_ = -1;  // a file in memory, when errors are captured
  std::optional<ChildEnd> end_;
  bool is_stopped_ = false;
  Clock::duration stopped_for_{};
  Clock::time_point looked_ = Clock::now();
};

}  // namespace slabproof

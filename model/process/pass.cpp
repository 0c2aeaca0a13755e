#include "model/process/pass.hpp"

#include <fcntl.h>
#include <sys/poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "model/judge/runner.hpp"
#include "model/process/cannot_judge.hpp"
#include "model/process/child.hpp"
#include "model/process/sanitizer_hooks.hpp"
#include "model/process/sanitizer_report.hpp"
#include "model/process/shared_memory.hpp"
#include "model/process/shared_violation.hpp"

namespace slabproof {
namespace {

struct PassState {
  StepMark mark;
  bool disagreed;
  StepKind operation;
  SharedViolation violation;
};

/// What the pipe carries for each input that agrees. A process that the judged code starts may run them too and send
/// each a second time.
struct Note {
  std::uint64_t index, note;
};

/// In the child. What does not agree goes into shared memory.
void go_through(std::size_t first, std::size_t count, const JudgeOfPass& judge, PassState& shared, int notes) {
  report_briefly(true);
  for (std::size_t i = first; i < count; ++i) {
    shared.mark.step = 0;
    std::uint64_t note = 0;
    const Verdict verdict = judge(i, shared.mark, note);
    if (!verdict.agreed()) {
      shared.operation = verdict.operation;
      shared.violation.set(verdict.violation);
      shared.disagreed = true;
      return;
    }
    const Note said{i, note};
    if (write(notes, &said, sizeof said) != sizeof said) return;
  }
}

Verdict verdict_of_end(const PassState& shared, const ChildEnd& end, std::string_view report) {
  Verdict verdict;
  verdict.step = shared.mark.step;
  if (shared.disagreed) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.operation = shared.operation;
    verdict.violation = shared.violation.get();
    return verdict;
  }
  verdict.operation = shared.mark.step_kind();
  shared.mark.leave_due(verdict);
  if (end.hung()) {
    verdict.kind = Verdict::Kind::Hung;
    return verdict;
  }
  verdict.kind = Verdict::Kind::Died;
  verdict.death_by = ended_by(report);
  switch (verdict.death_by) {
    case DeathBy::AddressSanitizer: verdict.death = "AddressSanitizer"; break;
    case DeathBy::UndefinedBehaviorSanitizer: verdict.death = "UndefinedBehaviorSanitizer"; break;
    case DeathBy::None:
    case DeathBy::SignalOrExit: verdict.death = end.text(); break;
  }
  return verdict;
}

/// A child process of a pass: the notes that it sends, and how it ends.
class Leg {
 public:
  Leg(std::size_t first, std::size_t count, const JudgeOfPass& judge, PassState& shared) : shared_{shared} {
    shared_ = {};
    if (pipe2(notes_, O_CLOEXEC) != 0) cannot_judge_for_errno("no pipe to a child process can be opened");
    child_.emplace([&, notes = notes_[1]] { return go_through(first, count, judge, shared, notes), 0; });
    close(notes_[1]);
  }
  ~Leg() { close(notes_[0]); }
  Leg(const Leg&) = delete;
  Leg& operator=(const Leg&) = delete;

  /// The note of this input; false when there is none.
  bool next(std::size_t index, std::uint64_t& note) {
    Note said{};
    do
      if (!read_note(said)) return false;
    while (said.index < index);
    note = said.note;
    return said.index == index;
  }
  /// The result of the input that it was running; nothing, with the reason, if its end does not say.
  std::optional<Verdict> end(std::string& why) {
    const ChildEnd end = child_->wait();
    const std::string report = child_->report();
    why = end.why_it_tells_nothing(report);
    if (!why.empty()) return std::nullopt;
    return verdict_of_end(shared_, end, report);
  }

 private:
  /// False when no more can come, since the child has ended or is stopped for good.
  bool read_note(Note& note) {
    constexpr int look_milliseconds = 100;
    pollfd notes{.fd = notes_[0], .events = POLLIN, .revents = 0};
    while (::poll(&notes, 1, look_milliseconds) <= 0)
      if (child_->poll() && ::poll(&notes, 1, 0) <= 0) return false;
    ssize_t got = 0;
    do got = read(notes_[0], &note, sizeof note);
    while (got < 0 && errno == EINTR);
    return got == sizeof note;
  }

  PassState& shared_;
  int notes_[2];
  std::optional<Child> child_;
};

}  // namespace

void run_pass(std::size_t count, const JudgeOfPass& judge, const std::function<bool(const Passed&)>& found,
              std::size_t most_a_child) {
  const SharedMemory<PassState> shared;
  bool going = true;
  for (std::size_t next = 0; going && next < count;) {
    Passed passed{.index = next, .first = next, .note = 0, .verdict = {}};
    const std::size_t end = next + std::min(count - next, most_a_child);
    Leg leg{next, end, judge, *shared};
    while (going && next < end && leg.next(next, passed.note)) {
      going = found(passed);
      passed.index = ++next;
    }
    if (!going || next == end) continue;
    std::string why;
    if (const auto verdict = leg.end(why)) {
      passed.verdict = *verdict;
      going = found(passed);
      ++next;
    } else if (next == passed.first) {  // else a fresh process may succeed
      cannot_judge(why);
    }
  }
}

}  // namespace slabproof

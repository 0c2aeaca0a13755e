#include "model/process/pass.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "model/process/child.hpp"
#include "model/process/isolated.hpp"

namespace slabproof {
namespace {

struct Shared {
  StepMark mark;
  bool disagreed;
  char operation[32], invariant[16], expected[512], observed[512];
};

template <std::size_t Size>
void put(char (&field)[Size], const std::string& text) {
  std::snprintf(field, Size, "%s", text.c_str());
}

/// What goes through the pipe for each input that agrees. A process that the judged code starts may go through them
/// too, and says each a second time.
struct Note {
  std::uint64_t index, note;
};

/// In the child. What does not agree goes into shared memory.
[[noreturn]] void go_through(std::size_t first, std::size_t count, const JudgeOfPass& judge, Shared& shared,
                             int notes) {
  report_briefly(true);
  for (std::size_t i = first; i < count; ++i) {
    shared.mark.step = 0;
    std::uint64_t note = 0;
    const Verdict verdict = judge(i, shared.mark, note);
    if (!verdict.agreed()) {
      put(shared.operation, verdict.operation);
      put(shared.invariant, verdict.violation.invariant);
      put(shared.expected, verdict.violation.expected);
      put(shared.observed, verdict.violation.observed);
      shared.disagreed = true;
      break;
    }
    const Note said{i, note};
    if (write(notes, &said, sizeof said) != sizeof said) break;
  }
  _exit(0);
}

Verdict verdict_of_end(const Shared& shared, int status, std::string_view report) {
  Verdict verdict;
  verdict.step = shared.mark.step;
  if (shared.disagreed) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.operation = shared.operation;
    verdict.violation = {shared.invariant, shared.expected, shared.observed};
    return verdict;
  }
  verdict.operation = name_of_step(shared.mark.operation);
  shared.mark.leave_due(verdict);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    verdict.kind = Verdict::Kind::Hung;
    return verdict;
  }
  verdict.kind = Verdict::Kind::Died;
  if (report.find("AddressSanitizer") != std::string_view::npos)
    verdict.death = "AddressSanitizer";
  else if (report.find("runtime error") != std::string_view::npos)
    verdict.death = "UndefinedBehaviorSanitizer";
  else if (WIFSIGNALED(status))
    verdict.death = std::string{"signal "} + sigabbrev_np(WTERMSIG(status));
  else
    verdict.death = "exit status " + std::to_string(WEXITSTATUS(status));
  return verdict;
}

/// What a child process of a pass says, and how it ends.
class Child {
 public:
  Child(std::size_t first, std::size_t count, const JudgeOfPass& judge, Shared& shared) : shared_{shared} {
    int notes[2];
    report_ = memfd_create("report", MFD_CLOEXEC);
    if (report_ < 0 || pipe2(notes, O_CLOEXEC) != 0) cannot_judge(std::strerror(errno));
    shared_ = {};
    std::fflush(nullptr);
    const pid_t parent = getpid();
    process_ = fork();
    if (process_ < 0) cannot_judge(std::string{"no process can be started: "} + std::strerror(errno));
    if (process_ == 0) {
      dup2(report_, STDERR_FILENO);
      begin_child(parent);
      go_through(first, count, judge, shared_, notes[1]);
    }
    close(notes[1]);
    notes_ = notes[0];
  }
  ~Child() {
    close(notes_);  // one that is still at it ends with its next note
    if (process_ > 0) wait();
    close(report_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The note of this input; false when there is none.
  bool next(std::size_t index, std::uint64_t& note) const {
    Note said{};
    ssize_t got = 0;
    do got = read(notes_, &said, sizeof said);
    while ((got < 0 && errno == EINTR) || (got == sizeof said && said.index < index));
    note = said.note;
    return got == sizeof said && said.index == index;
  }
  /// What became of the input that it was at; nothing, with the reason, when its end does not tell.
  std::optional<Verdict> end(std::string& why) {
    const int status = wait();
    char bytes[4096];
    const ssize_t size = pread(report_, bytes, sizeof bytes, 0);
    const std::string_view report{bytes, size < 0 ? 0 : static_cast<std::size_t>(size)};
    why = why_end_tells_nothing(status, report);
    if (!why.empty()) return std::nullopt;
    return verdict_of_end(shared_, status, report);
  }

 private:
  int wait() {
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
    process_ = 0;
    return status;
  }

  Shared& shared_;
  pid_t process_ = 0;
  int notes_ = -1, report_ = -1;
};

}  // namespace

void run_pass(std::size_t count, const JudgeOfPass& judge, const std::function<bool(const Passed&)>& found) {
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) cannot_judge(std::strerror(errno));
  auto& shared = *new (memory) Shared{};
  bool going = true;
  for (std::size_t next = 0; going && next < count;) {
    Passed passed{.index = next, .first = next, .note = 0, .verdict = {}};
    Child child{next, count, judge, shared};
    while (going && next < count && child.next(next, passed.note)) {
      going = found(passed);
      passed.index = ++next;
    }
    if (!going || next == count) break;
    std::string why;
    if (const auto verdict = child.end(why)) {
      passed.verdict = *verdict;
      going = found(passed);
      ++next;
    } else if (next == passed.first) {  // else a fresh process may manage it
      cannot_judge(why);
    }
  }
  munmap(memory, sizeof(Shared));
}

}  // namespace slabproof

#include "model/isolated.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "model/child.hpp"
#include "model/event_log.hpp"
#include "model/sanitizer.hpp"
#include "model/trace_oracle.hpp"
#include "model/watchdog.hpp"

namespace {

bool brief_reports = false;
// Where the digest of a sanitizer's stack goes: its program counters are the same in every child.
std::uint64_t* stack_digest = nullptr;

/// What AddressSanitizer is about to report, in its words.
const char* description() {
#if defined(SLABPROOF_ASAN)
  return __asan_get_report_description();
#else
  return "";
#endif
}

void note_stack() {
  constexpr std::uint64_t deepest = 64;
  slabproof::EventLog stack;
  const auto add_frame = [](_Unwind_Context* frame, void* log) {
    auto& frames = *static_cast<slabproof::EventLog*>(log);
    frames.add(_Unwind_GetIP(frame));
    return frames.count() < deepest ? _URC_NO_REASON : _URC_END_OF_STACK;
  };
  if (!stack_digest) return;
  _Unwind_Backtrace(add_frame, &stack);
  *stack_digest = stack.digest();
}

}  // namespace

// AddressSanitizer calls this before it reports.
extern "C" void __asan_on_error();
extern "C" void __asan_on_error() {
  note_stack();
  if (!brief_reports) return slabproof::watch_report();
  // That is no error of the program's.
  const bool is_out_of_memory = std::string_view{description()} == "out-of-memory";
  const std::string_view words = is_out_of_memory ? "AddressSanitizer: out-of-memory\n" : "AddressSanitizer: error\n";
  (void)!write(STDERR_FILENO, words.data(), words.size());
  _exit(is_out_of_memory ? slabproof::judged_nothing : 1);
}

// UndefinedBehaviorSanitizer calls this before it reports; its stack trace starts a symbolizer.
extern "C" void __ubsan_on_report();
extern "C" void __ubsan_on_report() {
  constexpr std::string_view words = "runtime error: \n";
  note_stack();
  if (!brief_reports) return slabproof::watch_report();
  (void)!write(STDERR_FILENO, words.data(), words.size());
  _exit(1);
}

// A signature needs the stack, whoever starts the program. UBSAN_OPTIONS comes after it and wins.
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

namespace slabproof {
namespace {

/// What the child tells its parent through shared memory, piece by piece as it becomes known.
struct Shared {
  StepMark mark;
  bool finished;
  bool violated;
  std::uint64_t stack;
  char invariant[16], expected[512], observed[512];
};

template <std::size_t Size>
void put(char (&field)[Size], const std::string& text) {
  std::snprintf(field, Size, "%s", text.c_str());
}

[[noreturn]] void run_as_child(const IsolatedBody& body, const IsolationOptions& options, Shared& shared) {
  watch(options.timeout_seconds);
  report_briefly(options.brief);
  stack_digest = &shared.stack;
  const Verdict verdict = body(shared.mark);
  shared.violated = !verdict.agreed();
  put(shared.invariant, verdict.violation.invariant);
  put(shared.expected, verdict.violation.expected);
  put(shared.observed, verdict.violation.observed);
  shared.finished = true;
  std::fflush(nullptr);
  _exit(0);
}

/// "void slab::detail::CacheCore<A, B>::free(void*)" -> "free". Without its class, which g++ leaves out of the
/// frames of functions that it has inlined.
std::string short_name(const std::string& function) {
  std::string plain;
  int depth = 0;
  for (const char c : function) {
    if (c == '(' && depth == 0) break;
    if (c == '<') ++depth;
    if (depth == 0) plain += c;
    if (c == '>') --depth;
  }
  return plain.substr(plain.find_last_of(": ") + 1);
}

/// The function of the first stack frame that lies in the allocator. A line may name a file there and be no frame.
std::string first_frame(const std::string& report) {
  constexpr std::string_view folder = "allocator/include/slab/";
  for (std::size_t file = report.find(folder); file != std::string::npos; file = report.find(folder, file + 1)) {
    const std::size_t line = report.rfind('\n', file) + 1;
    const std::size_t in = report.find(" in ", line);
    if (in < file) return short_name(report.substr(in + 4, report.rfind(' ', file) - in - 4));
  }
  return "";
}

/// From `begin` in `report` up to a character of `ends`.
std::string excerpt(const std::string& report, std::size_t begin, const char* ends) {
  return report.substr(begin, report.find_first_of(ends, begin) - begin);
}

std::string describe_death(const std::string& report, int status) {
  constexpr std::string_view asan = "AddressSanitizer: ", ubsan = "runtime error: ";
  if (const std::size_t at = report.find(asan); at != std::string::npos)
    return std::string{asan} + excerpt(report, at + asan.size(), " \n");
  if (const std::size_t at = report.find(ubsan); at != std::string::npos)
    return "UndefinedBehaviorSanitizer: " + excerpt(report, at + ubsan.size(), "\n");
  if (WIFSIGNALED(status)) return std::string{"signal "} + sigabbrev_np(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

std::string read_all(int file) {
  std::string text(static_cast<std::size_t>(lseek(file, 0, SEEK_END)), '\0');
  const ssize_t got = pread(file, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

}  // namespace

IsolatedRun run_isolated(const IsolatedBody& body, const IsolationOptions& options) {
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const int report_file = memfd_create("report", MFD_CLOEXEC);
  if (memory == MAP_FAILED || report_file < 0) cannot_judge(std::strerror(errno));
  auto& shared = *new (memory) Shared{};
  std::fflush(nullptr);
  const pid_t parent = getpid(), child = fork();
  if (child < 0) cannot_judge(std::string{"no process can be started: "} + std::strerror(errno));
  if (child == 0) {
    dup2(report_file, STDERR_FILENO);
    begin_child(parent);
    run_as_child(body, options, shared);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}

  IsolatedRun run;
  run.report = read_all(report_file);
  if (const std::string why = why_end_tells_nothing(status, run.report); !why.empty()) cannot_judge(why);
  run.stack = shared.stack;
  run.stray = shared.mark.stray;
  run.misuse = shared.mark.misuse;
  Verdict& verdict = run.verdict;
  verdict.step = shared.mark.step;
  verdict.operation = name_of_step(shared.mark.operation);
  if (shared.finished && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    verdict.kind = shared.violated ? Verdict::Kind::Violated : Verdict::Kind::Agreed;
    verdict.violation = {shared.invariant, shared.expected, shared.observed};
  } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    verdict.kind = Verdict::Kind::Hung;
  } else {
    verdict.kind = Verdict::Kind::Died;
    verdict.death = describe_death(run.report, status);
    verdict.frame = first_frame(run.report);
  }
  munmap(memory, sizeof(Shared));
  close(report_file);
  return run;
}

namespace {

/// A judgement that is no program's: `what` stands where the verdict names an operation.
IsolatedRun judge_in_child(const char* what, const std::function<std::optional<Violation>()>& judge,
                           const IsolationOptions& options) {
  IsolatedRun run = run_isolated(
      [&](StepMark&) {
        Verdict verdict;
        if (const auto violation = judge()) {
          verdict.kind = Verdict::Kind::Violated;
          verdict.violation = *violation;
        }
        return verdict;
      },
      options);
  run.verdict.operation = what;
  return run;
}

}  // namespace

void report_briefly(bool brief) { brief_reports = brief; }

IsolatedRun run_isolated(Runner& runner, const Program& program, const IsolationOptions& options) {
  return run_isolated(
      [&](StepMark& mark) {
        runner.set_mark(&mark);
        const auto after = [&](const Operation* operation) {
          if (options.after_step) options.after_step(runner, operation);
        };
        bool going = runner.start(program.setup);
        after(nullptr);
        for (std::size_t i = 0; going && i < program.operations.size(); ++i) {
          going = runner.step(program.operations[i]);
          after(&program.operations[i]);
        }
        if (going) {
          runner.finish();
          after(nullptr);
        }
        return runner.verdict();
      },
      options);
}

IsolatedRun judge_isolated(const GeometryQuery& query, MakeGeometry make, const IsolationOptions& options) {
  return judge_in_child("geometry", [&] { return judge_geometry(query, make); }, options);
}

IsolatedRun judge_isolated(std::string_view text, const IsolationOptions& options) {
  return judge_in_child("parse", [&] { return judge_trace(text); }, options);
}

}  // namespace slabproof

#include "model/process/isolated.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "model/judge/event_log.hpp"
#include "model/judge/trace_oracle.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/process/child.hpp"
#include "model/process/watchdog.hpp"

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
  watch(options.timeout_seconds > 0 ? options.timeout_seconds : patience(0));
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
std::string short_name(std::string function) {
  constexpr std::string_view unnamed = "(anonymous namespace)::";
  for (std::size_t at = 0; (at = function.find(unnamed)) != std::string::npos;) function.erase(at, unnamed.size());
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

std::string_view line_at(std::string_view report, std::size_t at) {
  return report.substr(at, report.find('\n', at) - at);
}

bool is_frame(std::string_view line) {
  const std::size_t number = line.find_first_not_of(' ');
  return number != std::string_view::npos && line[number] == '#';
}

/// What a line of a stack says: "#1 0x… in FUNCTION FILE:LINE". Both are empty where it names no file.
struct Frame {
  std::string function;  // without its class and its parameters
  std::string_view place;

  explicit Frame(std::string_view line) {
    constexpr std::string_view in = " in ";
    const std::size_t begin = line.find(in);
    if (!is_frame(line) || begin == std::string_view::npos) return;
    // A path may have spaces in it. It need not be absolute, where a compiler cache has made it the same for all.
    std::size_t end = line.find(" /", begin + in.size());
    if (end == std::string_view::npos) end = line.rfind(' ');
    if (end < begin + in.size()) return;
    function = short_name(std::string{line.substr(begin + in.size(), end - begin - in.size())});
    place = line.substr(end + 1);
  }
  [[nodiscard]] bool lies_in(std::string_view folder) const { return place.find(folder) != std::string_view::npos; }
};

/// The function of the first stack frame that lies in the allocator.
std::string first_frame(std::string_view report) {
  for (std::size_t at = 0; at < report.size();) {
    const std::string_view line = line_at(report, at);
    at += line.size() + 1;
    if (Frame frame{line}; frame.lies_in("allocator/include/slab/")) return std::move(frame.function);
  }
  return "";
}

/// The first functions of the report's first stack that lie in the project: "put_slot cache_core.hpp:402".
std::vector<std::string> first_frames(std::string_view report) {
  constexpr std::size_t most = 4;
  constexpr const char* folders[] = {"/allocator/", "/model/", "/properties/", "/fuzz/", "/examples/"};
  std::vector<std::string> frames;
  bool began = false;
  for (std::size_t at = 0; at < report.size() && frames.size() < most;) {
    const std::string_view line = line_at(report, at);
    at += line.size() + 1;
    if (began && !is_frame(line)) break;
    began |= is_frame(line);
    const Frame frame{line};
    if (std::none_of(std::begin(folders), std::end(folders), [&](auto folder) { return frame.lies_in(folder); }))
      continue;
    const std::string_view place = frame.place.substr(frame.place.rfind('/') + 1);
    // Without the column, which g++ does not give.
    frames.push_back(frame.function + " " + std::string{place.substr(0, place.find(':', place.find(':') + 1))});
  }
  return frames;
}

/// AddressSanitizer's first sentence without the registers: what is wrong, where, and whether it was read or written.
std::string describe_asan(std::string_view report, std::size_t at) {
  const std::string_view line = line_at(report, at);
  std::string text{line.substr(0, std::min({line.find(" at pc "), line.find(" (pc "), line.size()}))};
  for (const std::string_view access : {"\nREAD of size ", "\nWRITE of size "})
    if (const std::size_t found = report.find(access, at); found != std::string_view::npos) {
      const std::string_view said = line_at(report, found + 1);
      text += ", " + std::string{said.substr(0, said.find(" at "))};
    }
  constexpr std::string_view caused = "caused by a ";
  if (const std::size_t found = report.find(caused, at); found != std::string_view::npos) {
    const std::string_view said = line_at(report, found + caused.size());
    text += ", a " + std::string{said.substr(0, said.find_first_of(".\n"))};
  }
  return text;
}

/// What a program says last before it ends itself: the text of an assertion, of the cache's default report.
std::string last_words(std::string_view report) {
  while (report.ends_with('\n')) report.remove_suffix(1);
  const std::string_view line = report.substr(report.rfind('\n') + 1);
  return line.empty() ? "" : ": " + std::string{line};
}

std::string describe_death(const std::string& report, int status) {
  constexpr std::string_view asan = "AddressSanitizer: ", ubsan = "runtime error: ";
  if (const std::size_t at = report.find(asan); at != std::string::npos) return describe_asan(report, at);
  if (const std::size_t at = report.find(ubsan); at != std::string::npos)
    return "UndefinedBehaviorSanitizer: " + std::string{line_at(report, at + ubsan.size())};
  if (WIFSIGNALED(status)) return std::string{"signal "} + sigabbrev_np(WTERMSIG(status)) + last_words(report);
  return "exit status " + std::to_string(WEXITSTATUS(status)) + last_words(report);
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
  run.budget_ended_at = shared.mark.budget_ended_at;
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
    verdict.frames = first_frames(run.report);
  }
  if (verdict.kind == Verdict::Kind::Died || verdict.kind == Verdict::Kind::Hung) shared.mark.leave_due(verdict);
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

Verdict run_steps(Runner& runner, const Program& program, const IsolationOptions& options) {
  const auto after = [&](const Operation* operation) {
    if (!options.after_step) return;
    options.after_step(runner, operation);
    if (options.timeout_seconds > 0) watch(options.timeout_seconds);  // who looks on takes time as well
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
}

namespace {

IsolatedRun run_once(Runner& runner, const Program& program, const IsolationOptions& options,
                     std::uint32_t first_strict_step, std::size_t budget) {
  return run_isolated(
      [&](StepMark& mark) {
        runner.set_mark(&mark);
        runner.set_checks(options.checks, first_strict_step, budget);
        return run_steps(runner, program, options);
      },
      options);
}

constexpr std::size_t unlimited = ~std::size_t{0};

/// With each step checked that the verdict needs: those of a run that fails after its budget ended are known to be
/// sound up to the last check but one.
IsolatedRun run_until_guilty(Runner& runner, const Program& program, const IsolationOptions& options,
                             const IsolationOptions& again) {
  const IsolatedRun run = run_once(runner, program, options, 0, Runner::check_budget);
  const std::uint32_t step = run.verdict.step;
  const bool is_guilty = run.verdict.agreed() || step < run.budget_ended_at;
  if (is_guilty && !again.after_step) return run;
  if (is_guilty) return run_once(runner, program, again, 0, Runner::check_budget);
  return run_once(runner, program, again, step - std::min(step, 2 * Runner::deep_check_period), unlimited);
}

}  // namespace

IsolatedRun run_isolated(Runner& runner, const Program& program, const IsolationOptions& wanted) {
  IsolationOptions options = wanted;
  if (options.timeout_seconds <= 0) options.timeout_seconds = patience(program.operations.size());
  constexpr std::size_t few = 64;  // operations, which take no time whatever they are
  if (program.operations.size() <= few || options.checks == Checks::NowAndThen)
    return run_once(runner, program, options, 0, unlimited);
  // Who is told of each step is told of one run only.
  IsolationOptions silent = options;
  silent.after_step = {};
  silent.brief |= options.after_step != nullptr;
  return run_until_guilty(runner, program, silent, options);
}

IsolatedRun judge_isolated(const GeometryQuery& query, MakeGeometry make, const IsolationOptions& options) {
  return judge_in_child("geometry", [&] { return judge_geometry(query, make); }, options);
}

IsolatedRun judge_isolated(std::string_view text, const IsolationOptions& options) {
  return judge_in_child("parse", [&] { return judge_trace(text); }, options);
}

}  // namespace slabproof

#include "model/process/child.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iterator>
#include <new>
#include <utility>

#include "model/process/cannot_judge.hpp"
#include "model/process/possible_checks.hpp"
#include "model/process/watchdog.hpp"

// There where coverage is measured, which a process that ends by _exit() would not leave otherwise.
extern "C" int __llvm_profile_write_file() __attribute__((weak));

namespace slabproof {
namespace {

constexpr std::chrono::seconds stopped_for_good{3};
// The most time that counts between two looks, since this process may have been stopped.
constexpr std::chrono::milliseconds longest_look{100};
constexpr useconds_t look_microseconds = 2000;
constexpr double least_use = 0.01;  // of a processor; a child that uses less is idle

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

bool ChildEnd::hung() const {
  return cause_ == Cause::Patience || (WIFSIGNALED(status_) && WTERMSIG(status_) == SIGALRM);
}

bool ChildEnd::exited_with(int status) const { return WIFEXITED(status_) && WEXITSTATUS(status_) == status; }

std::string ChildEnd::text() const {
  if (WIFSIGNALED(status_)) return std::string{"signal "} + sigabbrev_np(WTERMSIG(status_));
  return "exit status " + std::to_string(WEXITSTATUS(status_));
}

std::string without_refusals(std::string_view report) {
  constexpr std::string_view refusal = "WARNING: AddressSanitizer failed to allocate ";
  std::string rest;
  while (!report.empty()) {
    const std::string_view line = report.substr(0, std::min(report.find('\n'), report.size() - 1) + 1);
    if (line.find(refusal) == line.npos) rest += line;
    report.remove_prefix(line.size());
  }
  return rest;
}

std::string ChildEnd::why_it_tells_nothing(std::string_view report) const {
  constexpr std::string_view out_of_memory[] = {"AddressSanitizer: out-of-memory", "allocator is out of memory",
                                                "rss limit exhausted", "ERROR: AddressSanitizer failed to"};
  const auto is_said = [&](std::string_view words) { return report.find(words) != std::string_view::npos; };
  if (std::any_of(std::begin(out_of_memory), std::end(out_of_memory), is_said))
    return report == without_refusals(report)
               ? "it ran out of memory"
               : "operator new was asked for more bytes than AddressSanitizer has, which ends the process then and "
                 "throws no std::bad_alloc; refuse such sizes before, or ask with std::nothrow";
  if (exited_with(judged_nothing))
    return report.empty() ? "it ran out of memory, or could not begin" : std::string{report};
  if (WIFEXITED(status_) || hung()) return "";
  constexpr int of_its_own[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
  const int signal = WTERMSIG(status_);
  if (std::find(std::begin(of_its_own), std::end(of_its_own), signal) != std::end(of_its_own)) return "";
  std::string why = std::string{"it was ended from outside by SIG"} + sigabbrev_np(signal);
  if (signal == SIGKILL) why += ", as by the kernel when memory runs out";
  if (signal == SIGXCPU) why += ": ulimit -t allows no more processor time";
  if (signal == SIGPIPE) why += ": nobody reads what it prints";
  return why;
}

Child::Child(const std::function<int()>& body, const ChildOptions& options) {
  std::signal(SIGCHLD, SIG_DFL);  // if it were ignored, children would leave no exit status
  if (options.errors == ChildOptions::Errors::Captured) {
    errors_ = memfd_create("errors", MFD_CLOEXEC);
    if (errors_ < 0) cannot_judge_for_errno("no file in memory can be made");
  }
  std::fflush(nullptr);
  const pid_t parent = getpid();
  process_ = fork();
  if (process_ < 0) cannot_judge_for_errno("no process can be started");
  if (process_ == 0) run(body, options, parent);
}

Child::~Child() {
  if (!end_) lose_patience();
  if (errors_ >= 0) close(errors_);
}

void Child::run(const std::function<int()>& body, const ChildOptions& options, pid_t parent) const {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(judged_nothing);  // it ended before this was set
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (errors_ >= 0) {
    dup2(errors_, STDERR_FILENO);
    leave_the_reason_to_the_parent();
  }
  if (const std::string why = why_no_check_is_possible(); !why.empty()) cannot_judge(why);
  if (options.processor_seconds > 0) watch(options.processor_seconds);
  int status = judged_nothing;
  try {
    status = body();
  } catch (const std::bad_alloc&) {  // of the harness: what is judged lets out no exception
    cannot_judge("it ran out of memory");
  }
  std::fflush(nullptr);
  if (__llvm_profile_write_file) (void)__llvm_profile_write_file();
  _exit(status);
}

/// Notes what the kernel reports about the child: that it has ended, was stopped, or continues.
void Child::collect(int flags) {
  int status = 0;
  pid_t told = 0;
  do told = waitpid(process_, &status, WUNTRACED | WCONTINUED | flags);
  while (told < 0 && errno == EINTR);
  if (told < 0) cannot_judge_for_errno("the end of a child process was taken by somebody else");
  if (told == 0) return;
  if (WIFSTOPPED(status) || WIFCONTINUED(status))
    is_stopped_ = WIFSTOPPED(status);
  else
    end_.emplace(status, ChildEnd::Cause::Itself);
}

ChildEnd Child::lose_patience() {
  int status = 0;
  kill(process_, SIGKILL);
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {}
  return end_.emplace(status, ChildEnd::Cause::Patience);
}

std::optional<ChildEnd> Child::poll() {
  if (!end_) collect(WNOHANG);
  if (end_) return end_;
  const auto looked = std::exchange(looked_, Clock::now());
  const auto passed = std::min<Clock::duration>(looked_ - looked, longest_look);
  stopped_for_ = is_stopped_ ? stopped_for_ + passed : Clock::duration{};
  if (stopped_for_ >= stopped_for_good) return lose_patience();
  return std::nullopt;
}

ChildEnd Child::wait() {
  while (!end_) {
    if (!is_stopped_) collect(0);
    for (; !end_ && is_stopped_; usleep(longest_look / std::chrono::microseconds{1})) poll();
  }
  return *end_;
}

ChildEnd Child::wait(const ChildProgress& progress) {
  // In processor time: a child that waits for a processor does not hang.
  clockid_t clock{};
  if (clock_getcpuclockid(process_, &clock) != 0) return wait();
  std::uint64_t seen = progress.count();
  double since = seconds_of(clock), before = since, idle = 0;
  auto looked = Clock::now();
  for (; !poll(); usleep(look_microseconds)) {
    progress.meanwhile();
    const std::uint64_t count = progress.count();
    const double now = seconds_of(clock);
    if (count != seen) since = now, idle = 0;
    seen = count;
    if (Clock::now() - looked >= longest_look) {
      const double passed = std::chrono::duration<double>(longest_look).count();
      idle = is_stopped_ || now - before >= passed * least_use ? 0 : idle + passed;
      before = now;
      looked = Clock::now();
    }
    if (now - since >= progress.processor_seconds || idle >= progress.idle_seconds) return lose_patience();
  }
  return *end_;
}

std::string Child::report() const {
  if (errors_ < 0) return "";
  std::string text(static_cast<std::size_t>(lseek(errors_, 0, SEEK_END)), '\0');
  const ssize_t got = pread(errors_, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

}  // namespace slabproof

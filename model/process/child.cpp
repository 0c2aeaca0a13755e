#include "model/process/child.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "model/process/possible_checks.hpp"

namespace slabproof {
namespace {

bool is_child = false;

}  // namespace

void begin_child(pid_t parent) {
  is_child = true;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(judged_nothing);  // it ended just before
  const std::string why = why_no_check_is_possible();
  if (why.empty()) return;
  (void)!write(STDERR_FILENO, why.data(), why.size());
  _exit(judged_nothing);
}

std::string why_end_tells_nothing(int status, std::string_view report) {
  constexpr std::string_view out_of_memory[] = {"AddressSanitizer: out-of-memory", "allocator is out of memory",
                                                "rss limit exhausted", "AddressSanitizer failed to", "std::bad_alloc"};
  const auto is_said = [&](std::string_view words) { return report.find(words) != std::string_view::npos; };
  if (std::any_of(std::begin(out_of_memory), std::end(out_of_memory), is_said)) return "it ran out of memory";
  if (WIFEXITED(status) && WEXITSTATUS(status) == judged_nothing)
    return report.empty() ? "it ran out of memory, or could not begin" : std::string{report};
  if (WIFEXITED(status)) return "";
  constexpr int of_its_own[] = {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
  const int signal = WTERMSIG(status);
  if (std::find(std::begin(of_its_own), std::end(of_its_own), signal) != std::end(of_its_own)) return "";
  std::string why = std::string{"it was ended from outside by SIG"} + sigabbrev_np(signal);
  if (signal == SIGKILL) why += ", as by the kernel when memory runs out";
  if (signal == SIGXCPU) why += ": ulimit -t allows no more processor time";
  if (signal == SIGPIPE) why += ": nobody reads what it prints";
  return why;
}

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout))
    cannot_judge(std::string{"what it prints cannot be written: "} + std::strerror(errno));
}

void cannot_judge(const std::string& why) {
  std::fflush(stdout);
  if (is_child)  // the parent says the rest
    (void)!write(STDERR_FILENO, why.data(), why.size());
  else
    std::fprintf(stderr, "%s: the work could not be done: %s\n", program_invocation_short_name, why.c_str());
  if (is_child) _exit(judged_nothing);
  std::exit(2);
}

}  // namespace slabproof

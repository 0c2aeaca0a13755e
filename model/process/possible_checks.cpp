// What the sanitizers can do where this process runs. When they cannot do their work they end the process in ways that
// look like a defect. Linked into every program of the harness, and compiled without sanitizers, since they call some
// of it before they are ready.
#include "model/process/possible_checks.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace slabproof {
namespace {

#if defined(SLABPROOF_SANITIZED)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// The error when a child of this process tries to trace it, as LeakSanitizer's does at the end; 0 if it may.
int error_of_tracing() {
  // A child of vfork() shares the memory, and costs microseconds.
  volatile int error = 0;
  const pid_t parent = getpid();
  prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);  // where only ancestors may trace; fails elsewhere
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const pid_t child = vfork();
#pragma GCC diagnostic pop
  if (child == 0) {
    if (ptrace(PTRACE_SEIZE, parent, nullptr, nullptr) != 0) error = errno;
    _exit(0);
  }
  if (child < 0) error = errno;
  while (child > 0 && waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
  prctl(PR_SET_PTRACER, 0, 0, 0, 0);
  return error;
}

/// Before main(): a sanitizer that lacks something calls a correct program wrong.
__attribute__((constructor)) void end_where_nothing_can_be_checked() {
  // A file that is opened gets the lowest free number, and a sanitizer's report must not end up in it.
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(file, F_GETFD) < 0 && errno == EBADF) (void)!open("/dev/null", file == STDOUT_FILENO ? O_RDONLY : O_RDWR);
  const std::string why = why_no_check_is_possible();
  if (why.empty()) return;
  std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, why.c_str());
  _exit(2);
}

}  // namespace

std::string why_no_check_is_possible() {
  if (!is_sanitized) return "";
  // UndefinedBehaviorSanitizer tests through a pipe whether memory can be read; without one it takes every object for
  // unreadable. The other pipes are those that a run itself opens.
  int ends[8], opened = 0;
  while (opened < 8 && pipe(ends + opened) == 0) opened += 2;
  const int error = errno;
  for (int i = 0; i < opened; ++i) close(ends[i]);
  if (opened == 8) return "";
  return std::string{"nothing can be checked here, where no four pipes can be opened: "} + std::strerror(error) +
         (error == EMFILE ? "; ulimit -n allows more" : "");
}

std::string why_no_leak_check_is_possible() {
  constexpr std::string_view option = "detect_leaks=";
  const char* const variable = std::getenv("ASAN_OPTIONS");
  const std::string_view options = variable ? variable : "";
  const std::size_t last = options.rfind(option);
  const bool is_wanted = last == std::string_view::npos || options.substr(last + option.size()).substr(0, 1) != "0";
  if (!is_sanitized || !is_wanted) return "";
  DIR* const threads = opendir("/proc/self/task");
  if (!threads) return std::string{"/proc/self/task cannot be read: "} + std::strerror(errno);
  closedir(threads);
  if (const int error = error_of_tracing(); error == EAGAIN || error == ENOMEM)
    return std::string{"no further process may be started: "} + std::strerror(error);
  else if (error != 0)
    return std::string{"this process may not be traced, or is already: "} + std::strerror(error);
  return "";
}

}  // namespace slabproof

// LeakSanitizer calls this before it looks for leaks; where it cannot look, it would end the process with an error.
extern "C" int __lsan_is_turned_off();
extern "C" int __lsan_is_turned_off() { return !slabproof::why_no_leak_check_is_possible().empty(); }

// A process that AddressSanitizer ends has not done its work, whether there was no memory for its shadow or the harness
// itself is wrong. Findings about a cache occur in child processes, whose parents judge them. Where an allocator passes
// on to malloc a size that nobody has, malloc answers null, as any other does.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "exitcode=2:allocator_may_return_null=1"; }

// The linker is told to look for this symbol, so that it links this file.
extern "C" {
extern const int slabproof_possible_checks;
const int slabproof_possible_checks = 1;
}

#include "model/process/cannot_judge.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace slabproof {
namespace {

bool parent_tells = false;

}  // namespace

void leave_the_reason_to_the_parent() { parent_tells = true; }

void cannot_judge(const std::string& why) {
  std::fflush(stdout);
  if (parent_tells) {
    (void)!write(STDERR_FILENO, why.data(), why.size());
    _exit(judged_nothing);
  }
  std::fprintf(stderr, "%s: the work could not be done: %s\n", program_invocation_short_name, why.c_str());
  std::exit(2);
}

void cannot_judge_for_errno(const std::string& what) { cannot_judge(what + ": " + std::strerror(errno)); }

void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) cannot_judge_for_errno("what it prints cannot be written");
}

}  // namespace slabproof

#include "properties/explore/explorer.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "model/process/child.hpp"
#include "model/process/isolated.hpp"
#include "properties/explore/explanation.hpp"
#include "properties/explore/search.hpp"

namespace slabproof {
namespace {

using Clock = std::chrono::steady_clock;

constexpr time_t hung_after_seconds = 10;

[[noreturn]] void search_as_child(const ExploreOptions& options, World& world, GrowingArray<Step>& steps,
                                  SearchReport& report, ProgramEnds program_ends) {
  if (const int null = open("/dev/null", O_WRONLY); null >= 0)
    dup2(null, STDERR_FILENO);  // a death is told by its program
  report_briefly(true);
  Search{options, world, steps, report, program_ends}.run();
  report.finished = true;
  std::fflush(nullptr);
  _exit(0);
}

/// What became of the child.
Verdict wait_for(pid_t child, const SearchReport& report) {
  const volatile ExploreCounts& counts = report.counts;
  // Of its processor's time: who is stopped, or waits for a processor, does not hang.
  clockid_t clock{};
  clock_getcpuclockid(child, &clock);
  const auto seconds_used = [&] {
    timespec used{};
    clock_gettime(clock, &used);
    return used.tv_sec;
  };
  Verdict verdict;
  std::uint64_t seen = 0;
  time_t since = 0;
  int status = 0;
  for (; waitpid(child, &status, WNOHANG) == 0; usleep(2000)) {
    const std::uint64_t now = counts.transitions + counts.pointers;
    if (now != seen) since = seconds_used();
    seen = now;
    if (seconds_used() - since < hung_after_seconds) continue;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    verdict.kind = Verdict::Kind::Hung;
    return verdict;
  }
  if (const std::string why = why_end_tells_nothing(status); !why.empty()) cannot_judge(why);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) cannot_judge("an exploration could not begin");
  if (!report.finished) {
    verdict.kind = Verdict::Kind::Died;
    verdict.death = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                        : "exit status " + std::to_string(WEXITSTATUS(status));
  } else if (report.outcome == Exploration::Outcome::Defect) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.violation = {report.invariant, report.expected, report.observed};
  }
  return verdict;
}

Exploration explore(const ExploreOptions& options, ProgramEnds program_ends) {
  void* const memory = mmap(nullptr, sizeof(SearchReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("slabproof: cannot explore in a child process");
    std::exit(2);
  }
  auto& report = *new (memory) SearchReport{};
  const std::size_t most = std::min<std::size_t>(options.memory / (sizeof(Hash128) + sizeof(Step)), nowhere - 1);
  GrowingArray<Step> steps{most, GrowingArray<Step>::Sharing::Shared};
  World world{options.setup, options.slabs, options.scrub, options.make};
  const auto begin = Clock::now();
  std::fflush(nullptr);
  const pid_t parent = getpid(), child = fork();
  if (child < 0) {
    std::perror("slabproof: cannot explore in a child process");
    std::exit(2);
  }
  if (child == 0) {
    end_with(parent);
    search_as_child(options, world, steps, report, program_ends);
  }

  Exploration exploration;
  exploration.found = wait_for(child, report);
  exploration.counts = report.counts;
  exploration.counts.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  exploration.outcome = exploration.found.agreed() ? report.outcome : Exploration::Outcome::Defect;
  if (exploration.outcome == Exploration::Outcome::Defect) explain(exploration, world, steps, report);
  munmap(memory, sizeof(SearchReport));
  return exploration;
}

}  // namespace

void end_with(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(2);  // it ended just before
}

Exploration explore(const ExploreOptions& options) {
  const Exploration exploration = explore(options, ProgramEnds::LeftOut);
  if (exploration.outcome != Exploration::Outcome::Defect) return exploration;
  // The end of a program is left out of the search until there is something to find.
  Exploration again = explore(options, ProgramEnds::Tried);
  again.counts.seconds += exploration.counts.seconds;
  return again.outcome == Exploration::Outcome::Defect && !again.verdict.agreed() ? again : exploration;
}

}  // namespace slabproof

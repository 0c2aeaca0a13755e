// The explorer as a program: goes through small worlds, some at a time, and says what it found. ci/explore is what a
// person types: it explains the options, and refuses wrong ones before this is built.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "properties/explore/command_line.hpp"
#include "properties/explore/explorer.hpp"
#include "properties/explore/world_report.hpp"

namespace slabproof {
namespace {

/// A child process that goes through the world, and ends with what report_world() answers.
pid_t start_one(const WorldChoice& world, const CommandLine& line) {
  static char output[1 << 16];
  std::fflush(stdout);
  const pid_t parent = getpid(), child = fork();
  if (child < 0) {
    std::perror("slab_explore: no process for a geometry");
    std::exit(2);
  }
  if (child > 0) return child;
  end_with(parent);
  std::setvbuf(stdout, output, _IOFBF, sizeof output);  // what is said of a defect stays in one piece
  const int outcome = report_world(world, line);
  std::fflush(stdout);
  _exit(outcome);
}

std::vector<WorldChoice> worlds_of(const CommandLine& line) {
  std::vector<WorldChoice> worlds;
  for (const WorldSize& size : line.sizes)
    for (const slab::Row row : line.rows)
      for (const bool checks : line.checks)
        for (const std::uint8_t kept : line.kept) worlds.push_back({row, checks, kept, size});
  return worlds;
}

/// Goes through the worlds; the worst exit code.
int explore_all(const std::vector<WorldChoice>& worlds, const CommandLine& line) {
  int worst = 0;
  std::vector<pid_t> running;
  for (std::size_t started = 0; started < worlds.size() || !running.empty();) {
    if (started < worlds.size() && running.size() < line.jobs) {
      running.push_back(start_one(worlds[started++], line));
      continue;
    }
    int status = 0;
    if (std::erase(running, wait(&status)) == 0) continue;  // a child of the program that became this one
    const int outcome = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    if (WIFSIGNALED(status)) std::printf("NOT complete: ended by signal %d; nothing is claimed\n", WTERMSIG(status));
    if (outcome == 1) return 1;  // the others end with this process
    worst = std::max(worst, outcome);
  }
  return worst;
}

void print_claim(const std::vector<WorldChoice>& worlds, const CommandLine& line) {
  std::printf(
      "\nNothing wrong in %zu worlds, each complete: every sequence of alloc, alloc_no_grow, reserve of 1 to N + 1, "
      "free, shrink and\n"
      "destruction, of any length. Of the backend: alloc_slab refused or misaligned, every free place handed out; in "
      "rows with\n"
      "a map each save_slab_info refused; in Large alloc_slab_info refused or misaligned; no room left.\n",
      worlds.size());
  const auto with_pointers = std::count_if(worlds.begin(), worlds.end(), [&](const WorldChoice& world) {
    return world.checks && world.size.pointers && line.pointers;
  });
  if (with_pointers > 0)
    std::printf("In %td of them, Checked ones, every pointer in the contract of the row freed in every state.\n",
                with_pointers);
}

int main(const std::vector<std::string>& arguments) {
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, no child leaves its outcome
  std::string why;
  const auto line = parse_command_line(arguments, why);
  if (!line) {
    std::fprintf(stderr, "slab_explore: %s (ci/explore --help tells the options)\n", why.c_str());
    return 2;
  }
  const std::vector<WorldChoice> worlds = worlds_of(*line);
  const int worst = explore_all(worlds, *line);
  if (worst == 0) print_claim(worlds, *line);
  return worst;
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main({argv + 1, argv + argc}); }

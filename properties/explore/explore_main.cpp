// The explorer as a program: explores small worlds, several at a time, and prints what it found. People type
// ci/explore, which explains the options and refuses wrong ones before this is built.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <list>
#include <string>
#include <vector>

#include "model/process/child.hpp"
#include "model/process/shared_memory.hpp"
#include "model/program/operation_table.hpp"
#include "properties/explore/command_line.hpp"
#include "properties/explore/world_report.hpp"

namespace slabproof {
namespace {

std::vector<WorldChoice> worlds_of(const CommandLine& line) {
  std::vector<WorldChoice> worlds;
  const auto add = [&](const WorldSize& size, const PolicyKind& policy) {
    for (const slab::Row row : line.rows)
      for (const std::uint8_t kept : line.kept) {
        // From so large a quarantine objects go to an alloc, or all leave at once: either number has the same states.
        const bool is_same = policy.guards == Guards::Debug && kept == 0 && line.kept.size() > 1;
        if (is_possible(policy.guards, kept) && !is_same) worlds.push_back({row, policy, kept, size});
      }
  };
  for (const PolicyKind& policy : line.policies) {
    if (policy.guards == Guards::None)
      for (const WorldSize& size : line.sizes) add(size, policy);
    for (const auto& [guards, size] : line.guarded_sizes)
      if (guards == policy.guards) add(size, policy);
  }
  return worlds;
}

/// In a child process.
int report_in_one_piece(const WorldChoice& world, const CommandLine& line, std::atomic<std::uint64_t>& mishaps) {
  static char output[1 << 16];
  std::setvbuf(stdout, output, _IOFBF, sizeof output);
  return report_world(world, line, mishaps);
}

/// The exit code that the end of a child stands for.
int outcome_of(const ChildEnd& end) {
  if (end.exited_with(0) || end.exited_with(1)) return end.exited_with(1);
  if (!end.exited_with(2)) std::printf("NOT complete: %s; nothing is claimed\n", end.text().c_str());
  return 2;
}

/// Goes through the worlds, each in a process of its own; the worst exit code.
int explore_all(const std::vector<WorldChoice>& worlds, const CommandLine& line, std::atomic<std::uint64_t>& mishaps) {
  constexpr useconds_t look_microseconds = 2000;
  int worst = 0;
  std::list<Child> running;
  for (std::size_t started = 0; started < worlds.size() || !running.empty();) {
    if (started < worlds.size() && running.size() < line.jobs) {
      const WorldChoice& world = worlds[started++];
      running.emplace_back([&] { return report_in_one_piece(world, line, mishaps); },
                           ChildOptions{.errors = ChildOptions::Errors::Shown});
      continue;
    }
    for (auto child = running.begin(); child != running.end();) {
      const auto end = child->poll();
      const int outcome = end ? outcome_of(*end) : 0;
      if (outcome == 1) return 1;  // the others are killed
      worst = std::max(worst, outcome);
      child = end ? running.erase(child) : std::next(child);
    }
    usleep(look_microseconds);
  }
  return worst;
}

void print_claim(const std::vector<WorldChoice>& worlds, const CommandLine& line, std::uint64_t mishaps) {
  std::printf(
      "\nNothing wrong in %zu worlds, each complete: every sequence of alloc, alloc_no_grow, reserve of 1 to N + 1, "
      "free, shrink and\n"
      "destruction, of any length. Of the backend: alloc_slab refused or misaligned, every free place handed out; in "
      "rows with\n"
      "a map each save_slab_info refused; in Large alloc_slab_info refused or misaligned; no room left.\n",
      worlds.size());
  if (line.every_accepted)
    std::printf(
        "All of this also in every state that audit() accepts, whether a sequence leads there or not: audit() is an "
        "inductive invariant\n"
        "of these worlds (docs/induction.md).\n");
  const auto with_stray_writes = std::count_if(worlds.begin(), worlds.end(), [](const WorldChoice& world) {
    return provides(world.policy.guards, NeededGuard::RedZone) || provides(world.policy.guards, NeededGuard::Pattern);
  });
  if (with_stray_writes > 0)
    std::printf(
        "In %td of them a byte written astray in every state, the first or the last one behind each object or of each "
        "freed slot.\n",
        with_stray_writes);
  const auto with_pointers = std::count_if(worlds.begin(), worlds.end(), [&](const WorldChoice& world) {
    return world.policy.checks && world.size.pointers && line.pointers;
  });
  if (with_pointers > 0)
    std::printf("In %td of them, Checked ones, every pointer in the contract of the row freed in every state.\n",
                with_pointers);
  const auto with_mishaps = std::count_if(worlds.begin(), worlds.end(), [&](const WorldChoice& world) {
    return world.policy.checks && has_mishaps(line, world.size);
  });
  if (with_mishaps > 0)
    std::printf(
        "In %td of them, Checked ones, %s mishaps: in every state, but those with a byte written astray, a backend "
        "that "
        "errs in each\n"
        "way, one that calls the cache in each of its calls, an on_misuse that calls it when told of such an error, of "
        "the "
        "first of\n"
        "such calls, of each sort of stray free or of live objects at destruction; each of these calls being alloc, "
        "alloc_no_grow,\n"
        "reserve, free and shrink.\n",
        with_mishaps, grouped(mishaps).c_str());
  else
    std::printf("Without mishaps: no backend errs or calls a cache, no on_misuse calls one (--mishaps all).\n");
}

int main(const std::vector<std::string>& arguments) {
  std::string why;
  const auto line = parse_command_line(arguments, why);
  if (!line) {
    std::fprintf(stderr, "slab_explore: %s (ci/explore --help tells the options)\n", why.c_str());
    return 2;
  }
  const std::vector<WorldChoice> worlds = worlds_of(*line);
  const SharedMemory<std::atomic<std::uint64_t>> mishaps;
  const int worst = explore_all(worlds, *line, *mishaps);
  if (worst == 0) print_claim(worlds, *line, *mishaps);
  return worst;
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main({argv + 1, argv + argc}); }

#include "properties/explore/world_report.hpp"

#include <cstdio>
#include <string>

#include "model/program/trace.hpp"
#include "properties/explore/explorer.hpp"
#include "properties/explore/small_geometry.hpp"
#include "properties/saved_program.hpp"

namespace slabproof {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

namespace {

void print_defect(const Exploration& exploration, const std::string& folder) {
  std::printf("DEFECT after %s states: %s\n", grouped(exploration.counts.states).c_str(),
              exploration.found.sentence().c_str());
  std::printf("%s", to_text(exploration.program).c_str());
  std::printf("verdict: %s\n%s", exploration.verdict.sentence().c_str(), exploration.verdict.explanation().c_str());
  if (exploration.verdict.agreed())
    std::printf(
        "the runner finds nothing wrong in this program: the defect shows in bytes that it does not read, or with "
        "slabs in other places\n");
  else
    std::printf("signature: %s\n", exploration.verdict.signature().c_str());
  const SavedProgram saved = save_program(exploration.program, folder, "explorer");
  if (saved.file.empty())
    std::printf("not saved: %s\n", saved.why_not.c_str());
  else
    std::printf("saved: %s\nreplay with: ci/replay %s\n", saved.file.c_str(), saved.file.c_str());
}

void print_counts(const ExploreCounts& counts) {
  std::printf(
      "%s states, %s transitions, %s failures, %s refusals, %s pointers, %s mishaps, depth %u, %.2f s, %.0f "
      "transitions/s, %.1f bytes a state, frontier %s KiB, ",
      grouped(counts.states).c_str(), grouped(counts.transitions).c_str(), grouped(counts.failures).c_str(),
      grouped(counts.refusals).c_str(), grouped(counts.pointers).c_str(), grouped(counts.mishaps).c_str(), counts.depth,
      counts.seconds, static_cast<double>(counts.transitions) / counts.seconds,
      static_cast<double>(counts.memory) / static_cast<double>(counts.states), grouped(counts.frontier / 1024).c_str());
}

bool same_states(const ExploreCounts& a, const ExploreCounts& b) {
  return a.states == b.states && a.transitions == b.transitions && a.digest == b.digest;
}

}  // namespace

bool has_mishaps(const CommandLine& line, const WorldSize& size) {
  return line.mishaps == Mishaps::All || (line.mishaps == Mishaps::InSmall && size.mishaps);
}

int report_world(const WorldChoice& world, const CommandLine& line, std::atomic<std::uint64_t>& mishaps) {
  using enum Exploration::Outcome;
  const auto& [row, policy, kept, size] = world;
  char name[96];
  std::snprintf(name, sizeof name, "%-15s %-11s kept %u, %u objects, %zu slabs, %u caches:", slab::to_string(row),
                name_in(policy_kinds, policy), kept, size.objects, size.slabs, size.caches);
  ExploreOptions options;
  options.setup = small_setup(row, size.objects, size.caches, policy, kept);
  options.slabs = size.slabs;
  options.memory = static_cast<std::size_t>(line.memory * 0x1p30);
  options.progress = name;
  ExploreCounts first;
  for (const std::uint64_t scrub : line.scrubs) {
    const bool is_first = scrub == line.scrubs.front();
    options.scrub = scrub;
    // These lead to no other state.
    options.pointers = line.pointers && size.pointers && is_first;
    options.mishaps = has_mishaps(line, size) && is_first;
    const Exploration exploration = explore(options);
    std::printf("%s ", name);
    if (exploration.outcome == Defect) return print_defect(exploration, line.folder), 1;
    print_counts(exploration.counts);
    if (exploration.outcome == OutOfMemory)
      return std::printf("NOT complete: out of its %.2f GiB of memory at depth %u; nothing is claimed\n", line.memory,
                         exploration.counts.depth),
             2;
    mishaps += exploration.counts.mishaps;
    std::printf("complete, digest %016llx\n", static_cast<unsigned long long>(exploration.counts.digest));
    std::fflush(stdout);
    if (is_first)
      first = exploration.counts;
    else if (!same_states(first, exploration.counts))
      return std::printf("DEFECT: the contents of dead bytes make a difference: the cache reads them\n"), 1;
  }
  return 0;
}

}  // namespace slabproof

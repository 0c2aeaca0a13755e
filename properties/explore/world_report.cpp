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
  const ExploreCounts& counts = exploration.counts;
  std::printf("DEFECT after %s states and %s tries: %s\n", grouped(counts.states).c_str(),
              grouped(counts.transitions + counts.pointers + counts.mishaps).c_str(),
              exploration.found.sentence().c_str());
  if (!exploration.state.empty()) {
    std::printf("in a state that audit() accepts and no program leads to: %s\nthere: %s\n", exploration.state.c_str(),
                exploration.operation.c_str());
    return;
  }
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

/// Of the states that audit() accepts. False, told, if they are not what the claim says.
bool print_accepted(const AcceptedCounts& accepted) {
  std::printf(
      "  of %.2g assignments of values to fields audit() accepts %.2g (%s of %s tried); %s states, of which programs "
      "lead to %s",
      accepted.all, accepted.accepted, grouped(accepted.tried_accepted).c_str(), grouped(accepted.tried).c_str(),
      grouped(accepted.states()).c_str(), grouped(accepted.reachable).c_str());
  for (std::size_t kind = 0; kind < unreachable_kinds; ++kind)
    if (accepted.unreachable[kind] > 0)
      std::printf("; %s: %s", unreachable_names[kind], grouped(accepted.unreachable[kind]).c_str());
  std::printf("; left out, of those tried: %s with more empty slabs than may stay, %s with a SlabInfo elsewhere\n",
              grouped(accepted.with_too_many_empty).c_str(), grouped(accepted.with_info_elsewhere).c_str());
  if (accepted.is_whole()) return true;
  std::printf("NOT whole: ");
  if (!accepted.audits_agree) std::printf("the traced audit and that of the cache do not agree; ");
  std::printf(
      "%s reachable states were not enumerated, %s are of a kind of unreachable ones, %s states were reached "
      "from accepted ones and not enumerated; nothing is claimed\n",
      grouped(accepted.missing).c_str(), grouped(accepted.misnamed).c_str(), grouped(accepted.unforeseen).c_str());
  return false;
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
  options.every_accepted = line.every_accepted;
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
    if (line.every_accepted && !print_accepted(exploration.counts.accepted)) return 2;
    std::fflush(stdout);
    if (is_first)
      first = exploration.counts;
    else if (!same_states(first, exploration.counts))
      return std::printf("DEFECT: the contents of dead bytes make a difference: the cache reads them\n"), 1;
  }
  return 0;
}

}  // namespace slabproof

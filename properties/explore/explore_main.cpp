// The explorer as a program: goes through small worlds one after the other and says what it found. ci/explore is what
// a person types: it has the options in words, and refuses wrong ones before this is built.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "model/program/trace.hpp"
#include "properties/explore/explorer.hpp"
#include "properties/explore/small_geometry.hpp"
#include "properties/saved_program.hpp"

namespace slabproof {
namespace {

// A word that could be taken for a pointer by nobody, and null.
constexpr std::uint64_t scrubs[] = {0xC7C6'C5C4'C3C2'C1C0u, 0};

struct Size {
  std::uint32_t objects;
  std::size_t slabs;
  std::uint8_t caches;
  bool pointers = true;
};
constexpr Size quick_sizes[] = {{3, 2, 1}, {2, 3, 1}};
constexpr Size deep_sizes[] = {{1, 4, 1}, {2, 4, 1}, {3, 3, 1}, {5, 2, 1},       {2, 2, 2},
                               {3, 2, 2}, {3, 4, 1}, {4, 3, 1}, {6, 2, 1, false}};

struct Options {
  std::vector<slab::Row> rows{slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large};
  std::vector<bool> checks{true, false};
  std::vector<std::uint8_t> kept{1, 0};
  std::vector<Size> sizes;
  std::vector<std::uint64_t> scrubs{std::begin(slabproof::scrubs), std::end(slabproof::scrubs)};
  double memory = 6;
  std::size_t jobs = 1;
  bool exact = false, pointers = true;
  std::string folder = "fuzz-out/crashes";
};

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

int say_defect(const Exploration& exploration, const Options& options) {
  std::printf("DEFECT after %s states: %s\n", grouped(exploration.counts.states).c_str(),
              exploration.found.sentence().c_str());
  std::printf("%s", to_text(exploration.program).c_str());
  std::printf("verdict: %s\n%s", exploration.verdict.sentence().c_str(), exploration.verdict.explanation().c_str());
  if (exploration.verdict.agreed())
    std::printf(
        "the runner sees nothing in this program: what was found shows in bytes that it does not look at, or needs "
        "other places of slabs\n");
  else
    std::printf("signature: %s\n", exploration.verdict.signature().c_str());
  const SavedProgram saved = save_program(exploration.program, options.folder, "explorer");
  if (saved.file.empty())
    std::printf("not saved: %s\n", saved.why_not.c_str());
  else
    std::printf("saved: %s\nreplay with: ci/replay %s\n", saved.file.c_str(), saved.file.c_str());
  return 1;
}

struct Geometry {
  slab::Row row;
  bool checks;
  std::uint8_t kept;
  Size size;
};

int explore_one(const Geometry& geometry, const Options& options) {
  const auto& [row, checks, kept, size] = geometry;
  char name[96];
  std::snprintf(name, sizeof name, "%-15s %-9s kept %u, %u objects, %zu slabs, %u caches:", slab::to_string(row),
                checks ? "Checked" : "Unchecked", kept, size.objects, size.slabs, size.caches);
  ExploreOptions world;
  world.setup = small_setup(row, size.objects, size.caches, checks, kept);
  world.slabs = size.slabs;
  world.exact = options.exact;
  world.memory = static_cast<std::size_t>(options.memory * 0x1p30);
  world.progress = name;
  Exploration first;
  for (const std::uint64_t scrub : options.scrubs) {
    world.scrub = scrub;
    world.pointers =
        options.pointers && size.pointers && scrub == options.scrubs.front();  // they lead to no other state
    const Exploration exploration = explore(world);
    const ExploreCounts& counts = exploration.counts;
    std::printf("%s ", name);
    if (exploration.outcome == Exploration::Outcome::Defect) return say_defect(exploration, options);
    std::printf(
        "%s states, %s transitions, %s failures, %s refusals, %s pointers, depth %u, %.2f s, %.0f transitions/s, %.1f "
        "bytes a state, frontier %s KiB, ",
        grouped(counts.states).c_str(), grouped(counts.transitions).c_str(), grouped(counts.failures).c_str(),
        grouped(counts.refusals).c_str(), grouped(counts.pointers).c_str(), counts.depth, counts.seconds,
        static_cast<double>(counts.transitions) / counts.seconds,
        static_cast<double>(counts.memory) / static_cast<double>(counts.states),
        grouped(counts.frontier / 1024).c_str());
    if (options.exact) std::printf("%s hashes shared, ", grouped(counts.collisions).c_str());
    if (exploration.outcome == Exploration::Outcome::OutOfMemory)
      return std::printf("NOT complete: out of its %.2f GiB of memory at depth %u; nothing is claimed\n",
                         options.memory, counts.depth),
             2;
    std::printf("complete, digest %016llx\n", static_cast<unsigned long long>(counts.digest));
    std::fflush(stdout);
    if (scrub == options.scrubs.front()) {
      first = exploration;
    } else if (first.counts.states != counts.states || first.counts.transitions != counts.transitions ||
               first.counts.digest != counts.digest) {
      std::printf("DEFECT: what dead bytes hold makes a difference: somebody reads them\n");
      return 1;
    }
  }
  return 0;
}

/// A child process that goes through the geometry, and ends with what explore_one() answers.
pid_t start_one(const Geometry& geometry, const Options& options) {
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
  const int outcome = explore_one(geometry, options);
  std::fflush(stdout);
  _exit(outcome);
}

int explore_all(const Options& options) {
  std::vector<Geometry> worlds;
  for (const Size& size : options.sizes)
    for (const slab::Row row : options.rows)
      for (const bool checks : options.checks)
        for (const std::uint8_t kept : options.kept) worlds.push_back({row, checks, kept, size});
  int worst = 0;
  std::vector<pid_t> running;
  for (std::size_t started = 0; started < worlds.size() || !running.empty();) {
    if (started < worlds.size() && running.size() < options.jobs) {
      running.push_back(start_one(worlds[started++], options));
      continue;
    }
    int status = 0;
    if (std::erase(running, wait(&status)) == 0) continue;  // a child of the program that became this one
    const int outcome = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    if (WIFSIGNALED(status)) std::printf("NOT complete: ended by signal %d; nothing is claimed\n", WTERMSIG(status));
    if (outcome == 1) return 1;  // the others end with this process
    worst = std::max(worst, outcome);
  }
  if (worst != 0) return worst;
  std::printf(
      "\nNothing wrong in %zu worlds, each complete: every sequence of alloc, alloc_no_grow, reserve of 1 to N + 1, "
      "free, shrink and\n"
      "destruction, of any length. Of the backend: alloc_slab refused or misaligned, every free place handed out; in "
      "rows with\n"
      "a map each save_slab_info refused; in Large alloc_slab_info refused or misaligned; no room left.\n",
      worlds.size());
  const auto with_pointers = std::count_if(worlds.begin(), worlds.end(), [&](const Geometry& world) {
    return world.checks && world.size.pointers && options.pointers;
  });
  if (with_pointers > 0)
    std::printf("In %td of them, Checked ones, every pointer in the contract of the row freed in every state.\n",
                with_pointers);
  return 0;
}

int wrong(const std::string& what) {
  std::fprintf(stderr, "slab_explore: %s (ci/explore --help tells the options)\n", what.c_str());
  return 2;
}

int main(const std::vector<std::string>& arguments) {
  std::signal(SIGCHLD, SIG_DFL);  // where it is ignored, no child leaves its outcome
  Options options;
  Size size{3, 2, 1};
  bool is_named = false;
  const auto named = [&]() -> Size& { return is_named = true, size; };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--exact") {
      options.exact = true;
    } else if (argument == "--without-pointers") {
      options.pointers = false;
    } else if (argument == "--quick") {
      options.sizes.assign(std::begin(quick_sizes), std::end(quick_sizes));
    } else if (argument == "--deep") {
      options.sizes.assign(std::begin(deep_sizes), std::end(deep_sizes));
    } else {
      if (i + 1 == arguments.size()) return wrong(argument + ": unknown option, or its argument is missing");
      const std::string& value = arguments[++i];
      char* end = nullptr;
      const double number = std::strtod(value.c_str(), &end);
      const bool is_number = !value.empty() && *end == '\0';
      const auto between = [&](double low, double high) {
        return is_number && number >= low && number <= high && number == static_cast<int>(number);
      };
      if (argument == "--row") {
        options.rows.clear();
        for (const slab::Row row : {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large})
          if (value == slab::to_string(row)) options.rows = {row};
        if (options.rows.empty()) return wrong("--row " + value + ": no such row");
      } else if (argument == "--policy") {
        if (value != "Checked" && value != "Unchecked") return wrong("--policy " + value + ": no such policy");
        options.checks = {value == "Checked"};
      } else if (argument == "--scrub" && (value == "A" || value == "B")) {
        options.scrubs = {scrubs[value == "B"]};
      } else if (argument == "--kept" && between(0, 1)) {
        options.kept = {static_cast<std::uint8_t>(number)};
      } else if (argument == "--objects" && between(1, 6)) {
        named().objects = static_cast<std::uint32_t>(number);
      } else if (argument == "--slabs" && between(1, SmallState::max_slabs)) {
        named().slabs = static_cast<std::size_t>(number);
      } else if (argument == "--caches" && between(1, 2)) {
        named().caches = static_cast<std::uint8_t>(number);
      } else if (argument == "--jobs" && between(1, 256)) {
        options.jobs = static_cast<std::size_t>(number);
      } else if (argument == "--memory" && is_number && number > 0 && number <= 1024) {
        options.memory = number;
      } else if (argument == "--output") {
        options.folder = value;
      } else {
        return wrong(argument + " " + value + ": unknown option, or not what it takes");
      }
    }
  }
  if (options.sizes.empty())
    options.sizes = {size};
  else if (is_named)
    return wrong("--quick and --deep have sizes of their own");
  return explore_all(options);
}

}  // namespace
}  // namespace slabproof

int main(int argc, char** argv) { return slabproof::main({argv + 1, argv + argc}); }

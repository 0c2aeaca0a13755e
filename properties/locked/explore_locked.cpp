// Programs of two and three CPUs on a Locked cache, with calls of the backend refused: small ones in every order in
// which the CPUs can take turns, larger ones in random orders, and one of a file in its own.
#include <charconv>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <sstream>
#include <string>
#include <utility>

#include "properties/locked/engines.hpp"

namespace {

using namespace turns;

constexpr const char* usage = R"(usage: locked_explore [--deep] [--output FOLDER]
       locked_explore --random PROGRAMS [--seed N] [--output FOLDER]
       locked_explore --replay FILE [--minimize] [--output FOLDER]

  --deep        larger small programs: an hour
  --random      so many random programs, each in a few random orders. The seed is that of RC_PARAMS (seed=N), or another
                each time
  --replay      a program of docs/format.md#turns, in the order that it says
  --minimize    and a smaller one of which the same does not hold
  --output      saves what was found there, and its smallest form: NAME.turns, NAME.min.turns

exit: 0 nothing wrong, 1 a defect, 2 the words above were not understood, or a file is not to be read
)";

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "locked_explore: %s\n", why.c_str());
  std::exit(2);
}

void save(const std::string& folder, const std::string& name, const TurnProgram& program) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string path = folder + "/" + name + ".turns";
  std::ofstream file{path};
  file << to_text(program);
  if (!file.flush()) fail(path + ": cannot be written");
  std::printf("saved: %s\n", path.c_str());
}

void print(const Find& find, const char* what) {
  const std::string id = slabproof::to_string(find.violation.invariant);
  std::printf("%s\n%sviolated: %s%s%s\n", what, to_text(find.program).c_str(), id.c_str(), id.empty() ? "" : ": ",
              find.violation.what);
}

/// Says what was found, and the smallest program that shows it. Returns the exit code.
int report(Cpus& cpus, const std::optional<Find>& find, bool is_minimized, const std::string& folder) {
  if (!find) {
    std::printf("Nothing wrong in any order.\n");
    if (std::fflush(stdout) != 0) fail("what was found cannot be printed");
    return 0;
  }
  print(*find, "A defect:");
  std::string name = slabproof::to_string(find->violation.invariant);
  name = "locked-" + (name.empty() ? "died" : name.substr(0, name.find(' ')));
  if (!folder.empty()) save(folder, name, find->program);
  std::fflush(stdout);
  if (!is_minimized) return 1;
  const Find smallest = minimize(cpus, *find);
  GivenOrder order{smallest.program.turns};
  run_program(cpus, smallest.program, order);
  print(smallest, ("The smallest form, " + std::to_string(smallest.program.operations.size()) + " operations and " +
                   std::to_string(order.switches()) + " switches:")
                      .c_str());
  if (!folder.empty()) save(folder, name + ".min", smallest.program);
  return 1;
}

constexpr SmallWorld quick[] = {{2, 1, false, true}, {2, 1, true, false}, {3, 1, false, false}};
constexpr SmallWorld quick_of_large[] = {{2, 1, false, true}, {2, 1, true, false}};
constexpr SmallWorld deep[] = {
    {2, 1, true, true}, {2, 2, false, false}, {2, 2, false, true}, {3, 1, true, false}, {3, 1, false, true}};

std::optional<Find> explore_all(Cpus& cpus, bool is_deep) {
  using enum slab::ObjectSizeType;
  using enum PolicyKind;
  constexpr Setup setups[] = {
      {Small, Checked, 1, 128, 64, 24},   {Large, Checked, 1, 128, 64, 64},   {Small, Checked, 1, 128, 128, 24},
      {Small, Unchecked, 1, 128, 64, 24}, {Large, Unchecked, 1, 128, 64, 64}, {Small, Unchecked, 1, 128, 128, 24},
      {Small, Checked, 0, 128, 64, 24},   {Small, Guarded, 1, 256, 128, 64},
  };
  Counts all;
  for (const Setup& setup : setups) {
    const std::span<const SmallWorld> worlds = is_deep ? std::span<const SmallWorld>{deep}
                                               : setup.row() == slab::Row::Large
                                                   ? std::span<const SmallWorld>{quick_of_large}
                                                   : quick;
    for (const SmallWorld& world : worlds) {
      Counts counts;
      auto find = explore(cpus, setup, world, counts);
      std::printf("%s, %s, %u kept, %zu CPUs of at most %zu operations%s%s: %" PRIu64 " programs, %" PRIu64 " orders\n",
                  slab::to_string(setup.row()), names_of_policies[static_cast<std::size_t>(setup.policy)],
                  setup.empty_slabs_kept, world.cpus, world.most_operations, world.has_reserve ? "" : " but reserve",
                  world.takes_turns_at_calls ? ", turns at calls too" : "", counts.programs, counts.orders);
      std::fflush(stdout);
      all.programs += counts.programs, all.orders += counts.orders;
      if (find) return find;
    }
  }
  std::printf("in all: %" PRIu64 " programs, %" PRIu64 " orders\n", all.programs, all.orders);
  return {};
}

int replay(Cpus& cpus, const std::string& path, bool is_minimized, const std::string& folder) {
  std::ifstream file{path};
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) fail(path + ": cannot be read");
  std::string error;
  auto program = parse(text.str(), error);
  if (!program) fail(path + ": " + error);
  GivenOrder order{program->turns};
  const Outcome outcome = run_program(cpus, *program, order);
  program->turns = order.turns();
  if (!outcome.violation) return std::printf("%sholds\n", to_text(*program).c_str()), 0;
  const Find find{*program, *outcome.violation};
  if (is_minimized) return report(cpus, find, true, folder);
  const std::string id = slabproof::to_string(find.violation.invariant);
  std::printf("%sviolated: %s%s%s\n", to_text(*program).c_str(), id.c_str(), id.empty() ? "" : ": ",
              find.violation.what);
  return 1;
}

std::uint64_t number(const std::string& text, const char* of) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || parsed != end) fail(std::string{of} + ": no number below 2^64: " + text);
  return number;
}

std::uint64_t seed_of_environment() {
  const char* const parameters = std::getenv("RC_PARAMS");
  const char* const seed = parameters ? std::strstr(parameters, "seed=") : nullptr;
  if (!seed) return std::random_device{}();
  const std::string text{seed + std::strlen("seed=")};
  return number(text.substr(0, text.find(' ')), "RC_PARAMS: seed=");
}

}  // namespace

int main(int argc, char** argv) {
  bool is_deep = false, is_minimized = false;
  std::optional<std::uint64_t> programs, seed;
  std::string file, folder;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] {
      if (i + 1 == argc || argv[i + 1][0] == '\0') fail(word + ": its value is missing");
      return std::string{argv[++i]};
    };
    if (word == "--help") return std::fputs(usage, stdout), 0;
    if (word == "--deep")
      is_deep = true;
    else if (word == "--minimize")
      is_minimized = true;
    else if (word == "--random") {
      programs = number(value(), "--random");
      if (*programs == 0) fail("--random 0: nothing would be run");
    } else if (word == "--seed")
      seed = number(value(), "--seed");
    else if (word == "--replay")
      file = value();
    else if (word == "--output")
      folder = value();
    else
      fail(word + ": unknown (--help tells what there is)");
  }
  if (is_deep + programs.has_value() + !file.empty() > 1 || (seed && !programs) || (is_minimized && file.empty()))
    fail("these options do not go together (--help tells what does)");
  Cpus cpus;
  if (!file.empty()) return replay(cpus, file, is_minimized, folder);
  if (!programs) return report(cpus, explore_all(cpus, is_deep), true, folder);
  if (!seed) seed = seed_of_environment();
  Counts counts;
  const auto find = run_random(cpus, *seed, *programs, counts);
  std::printf("seed %" PRIu64 ": %" PRIu64 " programs, %" PRIu64 " orders\n", *seed, counts.programs, counts.orders);
  return report(cpus, find, true, folder);
}

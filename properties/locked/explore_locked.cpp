// Every order in which two or three CPUs can take turns in small programs on a Locked cache, with each call of the
// backend refused.
#include <cinttypes>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "properties/locked/world.hpp"

namespace {

using turns::Cpus;
using turns::Op;
using turns::Order;
using turns::TurnProgram;

struct Counts {
  std::uint64_t programs = 0, orders = 0;
};
const TurnProgram* running = nullptr;

void print(const TurnProgram& program) {
  std::printf("%zu objects before, %zu of them freed deferred", program.before, program.deferred);
  if (program.refused != 0)
    std::printf("; call %" PRIu32 " of the backend refused%s", program.refused,
                program.are_all_refused ? ", and all after it" : "");
  for (std::size_t cpu = 0; cpu < program.cpus.size(); ++cpu) {
    std::printf("\n  CPU %zu:", cpu);
    for (const Op op : program.cpus[cpu]) std::printf(" %s", turns::names_of_ops[static_cast<std::size_t>(op)]);
  }
  std::printf("\n");
}

/// All orders of a program. Returns whether all hold; `calls` are the most that might have failed.
template <slab::Row R, bool Checks, std::size_t Kept>
bool holds(Cpus& cpus, const TurnProgram& program, Counts& counts, std::uint32_t& calls) {
  running = &program;
  Order order;
  ++counts.programs;
  do {
    turns::TurnWorld<R, Checks, Kept> world{cpus, program};
    std::uint32_t made = 0;
    const auto violation = world.run(order, made);
    ++counts.orders;
    calls = std::max(calls, made);
    if (violation) {
      std::printf("does not hold: %s\n", violation->c_str());
      print(program);
      return false;
    }
  } while (order.advance());
  return true;
}

/// The same with each call refused, alone and with all after it.
template <slab::Row R, bool Checks, std::size_t Kept>
bool holds_refused(Cpus& cpus, TurnProgram program, Counts& counts) {
  std::uint32_t calls = 0;
  if (!holds<R, Checks, Kept>(cpus, program, counts, calls)) return false;
  for (program.refused = 1; program.refused <= calls; ++program.refused)
    for (const bool are_all : {false, true}) {
      std::uint32_t ignored = 0;
      program.are_all_refused = are_all;
      if (!holds<R, Checks, Kept>(cpus, program, counts, ignored)) return false;
    }
  return true;
}

/// Sequences of at most `most` operations, of the first `ops` of them.
std::vector<std::vector<Op>> sequences(std::size_t most, std::size_t ops) {
  std::vector<std::vector<Op>> all{{}};
  for (std::size_t begin = 0, length = 1; length <= most; ++length) {
    const std::size_t end = all.size();
    for (; begin < end; ++begin)
      for (std::size_t op = 0; op < ops; ++op) {
        all.push_back(all[begin]);
        all.back().push_back(static_cast<Op>(op));
      }
  }
  all.erase(all.begin());
  return all;
}

/// Which programs.
struct World {
  std::size_t cpus, most_operations;
  bool takes_turns_at_calls;  // of the backend, besides those of the lock
  bool has_reserve;  // which takes the lock so often that three of them have too many orders
};

/// CPUs are alike, so each set of sequences is tried once.
template <slab::Row R, bool Checks, std::size_t Kept>
bool explore(Cpus& cpus, const World& world, Counts& counts) {
  const auto all = sequences(world.most_operations, std::size(turns::names_of_ops) - !world.has_reserve);
  const std::size_t count = world.cpus;
  std::vector<std::size_t> chosen(count, 0);
  for (;;) {
    TurnProgram program;
    program.takes_turns_at_calls = world.takes_turns_at_calls;
    for (const std::size_t i : chosen) program.cpus.push_back(all[i]);
    for (const auto& [before, deferred] : {std::pair{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 4}, {6, 4}}) {
      program.before = static_cast<std::size_t>(before);
      program.deferred = static_cast<std::size_t>(deferred);
      if (!holds_refused<R, Checks, Kept>(cpus, program, counts)) return false;
    }
    std::size_t at = count;
    while (at > 0 && chosen[at - 1] + 1 == all.size()) --at;
    if (at == 0) return true;
    ++chosen[at - 1];
    for (std::size_t i = at; i < count; ++i) chosen[i] = chosen[at - 1];
  }
}

template <slab::Row R, bool Checks, std::size_t Kept>
bool explore_row(const char* name, std::span<const World> worlds) {
  Cpus cpus;
  for (const World& world : worlds) {
    Counts counts;
    const bool is_right = explore<R, Checks, Kept>(cpus, world, counts);
    std::printf("%s, %s, %zu CPUs of at most %zu operations%s%s: %" PRIu64 " programs, %" PRIu64 " orders\n", name,
                Checks ? "Checked" : "Unchecked", world.cpus, world.most_operations,
                world.has_reserve ? "" : " but reserve", world.takes_turns_at_calls ? ", turns at calls too" : "",
                counts.programs, counts.orders);
    std::fflush(stdout);
    if (!is_right) return false;
  }
  return true;
}

constexpr World quick[] = {{2, 1, false, true}, {2, 1, true, false}, {3, 1, false, false}};
constexpr World deep[] = {
    {2, 1, true, true}, {2, 2, false, false}, {2, 2, false, true}, {3, 1, true, false}, {3, 1, false, true}};

}  // namespace

int main(int argc, char** argv) {
  const bool is_deep = argc == 2 && std::string{argv[1]} == "--deep";
  if (argc > 2 || (argc == 2 && !is_deep)) return std::fprintf(stderr, "usage: explore_locked [--deep]\n"), 2;
  using enum slab::Row;
  const std::span<const World> worlds = is_deep ? std::span<const World>{deep} : quick;
  const bool is_right = explore_row<SmallMultiPage, true, 1>("SmallMultiPage", worlds) &&
                        explore_row<Large, true, 1>("Large", is_deep ? worlds : worlds.first(2)) &&
                        explore_row<SmallSinglePage, true, 1>("SmallSinglePage", worlds) &&
                        explore_row<SmallMultiPage, false, 1>("SmallMultiPage", worlds) &&
                        explore_row<Large, false, 1>("Large", is_deep ? worlds : worlds.first(2)) &&
                        explore_row<SmallSinglePage, false, 1>("SmallSinglePage", worlds) &&
                        explore_row<SmallMultiPage, true, 0>("SmallMultiPage, no empty slab kept", worlds);
  std::printf(is_right ? "Nothing wrong in any order.\n" : "A defect.\n");
  return is_right ? 0 : 1;
}

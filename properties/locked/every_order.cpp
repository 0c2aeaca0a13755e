#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "properties/locked/engines.hpp"

namespace turns {
namespace {

constexpr std::uint16_t reserved_objects = 3;
constexpr std::size_t ops_of_small_programs = static_cast<std::size_t>(Op::Reserve) + 1;

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

/// Each free is of another object: of those that were allocated before, and then of those that the program allocates,
/// the last CPU's first. Nothing if there are not enough.
std::optional<TurnProgram> program_of(const Setup& setup, const std::vector<const std::vector<Op>*>& cpus,
                                      std::uint16_t before, std::uint16_t deferred) {
  TurnProgram program;
  program.setup = setup;
  std::uint16_t name = 0;
  for (; name < before; ++name) program.operations.push_back({Op::Alloc, Cpus::none, name});
  for (std::uint16_t i = 0; i < deferred; ++i) program.operations.push_back({Op::FreeDeferred, Cpus::none, i});
  std::vector<std::uint16_t> allocated;
  const std::size_t begin = program.operations.size();
  for (std::uint8_t cpu = 0; cpu < cpus.size(); ++cpu)
    for (const Op op : *cpus[cpu]) {
      if (is_alloc(op)) allocated.push_back(name);
      const std::uint16_t operand = is_alloc(op) ? name++ : op == Op::Reserve ? reserved_objects : std::uint16_t{0};
      program.operations.push_back({op, cpu, operand});
    }
  std::uint16_t next = deferred;
  for (std::size_t i = begin; i < program.operations.size(); ++i) {
    if (!is_free(program.operations[i].op)) continue;
    if (next < before) {
      program.operations[i].operand = next++;
    } else {
      if (allocated.empty()) return {};
      program.operations[i].operand = allocated.back();
      allocated.pop_back();
    }
  }
  return program;
}

}  // namespace

std::optional<Find> run_every_order(Cpus& cpus, TurnProgram program, Counts& counts, std::uint32_t& calls,
                                    std::size_t most_switches, std::uint64_t most_orders) {
  EveryOrder order{most_switches};
  ++counts.programs;
  for (std::uint64_t orders = 0; orders < most_orders; ++orders) {
    const Outcome outcome = run_program(cpus, program, order);
    ++counts.orders;
    calls = std::max(calls, outcome.calls);
    if (outcome.violation) {
      program.turns = order.turns();
      return Find{std::move(program), *outcome.violation};
    }
    if (!order.advance()) break;
  }
  return {};
}

std::optional<Find> explore(Cpus& cpus, const Setup& setup, const SmallWorld& world, Counts& counts) {
  const auto all = sequences(world.most_operations, ops_of_small_programs - !world.has_reserve);
  std::vector<std::size_t> chosen(world.cpus, 0);  // CPUs are alike, so each set of sequences is tried once
  constexpr std::pair<std::uint16_t, std::uint16_t> begins[] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 4}, {6, 4}};
  for (;;) {
    std::vector<const std::vector<Op>*> of_cpus;
    for (const std::size_t i : chosen) of_cpus.push_back(&all[i]);
    for (const auto& [before, deferred] : begins) {
      std::optional<TurnProgram> program = program_of(setup, of_cpus, before, deferred);
      if (!program) continue;
      program->takes_turns_at_calls = world.takes_turns_at_calls;
      std::uint32_t calls = 0, ignored = 0;
      if (auto find = run_every_order(cpus, *program, counts, calls)) return find;
      for (std::uint32_t after = 0; after < calls; ++after)
        for (const bool are_all : {false, true}) {
          program->refused_after = after;
          program->are_all_refused = are_all;
          if (auto find = run_every_order(cpus, *program, counts, ignored)) return find;
        }
    }
    std::size_t at = world.cpus;
    while (at > 0 && chosen[at - 1] + 1 == all.size()) --at;
    if (at == 0) return {};
    ++chosen[at - 1];
    for (std::size_t i = at; i < world.cpus; ++i) chosen[i] = chosen[at - 1];
  }
}

}  // namespace turns

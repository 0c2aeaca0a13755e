#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "properties/locked/engines.hpp"

namespace turns {
namespace {

constexpr std::uint64_t orders_of_each = 4;

/// Less than `end`.
std::uint32_t below(std::mt19937_64& random, std::uint64_t end) { return static_cast<std::uint32_t>(random() % end); }

Setup random_setup(std::mt19937_64& random) {
  constexpr std::uint16_t sizes[] = {64, 128, 256};
  for (;;) {
    Setup setup;
    setup.type = below(random, 3) == 0 ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
    setup.policy = static_cast<PolicyKind>(below(random, std::size(names_of_policies)));
    if (setup.policy == PolicyKind::Checked) setup.empty_slabs_kept = below(random, 3) == 0 ? 0 : 1;
    setup.slab_size = sizes[1 + below(random, 2)];
    setup.page_size = std::min(sizes[below(random, 3)], setup.slab_size);
    setup.object_size = static_cast<std::uint16_t>(8 * (1 + below(random, 8)));
    if (problem_of(setup).empty()) return setup;
  }
}

/// Which operation, in 16.
Op random_op(std::mt19937_64& random) {
  constexpr Op of[] = {Op::Alloc,        Op::Alloc,  Op::Alloc,   Op::Alloc,       Op::Alloc, Op::AllocNoGrow,
                       Op::Free,         Op::Free,   Op::Free,    Op::Free,        Op::Free,  Op::FreeDeferred,
                       Op::FreeDeferred, Op::Shrink, Op::Reserve, Op::FreeInterior};
  return below(random, 40) == 0 ? Op::Statistics : of[below(random, std::size(of))];
}

}  // namespace

TurnProgram random_program(std::mt19937_64& random) {
  TurnProgram program;
  program.setup = random_setup(random);
  std::uint16_t names = 0;
  const auto add = [&](Op op, std::uint8_t cpu) {
    if (is_free(op) && names == 0) return;
    std::uint16_t operand = 0;
    if (is_alloc(op)) operand = names++;
    if (is_free(op)) operand = static_cast<std::uint16_t>(below(random, names));
    if (op == Op::Reserve) operand = static_cast<std::uint16_t>(below(random, 9));
    program.operations.push_back({op, cpu, operand});
  };
  for (std::uint32_t before = below(random, 8); before > 0; --before)
    add(below(random, 4) == 0 ? Op::FreeDeferred : Op::Alloc, Cpus::none);
  const std::uint32_t cpus = 2 + below(random, 2);
  for (std::uint32_t operations = cpus + below(random, 20); operations > 0; --operations)
    add(random_op(random), static_cast<std::uint8_t>(below(random, cpus)));
  if (below(random, 2) == 0) {
    program.refused_after = below(random, 16);
    program.are_all_refused = below(random, 2) == 0;
  }
  return program;
}

std::optional<Find> run_random(Cpus& cpus, std::uint64_t seed, std::uint64_t programs, Counts& counts) {
  for (std::uint64_t i = 0; i < programs; ++i) {
    std::seed_seq of_program{seed & UINT32_MAX, seed >> 32, i & UINT32_MAX, i >> 32};
    std::mt19937_64 random{of_program};
    TurnProgram program = random_program(random);
    ++counts.programs;
    std::string error;
    if (const auto read = parse(to_text(program), error); !read || to_text(*read) != to_text(program))
      return Find{std::move(program), {Invariant::T2, "the text of a program is read as the same program"}};
    for (std::uint64_t j = 0; j < orders_of_each; ++j) {
      RandomOrder order{random, 1U << j};  // from one in which each turn is random to one with few switches
      const Outcome outcome = run_program(cpus, program, order);
      ++counts.orders;
      if (!outcome.violation) continue;
      program.turns = order.turns();
      return Find{std::move(program), *outcome.violation};
    }
  }
  return {};
}

}  // namespace turns

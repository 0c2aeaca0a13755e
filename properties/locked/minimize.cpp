#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "properties/locked/engines.hpp"

namespace turns {
namespace {

constexpr std::size_t most_switches_tried = 2;
constexpr std::uint64_t most_orders_tried = 200;

class Minimizer {
 public:
  Minimizer(Cpus& cpus, Find find) : cpus_{cpus}, find_{std::move(find)} {}

  Find run() {
    bool is_smaller = true;
    while (is_smaller) {
      is_smaller = false;
      for (std::size_t i = operations().size(); i-- > 0;) is_smaller |= accept([i](TurnProgram& p) { drop(p, i); });
      if (!is_smaller) is_smaller = drop_two();
      is_smaller |= accept_if(find_.program.refused_after.has_value(), [](TurnProgram& p) { p.refused_after.reset(); });
      is_smaller |= accept_if(find_.program.are_all_refused, [](TurnProgram& p) { p.are_all_refused = false; });
      while (find_.program.refused_after.value_or(0) > 0 && accept([](TurnProgram& p) { --*p.refused_after; }))
        is_smaller = true;
      for (std::size_t i = 0; i < operations().size(); ++i)
        while (operations()[i].op == Op::Reserve && operations()[i].operand > 0 &&
               accept([i](TurnProgram& p) { --p.operations[i].operand; }))
          is_smaller = true;
      is_smaller |= accept_if(is_any_cpu_unused(), close_ranks);
    }
    accept(name_anew);
    take_fewest_switches();
    return std::move(find_);
  }

 private:
  [[nodiscard]] const std::vector<Operation>& operations() const { return find_.program.operations; }
  [[nodiscard]] bool is_any_cpu_unused() const {
    for (std::uint8_t cpu = 0; cpu < find_.program.cpus(); ++cpu)
      if (std::none_of(operations().begin(), operations().end(), [cpu](const Operation& o) { return o.cpu == cpu; }))
        return true;
    return false;
  }
  static void drop(TurnProgram& program, std::size_t i) {
    program.operations.erase(program.operations.begin() + static_cast<std::ptrdiff_t>(i));
  }
  /// As of an object that is only there to be freed.
  bool drop_two() {
    for (std::size_t i = operations().size(); i-- > 0;)
      for (std::size_t j = i; j-- > 0;)
        if (accept([i, j](TurnProgram& p) { drop(p, i), drop(p, j); })) return true;
    return false;
  }
  static void close_ranks(TurnProgram& program) {
    std::array<bool, Cpus::most> is_used{};
    for (const Operation& operation : program.operations)
      if (operation.cpu != Cpus::none) is_used[operation.cpu] = true;
    for (Operation& operation : program.operations)
      if (operation.cpu != Cpus::none)
        operation.cpu = static_cast<std::uint8_t>(std::count(is_used.begin(), is_used.begin() + operation.cpu, true));
  }
  static void name_anew(TurnProgram& program) {
    std::array<std::uint16_t, most_names> names{};
    std::uint16_t next = 0;
    for (const Operation& operation : program.operations)
      if (is_alloc(operation.op)) names[operation.operand] = next++;
    for (Operation& operation : program.operations)
      if (is_alloc(operation.op) || is_free(operation.op)) operation.operand = names[operation.operand];
  }

  template <class F>
  bool accept_if(bool applies, F change) {
    return applies && accept(change);
  }
  /// Takes the changed program if the same does not hold of it, in the same order or in one with few switches.
  template <class F>
  bool accept(F change) {
    TurnProgram changed = find_.program;
    change(changed);
    GivenOrder order{changed.turns};
    const Outcome outcome = run_program(cpus_, changed, order);
    if (outcome.violation == find_.violation) {
      changed.turns = order.turns();
      find_.program = std::move(changed);
      return true;
    }
    return try_orders(changed, most_switches_tried);
  }
  bool try_orders(const TurnProgram& program, std::size_t most_switches) {
    for (std::size_t switches = 0; switches <= most_switches; ++switches) {
      Counts counts;
      std::uint32_t calls = 0;
      auto found = run_every_order(cpus_, program, counts, calls, switches, most_orders_tried);
      if (!found || found->violation != find_.violation) continue;
      find_ = std::move(*found);
      return true;
    }
    return false;
  }
  void take_fewest_switches() {
    GivenOrder order{find_.program.turns};
    run_program(cpus_, find_.program, order);
    if (order.switches() > 0) try_orders(find_.program, order.switches() - 1);
  }

  Cpus& cpus_;
  Find find_;
};

}  // namespace

Find minimize(Cpus& cpus, Find find) { return Minimizer{cpus, std::move(find)}.run(); }

}  // namespace turns

#include "properties/machines/commands.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <ostream>

#include "model/program/byte_format.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

/// How often a kind is drawn in `state`; never if it does not apply there.
std::size_t weight(const SymbolicState& state, Mood mood, const OperationFacts& facts) {
  if (facts.needs_two_caches && state.cache_count() < 2) return 0;
  if (!state.has(facts.guard, 0) && (state.cache_count() < 2 || !state.has(facts.guard, 1))) return 0;
  if (facts.operand == Operand::LiveObject && state.live_count() == 0) return 0;
  if (facts.operand == Operand::DeadObject && state.dead_count() == 0) return 0;
  switch (mood) {
    case Mood::Churn: return facts.weights.churn;
    case Mood::Fill: return facts.weights.fill;
    case Mood::Drain: return facts.weights.drain;
  }
  return 0;
}

using KindWeights = std::array<std::size_t, operation_kinds>;  // in the order of the table

KindWeights weights_in(const SymbolicState& state, Mood mood, const Language& language) {
  KindWeights weights{};
  std::transform(std::begin(operation_table.kinds), std::end(operation_table.kinds), weights.begin(),
                 [&](OperationKind kind) { return language.has(kind) ? weight(state, mood, facts_of(kind)) : 0; });
  return weights;
}

/// Requires `at` to be less than the sum of the weights.
OperationKind pick(const KindWeights& weights, std::size_t at) {
  std::size_t index = 0;
  for (; at >= weights[index]; ++index) at -= weights[index];
  return operation_table.kinds[index];
}

void choose_parameter(Operation& operation, std::uint32_t choice, const Language& language) {
  switch (parameter_of(operation.kind)) {
    case Parameter::None: return;
    case Parameter::ObjectCount: operation.argument = choice % 32 == 31 ? reserve_everything : choice % 24; return;
    case Parameter::Size:
    case Parameter::SizeAndAlign:
    case Parameter::CountAndSize:
      format::unpack_size(
          {.selector = static_cast<std::uint8_t>(choice >> 16), .operand = static_cast<std::uint16_t>(choice)},
          language.sizes, operation);
      return;
    case Parameter::Failure: {
      if (language.shape != Shape::SlabCache) {  // only memory is asked for
        operation.detail = Failure{FailingCall::Any, static_cast<FailureMode>(choice % 2)}.packed();
        operation.argument = choice / 2 % 8;
        return;
      }
      const Failure failure{failing_calls[choice % std::size(failing_calls)].value,
                            failure_modes[choice / 4 % std::size(failure_modes)].value};
      operation.detail = failure.made_possible().packed();
      operation.argument = choice / 16 % 8;
      return;
    }
    case Parameter::ReentrantCall:
    case Parameter::CallOnMisuse:
      operation.detail = static_cast<std::uint8_t>(reentrant_calls[choice % std::size(reentrant_calls)].value);
      return;
    case Parameter::BackendError:
      operation.detail = static_cast<std::uint8_t>(backend_errors[choice % std::size(backend_errors)].value);
      operation.argument = choice / 8 % 4;
      return;
    case Parameter::Pick: operation.argument = choice / 2 % (max_argument(operation.kind) + 1); return;
    case Parameter::InfoDamage: operation.argument = choice % (max_damage + 1); return;
  }
}

Operation make(const SymbolicState& state, OperationKind kind, std::uint32_t object, std::uint32_t target,
               std::uint32_t choice, const Language& language) {
  Operation operation{.kind = kind};
  switch (operand_of(kind)) {
    case Operand::NewObject: operation.object = state.next_ordinal(); [[fallthrough]];
    case Operand::Cache: operation.target = static_cast<std::uint8_t>(target % state.cache_count()); break;
    case Operand::Backend: operation.target = static_cast<std::uint8_t>(target % state.backend_count()); break;
    case Operand::LiveObject: operation.object = state.live(object % state.live_count()); break;
    case Operand::DeadObject:  // mostly one that died recently: it heads its slab's free list
      operation.object = state.dead(
          state.dead_count() - 1 -
          (choice & 1 ? object % state.dead_count() : object % std::min<std::size_t>(2, state.dead_count())));
      break;
  }
  choose_parameter(operation, choice, language);
  return operation;
}

}  // namespace

void OperationCommand::checkPreconditions(const SymbolicState& state) const { RC_PRE(state.applies(operation_)); }
void OperationCommand::apply(SymbolicState& state) const { state.apply(operation_); }
void OperationCommand::run(const SymbolicState&, Runner& runner) const {
  if (runner.verdict().agreed()) runner.step(operation_);
}
void OperationCommand::show(std::ostream& out) const { out << to_text(operation_); }

rc::Gen<std::shared_ptr<const Command>> commands_for(const SymbolicState& state, Mood mood, const Language& language) {
  const KindWeights weights = weights_in(state, mood, language);
  const std::size_t total = std::accumulate(weights.begin(), weights.end(), std::size_t{0});
  const std::size_t objects = std::max(state.live_count(), state.dead_count()) + 1;
  const std::uint32_t choices = language.shape == Shape::Heap ? 0x1000000 : 1024;
  return rc::gen::map(
      rc::gen::tuple(rc::gen::inRange<std::size_t>(0, total),
                     rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(objects)),
                     rc::gen::inRange<std::uint32_t>(0, 2), rc::gen::inRange<std::uint32_t>(0, choices)),
      [weights, state, language](const std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::uint32_t>& picks) {
        const auto [kind, object, target, choice] = picks;
        return std::shared_ptr<const Command>{
            std::make_shared<OperationCommand>(make(state, pick(weights, kind), object, target, choice, language))};
      });
}

}  // namespace slabproof

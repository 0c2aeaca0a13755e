#include "properties/machines/commands.hpp"

#include <algorithm>
#include <ostream>
#include <vector>

#include "model/program/trace.hpp"

namespace slabproof {
namespace {

using enum OperationKind;

struct Weight {
  OperationKind kind;
  std::size_t weight;
};

std::vector<Weight> weights(const SymbolicState& state, Mood mood) {
  const std::size_t fill = mood == Mood::Fill ? 60 : 25, drain = mood == Mood::Drain ? 40 : 20;
  std::vector<Weight> weights{{Alloc, fill}, {AllocNoGrow, 4}, {Reserve, 2}, {Shrink, 2},  {Fail, 4},
                              {Recover, 1},  {FreeNull, 1},    {Destroy, 1}, {Reenter, 1}, {FreeForeign, 1}};
  if (state.live_count() > 0) {
    weights.push_back({Free, drain});
    for (const OperationKind kind : {FreeInterior, FreeSlabInfo, FreeTailWaste, FreeNeverAllocated})
      weights.push_back({kind, 1});
    if (state.cache_count() == 2) weights.push_back({FreeThroughOther, 2});
  }
  if (state.dead_count() > 0) {
    weights.push_back({DoubleFree, 3});
    weights.push_back({CorruptLink, 2});
  }
  return weights;
}

OperationKind pick(const std::vector<Weight>& weights, std::size_t at) {
  for (const Weight& each : weights) {
    if (at < each.weight) return each.kind;
    at -= each.weight;
  }
  return Alloc;
}

Operation make(const SymbolicState& state, OperationKind kind, std::uint32_t object, std::uint32_t target,
               std::uint32_t argument) {
  Operation operation{.kind = kind};
  switch (names(kind)) {
    case Names::NewObject: operation.object = state.next_ordinal(); [[fallthrough]];
    case Names::Cache: operation.target = static_cast<std::uint8_t>(target % state.cache_count()); break;
    case Names::Backend: operation.target = static_cast<std::uint8_t>(target % state.backend_count()); break;
    case Names::LiveObject: operation.object = state.live(object % state.live_count()); break;
    case Names::DeadObject:  // mostly one that died lately: it heads its slab's free list
      operation.object = state.dead(
          state.dead_count() - 1 -
          (argument & 1 ? object % state.dead_count() : object % std::min<std::size_t>(2, state.dead_count())));
      break;
  }
  switch (kind) {
    case Reserve: operation.argument = argument % 32 == 31 ? reserve_everything : argument % 24; break;
    case Fail: {
      const std::uint32_t call = argument % 4, mode = argument / 4 % 3;
      const bool cannot = static_cast<FailureMode>(mode) == FailureMode::Misaligned &&
                          static_cast<FailingCall>(call) == FailingCall::SaveSlabInfo;
      operation.detail = static_cast<std::uint8_t>((cannot ? 1 : call) | mode << 2);
      operation.argument = argument / 16 % 8;
      break;
    }
    case Reenter: operation.detail = static_cast<std::uint8_t>(argument % 5); break;
    default:
      if (max_argument(kind) != 0) operation.argument = argument / 2 % (max_argument(kind) + 1);
  }
  return operation;
}

}  // namespace

void OperationCommand::checkPreconditions(const SymbolicState& state) const { RC_PRE(state.applies(operation_)); }
void OperationCommand::apply(SymbolicState& state) const { state.apply(operation_); }
void OperationCommand::run(const SymbolicState&, Runner& runner) const {
  if (runner.verdict().agreed()) runner.step(operation_);
}
void OperationCommand::show(std::ostream& out) const { out << to_text(operation_); }

rc::Gen<std::shared_ptr<const Command>> commands_for(const SymbolicState& state, Mood mood) {
  const std::vector<Weight> choices = weights(state, mood);
  std::size_t total = 0;
  for (const Weight& each : choices) total += each.weight;
  const std::size_t objects = std::max(state.live_count(), state.dead_count()) + 1;
  return rc::gen::map(
      rc::gen::tuple(rc::gen::inRange<std::size_t>(0, total),
                     rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(objects)),
                     rc::gen::inRange<std::uint32_t>(0, 2), rc::gen::inRange<std::uint32_t>(0, 1024)),
      [choices, state](const std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::uint32_t>& picks) {
        const auto [kind, object, target, argument] = picks;
        return std::shared_ptr<const Command>{
            std::make_shared<OperationCommand>(make(state, pick(choices, kind), object, target, argument))};
      });
}

}  // namespace slabproof

#pragma once

#include <memory>

#include <rapidcheck.h>
#include <rapidcheck/state.h>

#include "model/judge/runner.hpp"
#include "model/program/operation_table.hpp"
#include "model/program/symbolic_state.hpp"

namespace slabproof {

/// One operation as a RapidCheck command. The model is symbolic (which objects may exist), so that
/// preconditions hold or not without running anything; run() is one step of the runner, which judges.
class OperationCommand : public rc::state::Command<SymbolicState, Runner> {
 public:
  explicit OperationCommand(const Operation& operation) : operation_{operation} {}
  [[nodiscard]] const Operation& operation() const { return operation_; }

  void checkPreconditions(const SymbolicState& state) const override;
  void apply(SymbolicState& state) const override;
  /// Does nothing once an invariant has failed: the verdict is the runner's.
  void run(const SymbolicState& state, Runner& runner) const override;
  void show(std::ostream& out) const override;

 private:
  Operation operation_;
};

using Command = OperationCommand::CommandType;
using Commands = rc::state::Commands<Command>;

/// Which operations a program prefers.
enum class Mood : std::uint8_t { Churn, Fill, Drain };

/// A command that applies in `state`.
rc::Gen<std::shared_ptr<const Command>> commands_for(const SymbolicState& state, Mood mood, const Language& language);

}  // namespace slabproof

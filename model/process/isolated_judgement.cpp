// Programs, geometries and texts that are judged in a child process.
#include <algorithm>

#include "model/judge/trace_oracle.hpp"
#include "model/process/isolated.hpp"
#include "model/process/watchdog.hpp"

namespace slabproof {
namespace {

/// A judgement that is no program's: `what` stands where the verdict has an operation.
IsolatedRun judge_in_child(StepKind what, const Expectation& due,
                           const std::function<std::optional<Violation>()>& judge, const IsolationOptions& options) {
  IsolatedRun run = run_isolated(
      [&](StepMark& mark) {
        mark.set_step(0, what);
        mark.set(due);
        Verdict verdict;
        if (const auto violation = judge()) {
          verdict.kind = Verdict::Kind::Violated;
          verdict.violation = *violation;
        }
        return verdict;
      },
      options);
  run.verdict.operation = what;
  return run;
}

IsolatedRun run_once(Runner& runner, const Program& program, const IsolationOptions& options,
                     std::uint32_t first_strict_step, std::size_t budget) {
  return run_isolated(
      [&](StepMark& mark) {
        runner.set_mark(&mark);
        runner.set_checks(options.checks, first_strict_step, budget);
        return run_steps(runner, program, options);
      },
      options);
}

constexpr std::size_t unlimited = ~std::size_t{0};

/// Checks every step that the verdict needs. When a run fails after its budget has ended, its steps are known to be
/// correct up to the last check but one, so it runs again with the steps from there on checked one by one.
IsolatedRun run_until_guilty(Runner& runner, const Program& program, const IsolationOptions& options,
                             const IsolationOptions& again) {
  const IsolatedRun run = run_once(runner, program, options, 0, Runner::check_budget);
  const std::uint32_t step = run.verdict.step;
  const bool is_guilty = run.verdict.agreed() || step < run.budget_ended_at;
  if (is_guilty && !again.after_step) return run;
  if (is_guilty) return run_once(runner, program, again, 0, Runner::check_budget);
  return run_once(runner, program, again, step - std::min(step, 2 * Runner::deep_check_period), unlimited);
}

}  // namespace

Verdict run_steps(Runner& runner, const Program& program, const IsolationOptions& options) {
  const auto after = [&](const Operation* operation) {
    if (!options.after_step) return;
    options.after_step(runner, operation);
    if (options.timeout_seconds > 0) watch(options.timeout_seconds);  // the observer takes time too
  };
  bool going = runner.start(program.setup);
  after(nullptr);
  for (std::size_t i = 0; going && i < program.operations.size(); ++i) {
    going = runner.step(program.operations[i]);
    after(&program.operations[i]);
  }
  if (going) {
    runner.finish();
    after(nullptr);
  }
  return runner.verdict();
}

IsolatedRun run_isolated(Runner& runner, const Program& program, const IsolationOptions& wanted) {
  IsolationOptions options = wanted;
  if (options.timeout_seconds <= 0) options.timeout_seconds = patience(program.operations.size());
  constexpr std::size_t few = 64;  // operations, which take no time whatever they do
  if (program.operations.size() <= few || options.checks == Checks::NowAndThen)
    return run_once(runner, program, options, 0, unlimited);
  // after_step is called for one run only.
  IsolationOptions silent = options;
  silent.after_step = {};
  silent.brief |= options.after_step != nullptr;
  return run_until_guilty(runner, program, silent, options);
}

IsolatedRun judge_isolated(const GeometryQuery& query, MakeGeometry make, const IsolationOptions& options) {
  return judge_in_child(
      StepKind::Phase::Geometry, answer_in_constant_time, [&] { return judge_geometry(query, make); }, options);
}

IsolatedRun judge_isolated(std::string_view text, const IsolationOptions& options) {
  return judge_in_child(StepKind::Phase::Parse, {}, [&] { return judge_trace(text); }, options);
}

}  // namespace slabproof

#include "model/process/isolated.hpp"

#include "model/process/cannot_judge.hpp"
#include "model/process/child.hpp"
#include "model/process/sanitizer_hooks.hpp"
#include "model/process/sanitizer_report.hpp"
#include "model/process/shared_memory.hpp"
#include "model/process/shared_violation.hpp"

namespace slabproof {
namespace {

/// What the child tells its parent, as it becomes known.
struct Shared {
  StepMark mark;
  bool finished;
  bool violated;
  std::uint64_t stack;
  SharedViolation violation;
};

Verdict verdict_of(const Shared& shared, const ChildEnd& end, const std::string& report) {
  Verdict verdict;
  verdict.step = shared.mark.step;
  verdict.operation = shared.mark.step_kind();
  if (shared.finished && end.exited_with(0)) {
    verdict.kind = shared.violated ? Verdict::Kind::Violated : Verdict::Kind::Agreed;
    verdict.violation = shared.violation.get();
    return verdict;
  }
  shared.mark.leave_due(verdict);
  if (end.hung()) {
    verdict.kind = Verdict::Kind::Hung;
  } else {
    verdict.kind = Verdict::Kind::Died;
    verdict.death_by = ended_by(report);
    verdict.death = describe_death(report, end);
    verdict.frame = first_frame(report);
    verdict.frames = first_frames(report);
  }
  return verdict;
}

}  // namespace

IsolatedRun run_isolated(const IsolatedBody& body, const IsolationOptions& options) {
  const SharedMemory<Shared> shared;
  const auto judge = [&] {
    report_briefly(options.brief);
    leave_stack_digest(&shared->stack);
    const Verdict verdict = body(shared->mark);
    shared->violated = !verdict.agreed();
    shared->violation.set(verdict.violation);
    shared->finished = true;
    return 0;
  };
  Child child{judge, {.processor_seconds = options.timeout_seconds > 0 ? options.timeout_seconds : patience(0)}};
  const ChildEnd end = child.wait();
  IsolatedRun run;
  run.report = child.report();
  if (const std::string why = end.why_it_tells_nothing(run.report); !why.empty()) cannot_judge(why);
  run.report = without_refusals(run.report);
  run.verdict = verdict_of(*shared, end, run.report);
  run.stack = shared->stack;
  run.stray = shared->mark.stray;
  run.misuse = shared->mark.misuse;
  run.erred = shared->mark.erred;
  run.erred_at = shared->mark.erred_at;
  run.answered = shared->mark.answered;
  run.answered_at = shared->mark.answered_at;
  run.budget_ended_at = shared->mark.budget_ended_at;
  return run;
}

}  // namespace slabproof

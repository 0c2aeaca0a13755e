#include "properties/explore/explanation.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "model/process/isolated.hpp"
#include "properties/explore/counterexample.hpp"

namespace slabproof {
namespace {

std::vector<Transition> path_to(std::uint32_t state, const GrowingArray<Step>& steps) {
  std::vector<Transition> path;
  if (state == nowhere) return path;
  for (; steps[state].parent != nowhere; state = steps[state].parent)
    path.push_back(Transition::unpacked(steps[state].transition));
  std::reverse(path.begin(), path.end());
  return path;
}

StepKind step_kind_of(const Transition& transition) {
  switch (transition.sort) {
    case Transition::Sort::Operation: return transition.kind;
    case Transition::Sort::EndOfProgram: return StepKind::Phase::End;
    case Transition::Sort::EveryPointer: return OperationKind::Free;
  }
  return {};
}

/// For people: what is done in the last state.
std::string text_of(const World& world, const Transition& transition, const SearchReport& report) {
  if (transition.sort == Transition::Sort::EveryPointer)
    return "free of byte " + std::to_string(report.mark.stray - world.place(0)) + " from the first slab on";
  std::string text = facts_of(transition.kind).name;
  if (names_old_object(transition.kind))
    text += " of slot " + std::to_string(transition.argument % SmallState::max_slots) + " of slab " +
            std::to_string(transition.argument / SmallState::max_slots);
  if (parameter_of(transition.kind) == Parameter::ObjectCount) text += " " + std::to_string(transition.argument);
  if (transition.failing != 0)
    text += ", with backend call " + std::to_string(transition.failing) + " of those that may failing";
  if (Mishap::unpacked(report.mishap).is_any()) text += ", with a mishap in its middle";
  return text;
}

}  // namespace

void explain(Exploration& exploration, World& world, const GrowingArray<Step>& steps, const SearchReport& report) {
  const Transition last = Transition::unpacked(report.transition);
  std::uintptr_t stray = 0;
  if (last.sort == Transition::Sort::EveryPointer)
    stray = exploration.found.kind == Verdict::Kind::Violated ? report.stray : report.mark.stray;
  exploration.state = report.accepted_state.get();
  if (!exploration.state.empty()) {
    exploration.found.operation = step_kind_of(last);
    exploration.operation = text_of(world, last, report);
    return;
  }
  const std::vector<Transition> path = path_to(report.state, steps);
  exploration.found.step = static_cast<std::uint32_t>(path.size());
  exploration.found.operation = report.state == nowhere ? StepKind{StepKind::Phase::Start} : step_kind_of(last);
  const std::vector<Program> programs = programs_of(world, path, last, stray, Mishap::unpacked(report.mishap));
  if (!programs.empty()) exploration.program = programs.front();
  for (const Program& program : programs) {
    IsolatedRun run = run_isolated(world.runner(), program, {.timeout_seconds = 3, .brief = true, .after_step = {}});
    if (run.verdict.agreed()) continue;
    run = run_isolated(world.runner(), program);
    exploration.program = program;
    exploration.verdict = run.verdict;
    exploration.report = run.report;
    return;
  }
}

}  // namespace slabproof

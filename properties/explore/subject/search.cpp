#include "properties/explore/subject/search.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "model/process/cannot_judge.hpp"
#include "model/program/random_bytes.hpp"

namespace slabproof {

SubjectSearch::SubjectSearch(SubjectWorld& world, GrowingArray<Step>& steps, SubjectReport& report, Comparing comparing)
    : world_{world},
      steps_of_states_{steps},
      report_{report},
      counts_{report.counts},
      comparing_{comparing},
      visited_{steps} {}

void SubjectSearch::run() {
  world_.check_from(0);
  (void)world_.start();
  if (world_.runner().violated()) return (void)judge();
  if (!world_.is_within_bounds())
    cannot_judge("when it is made it takes " + std::to_string(world_.memory_taken()) + " bytes, more than --memory");
  const Hash128 hash = world_.hash();
  (void)world_.runner().finish();
  if (!judge()) return;
  remember(nowhere, {}, hash);
  std::vector<std::uint32_t> level;
  std::vector<Refusable> due;
  // A refusal is an operation of its own, so a step with one is due when the programs are longer by that.
  for (std::uint32_t length = 0;; ++length) {
    level.clear();
    std::swap(level, next_);
    due.clear();
    std::swap(due, refusables_);
    if (level.empty() && due.empty()) return;
    if (!level.empty()) counts_.depth = length;
    for (std::size_t i = 0; i < level.size() && !over(); ++i) expand(level[i]);
    refuse(due);
    if (over()) return;
    counts_.longest = length + 1;
  }
}

void SubjectSearch::expand(std::uint32_t state) {
  if (!arrive(state)) return;
  world_.list_steps(steps_);
  for (std::size_t i = 0; i < steps_.size() && !over(); ++i) try_step(state, steps_[i]);
}

void SubjectSearch::refuse(const std::vector<Refusable>& refusables) {
  std::uint32_t there = nowhere;
  for (const Refusable& refusable : refusables) {
    if (over() || (refusable.state != there && !arrive(refusable.state))) return;
    there = refusable.state;
    SubjectStep step = refusable.step;
    for (std::uint32_t request = 1; request <= refusable.requests && !over(); ++request) {
      step.refused = static_cast<std::uint8_t>(request);
      try_step(refusable.state, step);
    }
  }
}

/// Makes the state's program prefix_, and sees that it leads there again.
bool SubjectSearch::arrive(std::uint32_t state) {
  if (!run_path(state) || world_.hash() != visited_.hash(state)) return see(SeenElsewhere::NotTheSame), false;
  const auto taken = world_.taken();
  prefix_.assign(taken.begin(), taken.end());
  return true;
}

bool SubjectSearch::run_path(std::uint32_t state) {
  path_.clear();
  for (; steps_of_states_[state].parent != nowhere; state = steps_of_states_[state].parent)
    path_.push_back(SubjectStep::unpacked(steps_of_states_[state].transition));
  std::reverse(path_.begin(), path_.end());
  world_.check_from(no_step);
  return world_.start() &&
         std::all_of(path_.begin(), path_.end(), [this](SubjectStep step) { return world_.take(step); });
}

void SubjectSearch::try_step(std::uint32_t state, const SubjectStep& step) {
  if (report_.stop) return void(report_.outcome = SubjectOutcome::Stopped);
  ++counts_.transitions;
  counts_.refused += step.refused != 0;
  world_.check_from(prefix_.size() + step.operations() - 1);
  if (!world_.start() || !world_.follow(prefix_)) return see(SeenElsewhere::NotTheSame);
  (void)world_.take(step);
  const std::uint32_t requests = std::min(world_.requests(), SubjectWorld::most_refused);
  const bool goes_on = !world_.runner().violated() && !world_.is_last(step);
  if (goes_on && world_.find_outside()) return see(SeenElsewhere::ObjectOutside);
  const bool is_within = goes_on && world_.is_within_bounds();
  const Hash128 hash = is_within ? world_.hash() : Hash128{};
  const auto live = static_cast<std::uint32_t>(world_.runner().reference().live().size());
  if (!world_.runner().violated()) (void)world_.runner().finish();
  if (!judge()) return;
  if (goes_on && requests > 0 && !step.refused) refusables_.push_back({state, step, requests});
  counts_.beyond += goes_on && !is_within;
  if (!is_within) return;
  counts_.live = std::max(counts_.live, live);
  remember(state, step, hash);
}

bool SubjectSearch::judge() {
  if (!world_.runner().violated()) return true;
  report_.outcome = SubjectOutcome::Failed;
  report_.violation.set(world_.runner().verdict().violation);
  return false;
}

void SubjectSearch::remember(std::uint32_t state, const SubjectStep& step, const Hash128& hash) {
  if (visited_.insert(hash, {state, step.packed()})) {
    next_.push_back(visited_.size() - 1);
    counts_.states = visited_.size();
    return;
  }
  if (visited_.full()) return void(report_.outcome = SubjectOutcome::AtLimit);
  const bool is_due = counts_.merges < compared_at_first || counts_.merges % compared_then_of == 0;
  ++counts_.merges;
  if (is_due && comparing_ == Comparing::Yes) compare(visited_.index_of(hash));
}

/// The program that has just been taken and that of `other` have left the same bytes. What follows must be the same.
void SubjectSearch::compare(std::uint32_t other) {
  report_.is_comparing = true;
  const auto taken = world_.taken();
  carried_.assign(taken.begin(), taken.end());
  const std::uint64_t seed = counts_.compared++;
  world_.check_from(no_step);
  if (!world_.start() || !world_.follow(carried_)) return see(SeenElsewhere::NotTheSame);
  const std::vector<Hash128> here = go_on(seed);
  if (!run_path(other)) return see(SeenElsewhere::NotTheSame);
  if (go_on(seed) != here) return see(SeenElsewhere::GoesOnOtherwise);
  report_.is_comparing = false;
}

/// The states that some steps lead to. One that violates something, which the search is about to find, ends them.
std::vector<Hash128> SubjectSearch::go_on(std::uint64_t seed) {
  SplitMix random{seed};
  std::vector<Hash128> states;
  std::vector<SubjectStep> steps;
  for (std::uint64_t i = 0; i < steps_of_comparison; ++i) {
    world_.list_steps(steps);
    std::erase_if(steps, [this](const SubjectStep& step) { return world_.is_last(step); });
    if (steps.empty()) break;
    SubjectStep step = steps[random.below(steps.size())];
    step.refused = random.below(4) == 0 && world_.runner().language().has(OperationKind::Fail);
    if (!world_.take(step)) {
      const Violation violation = world_.runner().verdict().violation;
      states.push_back({static_cast<std::uint64_t>(violation.invariant), static_cast<std::uint64_t>(violation.cause)});
      break;
    }
    if (!world_.is_within_bounds()) break;
    states.push_back(world_.hash());
  }
  return states;
}

void SubjectSearch::see(SeenElsewhere how) {
  report_.outcome = SubjectOutcome::Elsewhere;
  report_.elsewhere = how;
}

}  // namespace slabproof

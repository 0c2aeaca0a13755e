#include "model/judge/runner.hpp"

#include <algorithm>

#include "model/program/decoder.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {

Runner::Runner(MakeSubject make, std::uintptr_t arena_base, const Language& language)
    : make_{make},
      language_{language},
      arena_{arena_base},
      backends_{RecordingBackend{arena_, 0, judgement_, log_, context_, *this},
                RecordingBackend{arena_, 1, judgement_, log_, context_, *this}} {}

Verdict Runner::run(const Program& program) {
  bool going = start(program.setup);
  for (std::size_t i = 0; going && i < program.operations.size(); ++i) going = step(program.operations[i]);
  if (going) finish();
  return verdict();
}

Verdict Runner::run(std::span<const std::uint8_t> bytes) {
  Decoder decoder{bytes.data(), bytes.size(), language_};
  bool going = start(decoder.setup());
  for (Operation operation; going && decoder.next(operation);) going = step(operation);
  if (going) finish();
  return verdict();
}

Verdict Runner::verdict() const {
  Verdict verdict;
  verdict.step = step_;
  verdict.operation = step_kind_;
  if (judgement_.violation()) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.violation = *judgement_.violation();
  }
  return verdict;
}

bool Runner::start(const Setup& setup) {
  // Subjects of an earlier run are abandoned, not destroyed: they may be in any state.
  setup_ = setup;
  judgement_.reset();
  log_ = {};
  reference_.reset();
  for (std::uint64_t& incarnation : incarnations_) incarnation = ++last_incarnation_;
  live_.clear();
  made_.clear();
  stray_writes_.clear();
  touched_.clear();
  step_ = 0;
  budget_ = allowed_;
  budget_ended_at_ = no_step;
  if (mark_) mark_->budget_ended_at = no_step;
  calls_since_audit_ = 0;
  previous_ = OperationKind::Alloc;
  context_ = {};
  report_observer = nullptr;
  answering_ = Answering::No;
  is_over_ = false;
  for (bool& may_fail : may_fail_to_construct_) may_fail = false;
  for (std::uint8_t i = 0; i < setup.backend_count; ++i) backends_[i].reset(setup.backends[i]);
  mark(StepKind::Phase::Start);
  for (std::uint8_t i = 0; i < setup.cache_count && !violated(); ++i) construct(i);
  return !violated();
}

bool Runner::step(const Operation& operation) {
  if (is_over_) return false;
  mark(operation.kind);
  if (execute(operation)) {
    ++operations_;
    count_state(operation.kind, context_.cache_index);
  }
  if (is_strict() && may_spend(cost_of_check())) {
    check();
  } else if ((step_ + 1) % deep_check_period == 0) {
    check_contents();
    for (std::uint8_t i = 0; i < setup_.cache_count; ++i) check_audit(i);
  }
  if (violated() || is_over_) return false;
  ++step_;
  return true;
}

bool Runner::finish() {
  if (is_over_) return false;
  mark(StepKind::Phase::End);
  for (std::uint8_t i = 0; i < setup_.backend_count; ++i) backends_[i].recover();
  for (int& armed : armed_answer_) armed = -1;  // it might free what is about to be freed
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) check_audit(i);
  std::vector<std::uint32_t> left = live_;  // the contents of each are checked before it is freed
  std::sort(left.begin(), left.end());
  for (std::size_t i = 0; i < left.size() && !violated(); ++i) {
    const Abilities& abilities = subjects_[objects_[left[i]].cache]->abilities();
    if (abilities.resets && abilities.owns_live_objects && left[i] % 2 == 1) continue;  // which reset() ended so far
    free_object(left[i]);
    if (is_strict() && may_spend(cost_of_check())) check();
  }
  for (std::uint8_t i = 0; i < setup_.cache_count && !violated(); ++i) {
    check_audit(i);
    destroy(i);
  }
  check_returned();
  return !violated();
}

void Runner::mark(StepKind kind) {
  step_kind_ = kind;
  erred_ = {};
  damaged_ = {};
  found_.clear();
  due_change_ = {};
  answered_ = {};
  expect({});
  if (mark_) mark_->set_step(step_, kind);
}

void Runner::begin(OperationKind kind, std::uint8_t cache) {
  context_ = {.cache = &models_[cache],
              .calls_of_row = calls_of(models_[cache].spec.row()),
              .cache_index = cache,
              .operation = kind};
  report_log.clear();
}

// After a call, nobody may call the backend.
void Runner::close() {
  RecordingBackend& backend = backend_of(context_.cache_index);
  for (const std::uintptr_t base : made_)
    if (SlabRecord* slab = backend.find(base)) slab->fresh = false;
  made_.clear();
  context_.cache = nullptr;
  context_.freed = 0;
}

// Postconditions of a call.
void Runner::end() {
  const std::uint8_t cache = context_.cache_index;
  close();
  if (violated()) return;
  check_reports();
  judge_statements(cache);
  if (models_[cache].slabs() <= deep_check_period || step_ % deep_check_period == 0 || is_strict())
    check_statistics(cache);
}

void Runner::count_state(OperationKind kind, std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  const auto bucket = [](std::size_t count) { return count < 3 ? count : 3; };
  const slab::CacheStatistics slabs = model.statistics();
  std::size_t state = static_cast<std::size_t>(kind) * operation_kinds + static_cast<std::size_t>(previous_);
  state = state * 2 + (is_refused());
  state = (state * 4 + bucket(slabs.full_slabs)) * 4 + bucket(slabs.partial_slabs);
  state = (state * 4 + bucket(slabs.empty_slabs)) * 4 + bucket(model.layout.objects_per_slab - 1);
  states_ += !seen_states_[state];
  seen_states_.set(state);
  previous_ = kind;
}

}  // namespace slabproof

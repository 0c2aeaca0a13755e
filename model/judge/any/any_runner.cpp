#include "model/judge/any/any_runner.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "model/judge/any/refusal.hpp"
#include "model/memory/address.hpp"
#include "model/program/decoder.hpp"

namespace slabproof {

AnyRunner::AnyRunner(MakeSubject make, std::uintptr_t arena_base, const Language& language, const Arena::Room& room)
    : make_{make},
      language_{language},
      arena_{arena_base, room},
      backends_{RecordingBackend{arena_, 0, judgement_, log_, context_, *this},
                RecordingBackend{arena_, 1, judgement_, log_, context_, *this}} {}

Verdict AnyRunner::run(const Program& program) {
  bool going = start(program.setup);
  for (std::size_t i = 0; going && i < program.operations.size(); ++i) going = step(program.operations[i]);
  if (going) finish();
  return verdict();
}

Verdict AnyRunner::run(std::span<const std::uint8_t> bytes) {
  Decoder decoder{bytes.data(), bytes.size(), language_};
  bool going = start(decoder.setup());
  for (Operation operation; going && decoder.next(operation);) going = step(operation);
  if (going) finish();
  return verdict();
}

Verdict AnyRunner::verdict() const {
  Verdict verdict;
  verdict.step = step_;
  verdict.operation = step_kind_;
  if (judgement_.violation()) {
    verdict.kind = Verdict::Kind::Violated;
    verdict.violation = *judgement_.violation();
  }
  return verdict;
}

bool AnyRunner::start(const Setup& setup) {
  // Subjects of an earlier run are abandoned, not destroyed: they may be in any state.
  setup_ = setup;
  judgement_.reset();
  log_ = {};
  reference_.reset();
  rejected_ = {};
  for (std::uint64_t& incarnation : incarnations_) incarnation = ++last_incarnation_;
  live_.clear();
  step_ = 0;
  budget_ = allowed_;
  budget_ended_at_ = no_step;
  if (mark_) mark_->budget_ended_at = no_step;
  previous_ = OperationKind::Alloc;
  context_ = {};
  is_over_ = false;
  for (bool& may_fail : may_fail_to_construct_) may_fail = false;
  for (std::uint8_t i = 0; i < setup.backend_count; ++i) backends_[i].reset(setup.backends[i]);
  mark(StepKind::Phase::Start);
  for (std::uint8_t i = 0; i < setup.cache_count && !violated(); ++i) construct(i);
  return !violated();
}

bool AnyRunner::step(const Operation& operation) {
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

bool AnyRunner::finish() {
  if (is_over_) return false;
  mark(StepKind::Phase::End);
  for (std::uint8_t i = 0; i < setup_.backend_count; ++i) backends_[i].recover();
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

void AnyRunner::mark(StepKind kind) {
  step_kind_ = kind;
  expect({});
  if (mark_) mark_->set_step(step_, kind);
}

void AnyRunner::begin(OperationKind kind, std::uint8_t cache) {
  context_ = {.is_under_way = true, .cache_index = cache, .operation = kind};
}

// After a call, nobody may call the backend.
void AnyRunner::close() {
  context_.is_under_way = false;
  context_.freed = 0;
}

// Postconditions of a call.
void AnyRunner::end() {
  close();
  if (!violated()) judge_statements(context_.cache_index);
}

void AnyRunner::on_refusal(Invariant invariant) {
  if (!context_.is_under_way || context_.constructing) return;
  expect({invariant, Cause::ServedAfterFailure, "null after a backend call failed"});
}

void AnyRunner::count_state(OperationKind kind, std::uint8_t cache) {
  std::size_t state = static_cast<std::size_t>(kind) * operation_kinds + static_cast<std::size_t>(previous_);
  state = state * 2 + is_refused();
  state = state * shapes_of_state + shape_of_state(cache);
  states_ += !seen_states_[state];
  seen_states_.set(state);
  previous_ = kind;
}

void AnyRunner::construct(std::uint8_t cache) {
  populations_[cache] = {};
  begin(OperationKind::Alloc, cache);
  context_.constructing = true;
  expect({Invariant::B17, Cause::CalledBackend, "no backend call during construction"});
  void* const storage = pointer(arena_.cache(cache));
  std::memset(storage, 0xA5, arena_.cache_bytes());
  context_.may_fail_to_construct = may_fail_to_construct_[cache];
  subjects_[cache] = make_(storage, setup_.caches[cache], backend_of(cache));
  if (!subjects_[cache] && !construct_again(cache)) return;
  may_fail_to_construct_[cache] = subjects_[cache]->abilities().may_fail_to_construct;
  misuses_[cache] = subjects_[cache]->misuses();
  context_.constructing = false;
  judge_construction(cache);
  end();
}

bool AnyRunner::execute(const Operation& operation) {
  const std::uint8_t cache = operation.target;
  switch (operation.kind) {
    case OperationKind::Alloc:
    case OperationKind::Allocate: return allocate_any(operation), true;
    case OperationKind::AllocateZeroed: return can_be_zeroed(operation) && (allocate_any(operation), true);
    case OperationKind::Reallocate: return reallocate(operation);
    case OperationKind::UsableSize: return ask_usable_size(operation);
    case OperationKind::Free:
      if (state_of(object(operation.object)) != ObjectState::Live) return false;
      return free_object(operation.object), true;
    case OperationKind::FreeNull:
      if (!subjects_[cache]->abilities().frees_null) return false;
      begin(operation.kind, cache);
      expect({Invariant::M10, Cause::UnexpectedReport, "free of null to do nothing"});
      subjects_[cache]->free(nullptr);
      return end(), true;
    case OperationKind::Destroy:
      if (subjects_[cache]->abilities().resets && populations_[cache].live > 0) return reset(cache), true;
      if (!end_all_objects(cache)) return false;
      if (!violated()) destroy(cache);
      if (!violated()) construct(cache);
      return true;
    case OperationKind::Shrink: return subjects_[cache]->abilities().trims && (trim(cache), true);
    case OperationKind::Fail: return backends_[operation.target].fail(operation), true;
    case OperationKind::Recover: return backends_[operation.target].recover(), true;
    case OperationKind::DoubleFree:
    case OperationKind::FreeInterior:
    case OperationKind::FreeForeign: return free_wrongly(operation);
    case OperationKind::FreeWrongSize: return free_with_wrong_size(operation);
    default: return false;  // of subjects with rules of their own
  }
}

// The program has no live object of this name any more.
void AnyRunner::bury(Object& object) {
  object.state = ObjectState::Dead;
  objects_[live_.back()].live_index = object.live_index;
  live_[object.live_index] = live_.back();
  live_.pop_back();
}

void AnyRunner::free_object(std::uint32_t ordinal) {
  Object& freed = object(ordinal);
  const std::uint8_t cache = freed.cache;
  check_contents(ordinal);
  if (violated()) return;
  begin(OperationKind::Free, cache);
  context_.freed = freed.address;
  reference_.retire(freed.address);
  --populations_[cache].live;
  expect({Invariant::S3, Cause::WrongAllocatedCount, live_objects, populations_[cache].live});
  bury(freed);
  log_.done(OperationKind::Free, arena_.relative(freed.address), ordinal);
  const std::size_t blocks = backend_of(cache).memory_of(cache);
  {
    const Refusal refusal{*subjects_[cache], backend_of(cache)};
    if (is_special(ordinal) && subjects_[cache]->abilities().resizes_to_zero)
      free_by_resizing(cache, freed);
    else
      subjects_[cache]->free(pointer(freed.address), freed.asked, freed.align);
  }
  if (backend_of(cache).memory_of(cache) < blocks) populations_[cache].room = populations_[cache].live;
  end();
}

void AnyRunner::drop_live_objects(std::uint8_t cache) {
  std::erase_if(live_, [&](std::uint32_t ordinal) { return objects_[ordinal].cache == cache; });
  for (std::uint32_t i = 0; i < live_.size(); ++i) objects_[live_[i]].live_index = i;
}

void AnyRunner::destroy(std::uint8_t cache) {
  const bool keeps_memory = subjects_[cache]->abilities().keeps_memory;
  begin(OperationKind::Destroy, cache);
  check_contents(Look::AtAll);
  if (violated()) return;
  for (const std::uint32_t ordinal : live_)
    if (objects_[ordinal].cache == cache) reference_.retire(objects_[ordinal].address);
  drop_live_objects(cache);
  subjects_[cache]->~AnySubject();
  subjects_[cache] = nullptr;
  check_contents();
  if (violated()) return;
  log_.done(OperationKind::Destroy);
  if (const std::size_t blocks = backend_of(cache).memory_of(cache); blocks != 0 && !keeps_memory)
    return violate(Invariant::B18, Cause::MemoryKept, "all memory given back", std::to_string(blocks) + " blocks kept");
  incarnations_[cache] = ++last_incarnation_;
  close();
}

}  // namespace slabproof

// Calls of a cache that come in the middle of its work, or from its on_misuse: docs/policy.md says which are refused.
#include "model/judge/runner.hpp"

#include <string>
#include <utility>

#include "model/memory/address.hpp"

namespace slabproof {
namespace {

/// Makes the call, and says whether it was refused. `given` is the pointer that it frees.
bool is_refused(AnySubject& subject, ReentrantCall call, void*& given) {
  switch (call) {
    case ReentrantCall::Alloc: return subject.alloc() == nullptr;
    case ReentrantCall::AllocNoGrow: return subject.alloc_no_grow() == nullptr;
    case ReentrantCall::Reserve: return !subject.reserve(1);
    case ReentrantCall::Free: return subject.free(given = pointer(MisuseOracle::nowhere)), true;
    case ReentrantCall::Shrink: return subject.shrink() == 0;
  }
  return false;
}

}  // namespace

// M12: a call from a backend function.
void Runner::reenter(AnySubject& subject, slabproof::ReentrantCall call) {
  context_.reentering = true;
  const Expectation before = expect({Invariant::M12, Cause::WrongReport,
                                     "a call from a backend function refused and reported once as ReentrantCall"});
  const std::size_t reported = report_log.size();
  void* given = nullptr;
  const bool refused = slabproof::is_refused(subject, call, given);
  context_.reentering = false;
  if (violated()) return;
  if (report_log.size() != reported + 1 || report_log.back().kind != slab::Misuse::ReentrantCall ||
      report_log.back().pointer != given || report_log.back().cache != subject.identity() || !refused)
    return violate_expected(std::to_string(report_log.size() - reported) + " reports, " +
                            (refused ? "refused" : "served"));
  report_log.pop_back();
  expect(before);
}

bool Runner::arm_answer(const Operation& operation) {
  if (!subjects_[operation.target]->abilities().detects_misuse) return false;
  armed_answer_[operation.target] = operation.detail;
  report_observer = this;
  return true;
}

void Runner::on_report() {
  const slab::MisuseReport report = report_log.back();
  const bool is_of_damage = context_.cache && (report.kind == slab::Misuse::CorruptedSlabInfo ||
                                               report.kind == slab::Misuse::CorruptedFreeList);
  if (is_of_damage) note_found();
  if (violated()) return;
  if (answering_ != Answering::No) {
    if (answering_ != Answering::Refused && report.kind == slab::Misuse::ReentrantCall && !context_.reentering)
      violate(Invariant::M17, Cause::WrongReport, "a call from on_misuse served", "refused");
    return;
  }
  // What a damaged slab or a stray write that is still to be found does to that call is not predicted.
  for (std::uint8_t cache = 0; cache < setup_.cache_count; ++cache)
    if (armed_answer_[cache] >= 0 && models_[cache].damaged() == 0 && !has_stray_writes(cache) && subjects_[cache] &&
        subjects_[cache]->identity() == report.cache)
      answer(cache, report.kind);
  if (is_of_damage && makes_object(context_.operation)) expect_object(context_.cache_index);
}

// M17: on_misuse has been called, and calls the cache.
void Runner::answer(std::uint8_t cache, slab::Misuse reported) {
  const auto call = static_cast<slabproof::ReentrantCall>(std::exchange(armed_answer_[cache], -1));
  const bool is_at_work = reported == slab::Misuse::ReentrantCall || reported == slab::Misuse::LiveAtDestruction;
  answered_ = {.call = call, .cache = cache, .reported = reported, .is_made = true, .is_refused = is_at_work};
  if (mark_) {
    mark_->answered = answered_;
    mark_->answered_at = step_;
  }
  log_.called_from_on_misuse(call, reported, cache);
  const Expectation before = expect({Invariant::M17, Cause::AuditFailed, "audit() to hold when on_misuse is called"});
  if (const Invariant failed = audit_failure(cache); failed != Invariant::None)
    violate_expected("it fails with " + to_string(failed));
  for (const std::uintptr_t base : made_)
    if (!is_at_work && backend_of(cache).find(base))
      violate(Invariant::M17, Cause::SlabKeptAfterFailure, "the slabs made so far given back when on_misuse is called",
              "one is outstanding");
  answering_ = is_at_work ? Answering::Refused : Answering::Served;
  if (!violated()) is_at_work ? answer_in_vain(cache, reported, call) : serve_answer(cache, call);
  answering_ = Answering::No;
  if (!violated()) expect(before);
}

// The cache is at work: it refuses, and reports that where it was not a refusal that was reported.
void Runner::answer_in_vain(std::uint8_t cache, slab::Misuse reported, slabproof::ReentrantCall call) {
  const std::size_t reports = report_log.size(), due = reported == slab::Misuse::LiveAtDestruction ? 1 : 0;
  expect({Invariant::M17, Cause::WrongReport,
          due ? "a call from on_misuse refused, and reported once as ReentrantCall"
              : "a call from on_misuse refused without a report"});
  const bool was_reentering = std::exchange(context_.reentering, true);
  void* given = nullptr;
  const bool refused = slabproof::is_refused(*subjects_[cache], call, given);
  context_.reentering = was_reentering;
  if (violated()) return;
  const std::size_t more = report_log.size() - reports;
  const bool is_right =
      due == 0 || (report_log.back().kind == slab::Misuse::ReentrantCall && report_log.back().pointer == given &&
                   report_log.back().cache == subjects_[cache]->identity());
  if (!refused || more != due || !is_right)
    return violate_expected(std::to_string(more) + " reports, " + (refused ? "refused" : "served"));
  report_log.erase(report_log.begin() + static_cast<std::ptrdiff_t>(reports), report_log.end());
}

// The cache is at rest: the call is an operation like any other, in the middle of another one.
void Runner::serve_answer(std::uint8_t cache, slabproof::ReentrantCall call) {
  const CallContext interrupted = context_;
  const std::vector<slab::MisuseReport> reports = std::exchange(report_log, {});
  begin(OperationKind::Statistics, cache);
  close();
  check_statistics(cache, Invariant::M17);
  if (!violated()) switch (call) {
      case slabproof::ReentrantCall::Alloc:
      case slabproof::ReentrantCall::AllocNoGrow: {
        const bool grows = call == slabproof::ReentrantCall::Alloc;
        const std::uintptr_t object =
            allocate(grows ? OperationKind::Alloc : OperationKind::AllocNoGrow, cache, no_ordinal);
        answered_.is_successful = object != 0;
        if (object && !violated()) free_unnamed(cache, object);
        break;
      }
      case slabproof::ReentrantCall::Reserve: answered_.is_successful = reserve(cache, 1); break;
      case slabproof::ReentrantCall::Free:
        for (const std::uint32_t ordinal : live_)
          if (objects_[ordinal].cache == cache && ordinal < answered_.freed) answered_.freed = ordinal;
        if (mark_) mark_->answered = answered_;
        if (answered_.freed != no_ordinal) free_object(answered_.freed);
        break;
      case slabproof::ReentrantCall::Shrink: shrink(cache); break;
    }
  if (mark_) mark_->answered = answered_;
  context_ = interrupted;
  report_log = reports;
}

// An object that no program has a name for goes back.
void Runner::free_unnamed(std::uint8_t cache, std::uintptr_t object) {
  begin(OperationKind::Free, cache);
  context_.freed = object;
  retire(cache, object);
  expect({Invariant::S3, Cause::WrongAllocatedCount, live_objects, models_[cache].live_objects()});
  subjects_[cache]->free(pointer(object));
  judge_kept_slabs(cache);
  end();
}

}  // namespace slabproof

// How the calls are judged that a slab cache makes to its backend.
#include "model/judge/runner.hpp"

#include <algorithm>
#include <string>

namespace slabproof {

void Runner::on_backend_call(BackendCall call) {
  if (violated() || context_.constructing || context_.reentering || !context_.cache) return;
  if (context_.operation == OperationKind::Shrink || context_.operation == OperationKind::Destroy)
    leave_quarantine_until_released(context_.cache_index);
  // An audit in every call would take too long. Page calls come in rows, so only one in 16 counts; a call for a
  // SlabInfo comes right beside one for its slab and counts for nothing, nor does a look-up, which comes first in an
  // operation. Of more than 8 slabs every 17th call is audited, of very many every (slabs/8)th, so that the audits of
  // one reserve stay linear. The period is odd: a slab makes two calls that count, and both must have their turn.
  // Where every step is checked, so is each call, of a cache with at most 128 slabs.
  const auto is_due = [&] {
    if (is_strict() && context_.cache->slabs() <= 128 && may_spend(cost_of_audit(context_.cache_index))) return true;
    if (call == BackendCall::AllocSlabInfo || call == BackendCall::FreeSlabInfo) return false;
    const bool is_of_page = call == BackendCall::SaveSlabInfo || call == BackendCall::DeleteSlabInfo;
    if (is_of_page && context_.calls[static_cast<std::size_t>(call)] % deep_check_period != 1) return false;
    const std::size_t slabs = context_.cache->slabs();
    const bool each = slabs <= 8 && call != BackendCall::GetSlabInfo;
    return each || ++calls_since_audit_ >= (std::max<std::size_t>(deep_check_period, slabs / 8) | 1);
  };
  if (is_due()) {
    calls_since_audit_ = 0;
    const Expectation before = expect({Invariant::B16, Cause::AuditFailed, "audit() to hold inside a backend call"});
    if (const Invariant failed = audit_failure(context_.cache_index); failed == Invariant::M14)
      violate(Invariant::M14, Cause::DamageUnseen, "audit() to see the damaged SlabInfo",
              "it holds inside a backend call");
    else if (failed != Invariant::None && !is_told_of(context_.cache_index, failed))
      violate_expected("it fails with " + to_string(failed));
    expect(before);
  }
  if (int& armed = armed_reentry_[context_.cache_index]; armed >= 0) {
    if (unsigned& let_be = calls_let_be_[context_.cache_index]; let_be > 0) return void(--let_be);
    ++times_called_back_;
    const auto reentry = static_cast<slabproof::ReentrantCall>(armed);
    armed = -1;
    for (int times = 2; times > 0 && !violated(); --times)  // who refuses the first must not let in the second
      reenter(*subjects_[context_.cache_index], reentry);
  }
}

void Runner::on_slab_made(SlabRecord& slab) {
  models_[slab.cache].slab_made();
  made_.push_back(slab.base);
  touch(slab);
}

void Runner::on_refusal(Invariant invariant) {
  if (!has_slabs_) return AnyRunner::on_refusal(invariant);
  if (!context_.cache || context_.constructing || context_.reentering) return;
  const bool reserves = context_.operation == OperationKind::Reserve;
  if (context_.erred.reported != 0) note_error(context_.erred);
  expect({invariant, Cause::ServedAfterFailure,
          reserves ? "false after a backend call failed" : "null after a backend call failed"});
}

// Whether the operation under way may give back a slab of objects that were there before.
void Runner::judge_return(const CacheModel& model) {
  const OperationKind operation = context_.operation;
  if (operation == OperationKind::Shrink || operation == OperationKind::Destroy) return;
  if (operation != OperationKind::Free && operation != OperationKind::Reserve)
    return violate(Invariant::L6, Cause::WrongOperation,
                   "slabs given back by free, reserve, shrink and destruction only", "given back by another operation");
  const std::size_t kept = operation == OperationKind::Free
                               ? model.kept_slabs()
                               : std::max<std::size_t>(model.spec.empty_slabs_kept, model.slabs_for(context_.wanted));
  if (model.empty_slabs() <= kept)
    violate(Invariant::L6, Cause::EmptySlabReturned,
            "no slab given back while at most " + std::to_string(kept) + " are empty",
            std::to_string(model.empty_slabs()) + " empty");
}

void Runner::on_slab_released(SlabRecord& slab) {
  CacheModel& model = models_[slab.cache];
  const bool destroying = context_.operation == OperationKind::Destroy;
  if (slab.set_aside || (model.damaged() == slab.base && !model.is_healing()))
    violate(Invariant::M14, Cause::DamagedSlabReturned, "a damaged slab kept for good", "given back");
  if (slab.used != 0)
    violate(destroying ? Invariant::M9 : Invariant::G8, Cause::LiveObjectsReturned, "a slab with live objects kept",
            std::to_string(slab.used) + " live objects in a slab given back");
  if (slab.fresh) {
    if (!is_refused())
      violate(Invariant::L6, Cause::NewSlabReturned, "a new slab kept when nothing failed", "given back");
  } else {
    judge_return(model);
  }
  if (model.current() == slab.base && !slab.fresh && model.empty_slabs() > 1 &&
      subjects_[slab.cache]->abilities().follows_policy)
    violate(Invariant::L6, Cause::CurrentSlabReturned, "the current slab given back last",
            "given back before another empty one");
  model.slab_released(slab.base, slab.used);
  ++context_.released;
  std::erase_if(stray_writes_, [&](const StrayWrite& write) { return write.slot - slab.base < slab.size; });
}

}  // namespace slabproof

// The operations on a slab cache but allocations and misuse.
#include "model/judge/runner.hpp"

#include <string>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {

void Runner::construct(std::uint8_t cache) {
  models_[cache] = CacheModel{setup_.caches[cache]};
  armed_reentry_[cache] = armed_answer_[cache] = -1;
  calls_let_be_[cache] = 0;
  AnyRunner::construct(cache);
}

void Runner::judge_construction(std::uint8_t cache) {
  const Abilities& abilities = subjects_[cache]->abilities();
  has_slabs_ = abilities.layout;
  if (!abilities.has_guards) models_[cache].guards = {};
  const Layout& expected = models_[cache].layout;
  if (const Layout actual = subjects_[cache]->layout(); has_slabs_ && actual != expected) {
    const bool small = setup_.caches[cache].type == slab::ObjectSizeType::Small;
    if (actual.stride != expected.stride)
      violate(Invariant::G6, Cause::WrongStride, "stride " + std::to_string(expected.stride),
              std::to_string(actual.stride));
    if (actual.objects_per_slab == 0) violate(Invariant::G5, Cause::NoObjects, "at least one object a slab", "none");
    violate(small ? Invariant::G3 : Invariant::G4, Cause::WrongCapacity,
            std::to_string(expected.objects_per_slab) + " objects a slab, SlabInfo of " +
                std::to_string(expected.slab_info_size) + " bytes",
            std::to_string(actual.objects_per_slab) + ", " + std::to_string(actual.slab_info_size));
  }
}

bool Runner::execute(const Operation& operation) {
  if (!has_slabs_) return AnyRunner::execute(operation);
  const std::uint8_t cache = operation.target;
  switch (operation.kind) {
    case OperationKind::Alloc: return allocate(operation.kind, cache, operation.object), true;
    case OperationKind::AllocNoGrow:
      if (!subjects_[cache]->abilities().no_grow) return false;
      return allocate(operation.kind, cache, operation.object), true;
    case OperationKind::Free:
      if (state_of(object(operation.object)) != ObjectState::Live) return false;
      if (!free_in_vain(operation.object)) free_object(operation.object);
      return true;
    case OperationKind::FreeNull:
      begin(operation.kind, cache);
      expect({Invariant::M10, Cause::UnexpectedReport, "free of null to do nothing"});
      subjects_[cache]->free(nullptr);
      if (!report_log.empty()) violate_expected("a misuse report");
      return end(), true;
    case OperationKind::Reserve:
      if (!subjects_[cache]->abilities().reserve) return false;
      return reserve(cache, operation.argument == reserve_everything ? ~std::size_t{0} : operation.argument), true;
    case OperationKind::Shrink:
      if (!subjects_[cache]->abilities().shrink) return false;
      return shrink(cache), true;
    case OperationKind::Fault:
      for (std::uint8_t i = 0; i < setup_.cache_count; ++i)
        if (setup_.caches[i].backend == cache && subjects_[i]->abilities().detects_misuse)
          return backends_[cache].err(operation), true;
      return false;
    case OperationKind::WriteBehind:
    case OperationKind::WriteFreed: return write_astray(operation);
    case OperationKind::Reenter:
      if (!subjects_[cache]->abilities().detects_misuse) return false;
      armed_reentry_[cache] = operation.detail;
      return true;
    case OperationKind::CallOnMisuse: return arm_answer(operation);
    case OperationKind::DoubleFree:
    case OperationKind::FreeInterior:
    case OperationKind::FreeForeign:
    case OperationKind::FreeSlabInfo:
    case OperationKind::FreeTailWaste:
    case OperationKind::FreeThroughOther:
    case OperationKind::FreeNeverAllocated:
    case OperationKind::CorruptLink: return misuse(operation);
    case OperationKind::DamageInfo: return damage_info(operation);
    case OperationKind::Statistics:
      if (!subjects_[cache]->abilities().statistics) return false;
      begin(operation.kind, cache);
      close();  // the backend is asked nothing
      check_statistics(cache);
      check_reports();
      log_.done(operation.kind, models_[cache].live_objects());
      return true;
    case OperationKind::Destroy:
    case OperationKind::Fail:
    case OperationKind::Recover:
    case OperationKind::Allocate:
    case OperationKind::AllocateZeroed:
    case OperationKind::Reallocate:
    case OperationKind::UsableSize:
    case OperationKind::FreeWrongSize: break;
  }
  return AnyRunner::execute(operation);
}

// The object at `address` is about to be freed.
void Runner::retire(std::uint8_t cache, std::uintptr_t address) {
  reference_.retire(address);
  SlabRecord& slab = *backend_of(cache).find(address);
  CacheModel& model = models_[cache];
  touch(slab);
  if (model.guards.quarantine_objects != 0) {
    model.quarantine({address, slab.base});
    if (model.quarantine().size() > model.guards.quarantine_objects) (void)let_leave_quarantine(cache);
    return;
  }
  model.used_changed(slab.base, slab.used, slab.used - 1);
  --slab.used;
}

void Runner::free_object(std::uint32_t ordinal) {
  if (!has_slabs_) return AnyRunner::free_object(ordinal);
  Object& freed = object(ordinal);
  const std::uint8_t cache = freed.cache;
  CacheModel& model = models_[cache];
  check_contents(ordinal);
  if (!stray_writes_.empty()) free_written(cache, freed.address);
  if (violated()) return;
  SlabRecord* slab = backend_of(cache).find(freed.address);
  if (slab->set_aside) return free_set_aside(ordinal);
  begin(OperationKind::Free, cache);
  context_.freed = freed.address;
  const bool meets_damage =
      slab->base == model.damaged() && model.meets_damage(slab->used, model.guards.quarantine_objects != 0);
  if (meets_damage) {
    reference_.retire(freed.address);
    expect({Invariant::M14, Cause::DamageUnseen, "one report of CorruptedSlabInfo"});
  } else {
    retire(cache, freed.address);
    expect({Invariant::S3, Cause::WrongAllocatedCount, live_objects, model.live_objects()});
  }
  // The one that must leave for it is in a damaged slab.
  const bool other_meets_damage = !meets_damage && model.quarantine().size() > model.guards.quarantine_objects;
  if (other_meets_damage) expect({Invariant::M14, Cause::DamageUnseen, "one report of CorruptedSlabInfo"});
  bury(freed);
  log_.done(OperationKind::Free, arena_.relative(freed.address), ordinal);
  subjects_[cache]->free(pointer(freed.address), freed.asked);
  if (meets_damage) {
    judge_found(cache);
    if (violated()) return;
    --slab->used;  // of which the cache knows nothing
    return end();
  }
  if (other_meets_damage) judge_found(cache);
  heal(cache);
  slab = backend_of(cache).find(freed.address);
  const bool kept = slab && slab->generation == freed.generation && !slab->set_aside;
  if (kept && subjects_[cache]->abilities().poisons &&
      find_open(freed.address, freed.address + model.layout.stride) != freed.address + model.layout.stride)
    violate(Invariant::M11, Cause::FreedObjectOpen, "a freed object that may not be used", "it is open");
  judge_kept_slabs(cache);
  end();
}

// L6, after what may have left a slab too many.
void Runner::judge_kept_slabs(std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  if (model.empty_slabs() > model.kept_slabs() && subjects_[cache]->abilities().follows_policy)
    violate(Invariant::L6, Cause::EmptySlabKept, "at most " + std::to_string(model.kept_slabs()) + " empty slabs kept",
            std::to_string(model.empty_slabs()));
}

bool Runner::reserve(std::uint8_t cache, std::size_t n) {
  CacheModel& model = models_[cache];
  const bool is_impossible = model.missing_slabs(n) > ~std::size_t{0} / model.spec.slab_size - model.slabs();
  begin(OperationKind::Reserve, cache);
  context_.may_err = subjects_[cache]->abilities().detects_misuse && answering_ == Answering::No;
  context_.wanted = n;
  expect({Invariant::B20, Cause::TooFewFreeObjects, "% free objects after a true reserve", n,
          n == ~std::size_t{0} ? "SIZE_MAX" : nullptr});
  const bool reserved = subjects_[cache]->reserve(n);
  log_.done(OperationKind::Reserve, n, reserved);
  if (context_.calls[static_cast<std::size_t>(BackendCall::AllocSlab)] > 0 && !context_.is_asked &&
      subjects_[cache]->abilities().follows_policy)
    violate(Invariant::B20, Cause::NotAsked, "can_make_slabs asked before the first alloc_slab", "not asked");
  if (reserved) {
    if (is_refused()) violate_expected("true");
    if (model.free_objects() < n) violate_expected(std::to_string(model.free_objects()));
    model.reserved_slabs = model.slabs_for(n);
    judge_kept_slabs(cache);
  } else {
    if (!is_refused() && !is_impossible)
      violate(Invariant::B20, Cause::RefusedWithoutFailure, "false only when a backend call failed", "false");
    if (is_impossible && context_.calls[static_cast<std::size_t>(BackendCall::AllocSlab)] > 0 &&
        subjects_[cache]->abilities().follows_policy)
      violate(Invariant::B20, Cause::CalledBackend, "false at once for more slabs than there are addresses",
              "a call for a slab");
    check_given_back();
  }
  end();
  return reserved;
}

void Runner::shrink(std::uint8_t cache) {
  CacheModel& model = models_[cache];
  std::size_t empty = empty_after_quarantine(cache);
  const std::size_t found = found_.size();
  const SlabRecord* damaged = backend_of(cache).find(model.damaged());
  const bool counts_damaged = damaged && damaged->used == model.quarantined_in(damaged->base);
  begin(OperationKind::Shrink, cache);
  expect({Invariant::L7, Cause::WrongCount, "shrink to return %", empty});
  // It forgets reserve() before it gives slabs back, and may report then; with a quarantine that is let go first.
  if (model.quarantine().empty()) model.reserved_slabs = 0;
  const std::size_t returned = subjects_[cache]->shrink();
  log_.done(OperationKind::Shrink, returned);
  while (!model.quarantine().empty()) leave_quarantine(cache);
  damaged = backend_of(cache).find(model.damaged());
  if (damaged && damaged->used == 0) judge_found(cache);
  if (model.empty_slabs() != 0)
    violate(Invariant::L7, Cause::EmptySlabKept, "no empty slab left", std::to_string(model.empty_slabs()));
  if (was_answered())
    empty = context_.released;  // but for what on_misuse made, or had given back
  else if (found_.size() > found && counts_damaged)
    --empty;  // it was set aside instead, empty or before it became so
  expect({Invariant::L7, Cause::WrongCount, "shrink to return %", empty});
  if (returned != empty) violate_expected(std::to_string(returned));
  model.reserved_slabs = 0;
  end();
}

void Runner::destroy(std::uint8_t cache) {
  if (!has_slabs_) return AnyRunner::destroy(cache);
  CacheModel& model = models_[cache];
  RecordingBackend& backend = backend_of(cache);
  const bool checks = subjects_[cache]->abilities().detects_misuse;
  const void* const identity = subjects_[cache]->identity();
  begin(OperationKind::Destroy, cache);
  Expectation reports = {Invariant::M9, Cause::WrongReportCount, "% reports of live objects",
                         checks ? model.live_objects() : 0};
  expect(reports);
  subjects_[cache]->~AnySubject();  // live objects live on, in slabs that stay with them
  subjects_[cache] = nullptr;
  while (!model.quarantine().empty()) leave_quarantine(cache);
  check_contents();
  if (violated()) return;
  judge_found(cache);
  if (violated()) return;
  const std::size_t live = model.live_objects();  // but those that were set aside
  reports.number = checks ? live : 0;
  expect(reports);
  // Each live object is reported once (M9).
  std::size_t reported = 0;
  for (const slab::MisuseReport& report : report_log) {
    const LiveRange* range = reference_.find(address(report.pointer));
    if (report.kind != slab::Misuse::LiveAtDestruction || report.cache != identity || !range ||
        range->begin != address(report.pointer) || range->cache != cache ||
        state_of(object(range->ordinal)) == ObjectState::Absent)
      return violate(Invariant::M9, Cause::WrongReport, "a report for each live object", "another report");
    judge_callers(cache, report, Invariant::M9);
    object(range->ordinal).state = ObjectState::Absent;
    ++reported;
  }
  if (reported != reports.number) return violate_expected(std::to_string(reported));
  log_.done(OperationKind::Destroy, reported);
  report_log.clear();
  if (model.empty_slabs() != 0)
    return violate(live ? Invariant::M9 : Invariant::B18, Cause::EmptySlabKept, "every empty slab given back",
                   std::to_string(model.empty_slabs()) + " kept");
  if (model.spec.row() == slab::Row::Large && backend.infos_of(cache) != model.slabs() + model.set_aside_slabs())
    return violate(Invariant::B14, Cause::WrongSlabInfoCount,
                   std::to_string(model.slabs() + model.set_aside_slabs()) + " SlabInfos left",
                   std::to_string(backend.infos_of(cache)));
  incarnations_[cache] = ++last_incarnation_;
  std::erase_if(stray_writes_, [cache](const StrayWrite& write) { return write.cache == cache; });
  drop_live_objects(cache);
  for (SlabRecord* const slab : backend.slabs())
    if (slab->cache == cache && !slab->abandoned) backend.abandon(*slab);
  context_.cache = nullptr;
  context_.is_under_way = false;
}

}  // namespace slabproof

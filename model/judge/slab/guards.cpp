// What the policies with guards add (docs/policy.md, "Debug"): the quarantine, what objects hold, stray writes.
#include "model/judge/runner.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {
namespace {

// Where nobody may write; here the harness does, on purpose.
SLABPROOF_NOT_SANITIZED void poke(std::uintptr_t at, std::uint8_t value) {
  *reinterpret_cast<volatile std::uint8_t*>(at) = value;
}

}  // namespace

// The oldest object in quarantine is about to be among the free ones, or already is. False: its slab is damaged, which
// the cache must find first.
bool Runner::let_leave_quarantine(std::uint8_t cache) {
  CacheModel& model = models_[cache];
  SlabRecord& slab = *backend_of(cache).find(model.quarantine().front().slab);
  if (model.meets_damage_in_quarantine(slab.used)) return false;
  (void)model.leave_quarantine();
  model.used_changed(slab.base, slab.used, slab.used - 1);
  --slab.used;
  return true;
}

// The same, after the cache has let it leave.
void Runner::leave_quarantine(std::uint8_t cache) {
  if (let_leave_quarantine(cache)) return heal(cache);
  judge_found(cache);
  (void)models_[cache].leave_quarantine();
}

// shrink() and the destructor let objects leave one by one, and give a slab back as soon as one too many is empty. A
// slab is going back: those have left that must have.
void Runner::leave_quarantine_until_released(std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  while (!model.quarantine().empty() && model.empty_slabs() <= model.kept_slabs()) leave_quarantine(cache);
}

// How many slabs are empty once all objects have left.
std::size_t Runner::empty_after_quarantine(std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  std::size_t empty = model.empty_slabs();
  if (model.quarantine().empty()) return empty;
  for (const SlabRecord* const slab : backend_of(cache).slabs())
    if (slab->cache == cache && !slab->abandoned && slab->used > 0)
      empty += model.quarantined_in(slab->base) == slab->used;
  return empty;
}

// An object is handed out: L13, M16 and G14.
void Runner::judge_guards(std::uint8_t cache, std::uintptr_t object, bool was_handed_out, const Source& source) {
  CacheModel& model = models_[cache];
  if (source.object != 0) {
    if (object != source.object) return violate_expected("another one");
    model.leave_quarantine();
  } else if (model.is_quarantined(object)) {
    return violate(Invariant::L13, Cause::InQuarantine, "an object that is not in quarantine while others are free",
                   "one that is");
  }
  const Change change = change_of(object, model.guards.pattern());
  if (change.size != 0) due_change_ = change, judge_write_after_free(cache, object);
  if (violated() || model.guards.zero == slab::Zero::Never) return;
  if (model.guards.zero == slab::Zero::OnFree && (!was_handed_out || change.size != 0)) return;
  const auto* const bytes = static_cast<const std::uint8_t*>(pointer(object));
  for (std::size_t i = 0; i < model.spec.object_size; ++i)
    if (bytes[i] != 0)
      return violate(Invariant::G14, Cause::WrongContents, "an object of zeros",
                     std::to_string(bytes[i]) + " at offset " + std::to_string(i));
}

// The report says who had the slot if callers are tracked, and of nobody else.
void Runner::judge_callers(std::uint8_t cache, const slab::MisuseReport& report, Invariant invariant) {
  const bool tracks = models_[cache].guards.track_callers;
  const bool is_freed = report.kind == slab::Misuse::DoubleFree || report.kind == slab::Misuse::WriteAfterFree;
  const bool is_live = report.kind == slab::Misuse::LiveAtDestruction || report.kind == slab::Misuse::WriteBeyondObject;
  if ((report.allocated_by != nullptr) == (tracks && (is_freed || is_live)) &&
      ((tracks && is_live) || (report.freed_by != nullptr) == (tracks && is_freed)))
    return;
  violate(invariant, Cause::WrongCallers, tracks ? "who allocated and who freed the slot" : "nobody who had the slot",
          "another report");
}

// A byte behind a live object, or one of a freed slot.
bool Runner::write_astray(const Operation& operation) {
  const Object& object = this->object(operation.object);
  const std::uint8_t cache = object.cache;
  const bool is_behind = operation.kind == OperationKind::WriteBehind;
  if (state_of(object) != (is_behind ? ObjectState::Live : ObjectState::Dead)) return false;
  const CacheModel& model = models_[cache];
  if (model.damaged() != 0) return false;  // whichever is found first
  if (is_behind ? model.guards.red_zone_bytes == 0 : !model.guards.verify_pattern) return false;
  const SlabRecord* const slab = backend_of(cache).find(object.address);
  if (!slab || slab->generation != object.generation || slab->abandoned || slab->set_aside) return false;
  if (!is_behind && reference_.find(object.address)) return false;  // handed out again
  begin(operation.kind, cache);
  close();
  const StrayWrite write = stray_write_of(operation, model.spec, object.address, cache);
  std::erase_if(stray_writes_,
                [&](const StrayWrite& other) { return other.slot == write.slot && other.offset == write.offset; });
  stray_writes_.push_back(write);
  poke(write.slot + write.offset, write.value);
  log_.done(operation.kind, arena_.relative(write.slot), write.offset);
  return true;
}

// What a report must say of the writes to a slot, all of whose other bytes are as the cache keeps them.
Change Runner::change_of(std::uintptr_t slot, std::uint8_t kept) const {
  std::size_t first = ~std::size_t{0}, end = 0;
  for (const StrayWrite& write : stray_writes_) {
    if (write.slot != slot) continue;
    first = std::min(first, write.offset);
    end = std::max(end, write.offset + 1);
  }
  if (end == 0) return {};
  Change change{first, end - first, {}};
  for (std::size_t i = 0; i < std::size(change.found) && i < change.size; ++i) change.found[i] = kept;
  for (const StrayWrite& write : stray_writes_)
    if (write.slot == slot && write.offset - first < std::size(change.found))
      change.found[write.offset - first] = write.value;
  return change;
}

void Runner::judge_change(const slab::MisuseReport& report, Invariant invariant) {
  if (report.offset == due_change_.offset && report.changed_bytes == due_change_.size &&
      std::equal(std::begin(report.found), std::end(report.found), due_change_.found))
    return;
  violate(invariant, Cause::WrongChange,
          std::to_string(due_change_.size) + " bytes changed from offset " + std::to_string(due_change_.offset) +
              " on, and what was written there",
          std::to_string(report.changed_bytes) + " from " + std::to_string(report.offset) + " on, or other bytes");
}

// M16: alloc() has reported once what was written to the slot that it hands out.
void Runner::judge_write_after_free(std::uint8_t cache, std::uintptr_t object) {
  expect({Invariant::M16, Cause::WrongReport, "one report of %", 1, slab::to_string(slab::Misuse::WriteAfterFree)});
  if (report_log.size() != 1) return violate_expected(std::to_string(report_log.size()) + " reports");
  const slab::MisuseReport report = report_log.front();
  report_log.clear();
  log_.reported(report.kind, arena_.relative(object));
  if (report.kind != slab::Misuse::WriteAfterFree) return violate_expected(slab::to_string(report.kind));
  if (report.pointer != pointer(object) || report.cache != subjects_[cache]->identity())
    return violate(Invariant::M16, Cause::WrongReport, "the object and the cache in the report", "others");
  judge_callers(cache, report, Invariant::M16);
  judge_change(report, Invariant::M16);
  std::erase_if(stray_writes_, [object](const StrayWrite& write) { return write.slot == object; });
}

// M15: free() reports each time what was written behind the object, and does nothing. Then the bytes are put back.
void Runner::free_written(std::uint8_t cache, std::uintptr_t object) {
  due_change_ = change_of(object, GuardFacts::red_zone);
  if (due_change_.size == 0) return;
  for (int times = 2; times > 0 && !violated(); --times)
    free_misused(cache, object, {slab::Misuse::WriteBeyondObject, Invariant::M15});
  std::erase_if(stray_writes_, [object](const StrayWrite& write) {
    if (write.slot == object) poke(object + write.offset, GuardFacts::red_zone);
    return write.slot == object;
  });
}

// Whether that is what audit() says of what was written.
bool Runner::is_told_of(std::uint8_t cache, Invariant failed) const {
  return std::any_of(stray_writes_.begin(), stray_writes_.end(), [&](const StrayWrite& write) {
    return write.cache == cache && failed == (write.is_behind_object ? Invariant::L11 : Invariant::L12);
  });
}

// L11 and L12: audit() fails as long as a byte is not as the cache has it.
void Runner::judge_audit(std::uint8_t cache, Invariant failed) {
  if (failed != Invariant::None) {
    if (!is_told_of(cache, failed)) violate(failed, Cause::AuditFailed, expected_.words, "it fails");
    return;
  }
  for (const Invariant due : {Invariant::L11, Invariant::L12})
    if (is_told_of(cache, due)) violate(due, Cause::Overlooked, "audit() to fail after a stray write", "it holds");
}

}  // namespace slabproof

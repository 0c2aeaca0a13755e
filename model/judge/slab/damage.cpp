// Stray writes to a SlabInfo, and what the cache makes of them (M14).
#include <string>

#include "model/judge/runner.hpp"
#include "model/memory/address.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {
namespace {

std::uint8_t& byte_at(std::uintptr_t address) { return *reinterpret_cast<std::uint8_t*>(address); }

}  // namespace

std::uintptr_t Runner::info_of(const SlabRecord& slab) const {
  const bool is_small = models_[slab.cache].spec.type == slab::ObjectSizeType::Small;
  return is_small ? slab.base + slab.size - InfoDamage::bytes : slab.info;
}

bool Runner::damage_info(const Operation& operation) {
  const Object& object = this->object(operation.object);
  if (state_of(object) != ObjectState::Live) return false;
  const std::uint8_t cache = object.cache;
  const Abilities& abilities = subjects_[cache]->abilities();
  if (!abilities.layout || !abilities.detects_misuse || !abilities.follows_policy) return false;
  CacheModel& model = models_[cache];
  if (has_stray_writes(cache)) return false;  // whichever is found first
  SlabRecord& slab = *backend_of(cache).find(object.address);
  if (model.damaged() != 0 || slab.set_aside) return false;
  const InfoDamage damage = operation.damage();
  const SlabRecord* other = nullptr;
  for (const SlabRecord* const one : backend_of(cache).slabs())
    if (!other && one != &slab && one->cache == cache && one->used > 0 && !one->set_aside && !one->abandoned)
      other = one;
  std::uint8_t& byte = byte_at(info_of(slab) + damage.byte);
  byte = damage.written(byte, other ? byte_at(info_of(*other) + damage.byte) : byte);
  model.damage(slab.base, damage.part());
  slab.damaged = model.damaged() != 0;
  damaged_ = {slab.base, info_of(slab), damage.value == InfoDamage::copied && other ? other->base : 0};
  report_observer = this;
  context_.cache_index = cache;
  log_.done(operation.kind, arena_.relative(damaged_.info), operation.argument);
  return true;
}

// The cache has found the damage, has set the slab aside and goes on with the others, as if the operation began now.
void Runner::note_found() {
  const slab::MisuseReport report = report_log.back();
  const std::uint8_t cache = context_.cache_index;
  CacheModel& model = models_[cache];
  leave_quarantine_until_found(cache);
  SlabRecord* const slab = backend_of(cache).find(model.damaged());
  if (!slab)
    return violate(Invariant::M14, Cause::UnexpectedReport, "no report of damage where there is none",
                   slab::to_string(report.kind));
  if (report.kind != slab::Misuse::CorruptedSlabInfo || report.pointer != pointer(info_of(*slab)) ||
      report.cache != subjects_[cache]->identity())
    return violate(Invariant::M14, Cause::DamageUnseen, "CorruptedSlabInfo of the damaged one reported",
                   slab::to_string(report.kind) + std::string{" of another"});
  report_log.pop_back();
  log_.reported(report.kind, arena_.relative(info_of(*slab)));
  const std::size_t used = slab->used;
  slab->used -= static_cast<std::uint32_t>(model.quarantined_in(slab->base));  // these are nobody's any more
  found_.push_back({slab->base, slab->size, info_of(*slab), slab->used});
  model.set_aside(used, [&](std::uintptr_t one, std::uintptr_t other) {
    return backend_of(cache).find(one)->generation > backend_of(cache).find(other)->generation;
  });
  slab->damaged = false;
  slab->set_aside = true;
  for (unsigned& calls : context_.calls) calls = 0;
  context_.is_asked = context_.has_said_no = false;
}

// After whatever must have found the damage.
void Runner::judge_found(std::uint8_t cache) {
  if (models_[cache].damaged() != 0)
    violate(Invariant::M14, Cause::DamageUnseen, "one report of CorruptedSlabInfo", seen_instead());
}

std::string Runner::seen_instead() const {
  return report_log.empty() ? "none" : slab::to_string(report_log.front().kind);
}

// The damage was written over by a free that went on.
void Runner::heal(std::uint8_t cache) {
  CacheModel& model = models_[cache];
  if (!model.is_healing()) return;
  if (SlabRecord* const slab = backend_of(cache).find(model.damaged())) slab->damaged = false;
  model.heal();
}

// shrink() or the destructor has found damage: those have left the quarantine that came before the object whose slab is
// damaged, or before a slab went back.
void Runner::leave_quarantine_until_found(std::uint8_t cache) {
  if (context_.operation != OperationKind::Shrink && context_.operation != OperationKind::Destroy) return;
  CacheModel& model = models_[cache];
  const auto meets_damage = [&] {
    const SlabRecord* const slab = backend_of(cache).find(model.damaged());
    return slab && model.meets_damage_in_quarantine(slab->used);
  };
  while (!model.quarantine().empty() && model.empty_slabs() <= model.kept_slabs() && !meets_damage())
    leave_quarantine(cache);
}

// An object of a slab that was set aside: neither the cache nor anybody else learns that it was freed.
void Runner::free_set_aside(std::uint32_t ordinal) {
  Object& freed = object(ordinal);
  const std::uint8_t cache = freed.cache;
  begin(OperationKind::Free, cache);
  context_.freed = freed.address;
  context_.misuse = Invariant::M14;  // only the look-up
  expect({Invariant::M14, Cause::UnexpectedReport, "nothing, where the slab was set aside"});
  bury(freed);
  reference_.retire(freed.address);
  --backend_of(cache).find(freed.address)->used;
  log_.done(OperationKind::Free, arena_.relative(freed.address), ordinal);
  subjects_[cache]->free(pointer(freed.address));
  if (!report_log.empty()) violate_expected(seen_instead());
  end();
}

}  // namespace slabproof

// The runner's allocations: where an object must come from, and when null is right.
#include "model/judge/runner.hpp"

#include <algorithm>
#include <string>

#include "model/memory/address.hpp"
#include "model/memory/contents.hpp"
#include "model/memory/sanitizer.hpp"

namespace slabproof {

std::uintptr_t Runner::allocate(OperationKind kind, std::uint8_t cache, std::uint32_t ordinal) {
  begin(kind, cache);
  context_.may_err = subjects_[cache]->abilities().detects_misuse && answering_ == Answering::No;
  expect_object(cache);
  const std::uintptr_t object =
      address(kind == OperationKind::Alloc ? subjects_[cache]->alloc() : subjects_[cache]->alloc_no_grow());
  log_.done(kind, object ? arena_.relative(object) : 0, ordinal);
  if (!source_.is_current && source_.slab != 0 && source_.slab == models_[cache].damaged()) judge_found(cache);
  if (!violated()) {
    if (object)
      judge_object(cache, ordinal, object, source_);
    else
      judge_refusal(kind, cache);
  }
  end();
  return object;
}

// The allocation under way begins, or begins again.
void Runner::expect_object(std::uint8_t cache) {
  source_ = expected_source(cache);
  expect(expected_object(context_.operation, cache, source_));
}

Runner::Source Runner::expected_source(std::uint8_t cache) const {
  const CacheModel& model = models_[cache];
  if (model.current_has_free_slot()) return {model.current(), true};
  if (!model.listed().empty()) return {model.listed().back(), false};
  if (model.quarantine().empty() || model.empty_slabs() > 0) return {0, false};
  return {model.quarantine().front().slab, false, model.quarantine().front().object};
}

Expectation Runner::expected_object(OperationKind kind, std::uint8_t cache, const Source& source) const {
  const Abilities& abilities = subjects_[cache]->abilities();
  if (models_[cache].free_objects() == 0 && kind != OperationKind::Alloc)
    return {Invariant::B20, Cause::ObjectWithoutFreeObjects, "null while no slab has a free object"};
  if (!abilities.follows_policy) return {Invariant::L4, Cause::Overlaps, "an object disjoint from all live ones"};
  if (source.object != 0)
    return {Invariant::L13, Cause::NotTheOldest, "the oldest object in quarantine while no slab has a free slot"};
  if (source.is_current)
    return {Invariant::L5, Cause::WrongSlab, "an object of the current slab while that has a free one"};
  return {Invariant::L5, Cause::WrongSlab,
          source.slab != 0 ? "an object of the slab that became partial last" : "an object of an empty or a new slab"};
}

void Runner::judge_object(std::uint8_t cache, std::uint32_t ordinal, std::uintptr_t object, const Source& source) {
  const CacheModel& model = models_[cache];
  const std::size_t size = model.spec.object_size;
  if (is_refused()) return violate_expected("an object");
  SlabRecord* const slab = backend_of(cache).find(object);
  if (!slab || slab->cache != cache || slab->abandoned)
    return violate(Invariant::G8, Cause::OutsideMemory, "an object inside one live slab of the cache",
                   "a pointer elsewhere");
  const std::size_t end = object - slab->base + size;
  if (end > model.layout.slab_info_offset) {  // of a Large slab its end
    const bool is_large = model.spec.row() == slab::Row::Large;
    return violate(is_large ? Invariant::G8 : Invariant::G9, Cause::ReachesTooFar,
                   is_large ? "an object inside one slab" : "an object that ends before SlabInfo",
                   "one that ends at offset " + std::to_string(end));
  }
  if (!admit(cache, ordinal, object, size, model.spec.object_align)) return;
  judge_slot(cache, *slab, object, source);
  if (!violated()) enter(cache, ordinal, object, size, slab->generation);
}

void Runner::judge_slot(std::uint8_t cache, SlabRecord& slab, std::uintptr_t object, const Source& source) {
  CacheModel& model = models_[cache];
  const std::size_t offset = object - slab.base, slot = offset / model.layout.stride;
  if (offset % model.layout.stride != 0 || slot >= model.layout.objects_per_slab)
    return violate(Invariant::G7, Cause::BetweenSlots, "slab + k * stride", "offset " + std::to_string(offset));
  if (slab.saved_pages != model.mapped_pages())
    return violate(Invariant::B9, Cause::PageNotSaved,
                   std::to_string(model.mapped_pages()) + " pages saved before an object is returned",
                   std::to_string(slab.saved_pages));
  if (slab.set_aside)
    return violate(Invariant::M14, Cause::DamagedSlabUsed, "no object of a slab that was set aside", "one");
  if (model.damaged() == slab.base && model.current() != slab.base) return judge_found(cache);
  if (subjects_[cache]->abilities().follows_policy && source.object == 0) judge_source(slab, source);
  if (model.spec.guards != Guards::None && !violated()) judge_guards(cache, object, slab.handed_out[slot], source);
  if (violated()) return;
  if (source.object == 0) {
    model.used_changed(slab.base, slab.used, slab.used + 1);
    ++slab.used;
  }
  slab.handed_out[slot] = true;
  touch(slab);
  if (subjects_[cache]->abilities().poisons) judge_poisoning(model, slab, slot);
}

void Runner::judge_source(const SlabRecord& slab, const Source& source) {
  if (source.slab != 0 ? slab.base == source.slab : slab.used == 0) return;
  violate(Invariant::L5, Cause::WrongSlab, expected_.text(),
          "one of a slab with " + std::to_string(slab.used) + " objects");
}

// M11: an object is not poisoned; its padding is, a slot behind it that was never handed out, and the tail waste of a
// new slab. check_poisoning() looks at the rest.
void Runner::judge_poisoning(const CacheModel& model, const SlabRecord& slab, std::size_t slot) {
  const std::size_t stride = model.layout.stride, size = model.spec.object_size;
  const std::uintptr_t object = slab.base + slot * stride, next = object + stride;
  if (!is_open(object, size))
    return violate(Invariant::M11, Cause::LiveObjectPoisoned, "an object that may be used", "poisoned bytes in it");
  if (const std::uintptr_t open = find_open(object + size, next); open != next) return judge_open(model, slab, open);
  if (slot + 1 < model.layout.objects_per_slab && !slab.handed_out[slot + 1] && !is_closed(next))
    return judge_open(model, slab, next);
  const std::uintptr_t end = slab.base + model.layout.slab_info_offset;
  if (!slab.fresh) return;
  const std::uintptr_t open = find_open(slab.base + model.layout.objects_per_slab * stride, end);
  if (open != end) judge_open(model, slab, open);
}

// M11: nobody may use this byte of a slab, but it is open.
void Runner::judge_open(const CacheModel& model, const SlabRecord& slab, std::uintptr_t address) {
  const std::size_t slot = (address - slab.base) / model.layout.stride;
  Expectation expected{Invariant::M11, Cause::UnusedSlotOpen, "a slot never handed out that may not be used"};
  if (slot >= model.layout.objects_per_slab)
    expected = {Invariant::M11, Cause::TailWasteOpen, "tail waste that may not be used"};
  else if (reference_.find(slab.base + slot * model.layout.stride))
    expected = {Invariant::M11, Cause::PaddingOpen, "padding that may not be used"};
  else if (slab.handed_out[slot])
    expected = {Invariant::M11, Cause::FreedObjectOpen, "a freed slot that may not be used"};
  violate(expected.invariant, expected.cause, expected.text(),
          "byte " + std::to_string(address - slab.base) + " of the slab is open");
}

void Runner::judge_refusal(OperationKind kind, std::uint8_t cache) {
  const CacheModel& model = models_[cache];
  const Abilities& abilities = subjects_[cache]->abilities();
  if (kind == OperationKind::AllocNoGrow) {
    if (model.free_objects() > 0)
      violate(Invariant::B20, Cause::NullWithFreeObjects, "an object from alloc_no_grow",
              "null with " + std::to_string(model.free_objects()) + " free");
    return;
  }
  if (!is_refused())
    return violate(Invariant::B15, Cause::RefusedWithoutFailure, "null only when a backend call failed", "null");
  check_given_back();
  if (abilities.statistics && subjects_[cache]->statistics() != model.statistics())
    violate(Invariant::B15, Cause::ChangedByFailure, "after a failed alloc " + describe(model.statistics()),
            describe(subjects_[cache]->statistics()));
}

// After a backend call failed, no slab of this operation is left: B6, B7, B8, B15 or G2, by the call that failed.
void Runner::check_given_back() {
  for (const SlabRecord* const slab : backend_of(context_.cache_index).slabs())
    if (slab->fresh)
      return violate(context_.refused, Cause::SlabKeptAfterFailure, "the slab given back after a backend call failed",
                     "it is outstanding");
}

}  // namespace slabproof

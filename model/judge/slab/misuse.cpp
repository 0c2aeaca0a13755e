// The operations that misuse a cache.
#include "model/judge/runner.hpp"

#include <iterator>
#include <string>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/report_log.hpp"

namespace slabproof {
namespace {

// A freed slot is poisoned; here the harness writes to it on purpose.
SLABPROOF_NOT_SANITIZED void poke(std::uintptr_t slot, std::uint64_t value) {
  *reinterpret_cast<volatile std::uint64_t*>(slot) = value;
}

}  // namespace

std::uintptr_t Runner::stray_of(const Operation& operation, std::uint8_t& cache) {
  const bool by_object = names_object(operation.kind);
  if (by_object) {
    const ObjectState wanted =
        operand_of(operation.kind) == Operand::DeadObject ? ObjectState::Dead : ObjectState::Live;
    if (state_of(object(operation.object)) != wanted) return 0;
  }
  cache = by_object ? object(operation.object).cache : operation.target;
  if (facts_of(operation.kind).stray == StrayPointer::OfOtherCache) cache ^= 1;
  if (!subjects_[cache]->abilities().detects_misuse) return 0;
  const std::uintptr_t about = by_object ? object(operation.object).address : 0;
  return misuse_of(operation.kind) == MisuseClass::DamagedLink ? about : oracle_.pointer_of(operation, cache, about);
}

bool Runner::free_stray(std::uint8_t cache, std::uintptr_t pointer) {
  if (!subjects_[cache]->abilities().detects_misuse) return false;
  const auto expected = oracle_.expected(cache, pointer);
  if (expected) free_misused(cache, pointer, *expected);
  return expected.has_value();
}

bool Runner::misuse(const Operation& operation) {
  std::uint8_t cache = 0;
  const std::uintptr_t misused = stray_of(operation, cache);
  if (!misused) return false;
  if (misuse_of(operation.kind) == MisuseClass::DamagedLink)
    return corrupt_link(cache, object(operation.object), operation.argument);
  auto expected = oracle_.expected(cache, misused);
  if (!expected) return false;
  if (facts_of(operation.kind).stray == StrayPointer::DeadObject) {
    const SlabRecord* slab = backend_of(cache).find(misused);
    if (!slab || slab->generation != object(operation.object).generation) expected->invariant = Invariant::M8;
  }
  free_misused(cache, misused, *expected);
  return true;
}

void Runner::free_misused(std::uint8_t cache, std::uintptr_t misused, const MisuseOracle::Expected& expected) {
  begin(OperationKind::Free, cache);
  context_.freed = misused;
  context_.misuse = expected.invariant;
  if (mark_) {
    mark_->stray = misused;
    mark_->misuse = expected.kind;
  }
  expect({expected.invariant, Cause::WrongReport, "one report of %", 1, slab::to_string(expected.kind)});
  subjects_[cache]->free(pointer(misused));
  if (violated()) return;
  if (report_log.size() != 1) return violate_expected(std::to_string(report_log.size()) + " reports");
  const slab::MisuseReport report = report_log.front();
  report_log.clear();
  log_.reported(report.kind, arena_.relative(misused));
  if (report.kind != expected.kind) return violate_expected(slab::to_string(report.kind));
  if (report.pointer != pointer(misused) || report.cache != subjects_[cache]->identity())
    return violate(expected.invariant, Cause::WrongReport, "the pointer and the cache in the report", "others");
  judge_callers(cache, report, expected.invariant);
  judge_change(report, expected.invariant);
  close();
  check_statistics(cache, expected.invariant);  // the cache is unchanged
}

// Whether the map errs about the object's page, as the program says: free() must then report that and nothing else. The
// object lives on, though the program has no name for it any more.
bool Runner::free_in_vain(std::uint32_t ordinal) {
  Object& freed = object(ordinal);
  const std::uint8_t cache = freed.cache;
  const Abilities& abilities = subjects_[cache]->abilities();
  const SlabRecord* const slab = abilities.layout ? backend_of(cache).find(freed.address) : nullptr;
  const bool is_looked_up = slab && abilities.detects_misuse && abilities.follows_policy &&
                            models_[cache].mapped_pages() > 0 && models_[cache].current() != slab->base &&
                            !slab->set_aside && models_[cache].damaged() != slab->base;
  if (!is_looked_up) return false;
  context_.cache_index = cache;
  const Erred erred = backend_of(cache).err_about(*slab, freed.address);
  if (erred.reported == 0) return false;
  note_error(erred);
  freed.state = ObjectState::Dead;
  free_misused(cache, freed.address, {slab::Misuse::BackendFault, Invariant::M13});
  return true;
}

// Values to write where a free link might lie: null, the slot itself, and values that no free link has, among them a
// live object of the slab, a slot never handed out, and another slab, if they exist.
std::uint64_t Runner::bad_link(std::uint8_t cache, const SlabRecord& slab, std::uintptr_t slot,
                               std::uint32_t argument) {
  std::uint64_t live = 0, uncarved = 0, elsewhere = 0xDEAD'BEEF'DEAD'BEE8;
  const Layout& layout = models_[cache].layout;
  for (std::size_t i = 0; i < layout.objects_per_slab && i < 64; ++i) {
    const std::uintptr_t at = slab.base + i * layout.stride;
    if (reference_.find(at)) live = at;
    if (!slab.handed_out[i]) uncarved = at;
  }
  for (const SlabRecord* const other : backend_of(cache).slabs())
    if (other != &slab && other->cache == cache && !other->abandoned) elsewhere = other->base;
  const std::uint64_t links[] = {0,    slot,     slot + 1,  slab.base + slab.size, slab.base - 8, 0xDEAD'BEEF'DEAD'BEEF,
                                 live, uncarved, elsewhere, 0xDEAD'BEEF'DEAD'BEE8};
  static_assert(std::size(links) == bad_links);
  return links[argument % bad_links];
}

// Writes to a freed object where a link would be, allocates and frees: all goes on as if nothing had been written. M11.
bool Runner::corrupt_link(std::uint8_t cache, const Object& object, std::uint32_t argument) {
  const std::uintptr_t slot = object.address;
  const SlabRecord* const slab = backend_of(cache).find(slot);
  if (!slab || slab->generation != object.generation || slab->abandoned || reference_.find(slot)) return false;
  if (slab->set_aside || models_[cache].damaged() != 0) return false;  // there may be no free object
  if (models_[cache].guards.verify_pattern) return false;  // WriteFreed does that
  const std::uint64_t junk = bad_link(cache, *slab, slot, argument);
  if (mark_) mark_->stray = junk;
  poke(slot, junk);

  const Source source = expected_source(cache);
  begin(OperationKind::AllocNoGrow, cache);
  expect({Invariant::M11, Cause::WriteToFreedObjectHeeded, "an object, whatever was written to a freed one"});
  const std::uintptr_t allocated = address(subjects_[cache]->alloc_no_grow());
  log_.done(OperationKind::CorruptLink, allocated ? arena_.relative(allocated) : 0);
  if (violated()) return true;
  if (!report_log.empty()) return violate_expected(slab::to_string(report_log.front().kind)), true;
  if (!allocated) return violate_expected("null"), true;
  expect(expected_object(OperationKind::AllocNoGrow, cache, source));
  judge_object(cache, no_ordinal, allocated, source);
  end();
  if (!violated()) free_unnamed(cache, allocated);
  return true;
}

}  // namespace slabproof

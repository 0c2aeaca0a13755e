#include "model/subject/saboteur.hpp"

#include <new>

#include <slab/slab.hpp>

#include "model/memory/address.hpp"
#include "model/memory/sanitizer.hpp"
#include "model/subject/report_log.hpp"
#include "model/subject/slab_audit.hpp"

namespace slabproof {
namespace {

using enum Sabotage;

std::byte* at(std::uintptr_t address) { return reinterpret_cast<std::byte*>(address); }

// A write that ASan would stop in builds that have it; other builds must find it as well (B19).
SLABPROOF_NOT_SANITIZED void scribble(void* memory) { *static_cast<volatile std::uint64_t*>(memory) = 0x5C21BB1E; }
SLABPROOF_NOT_SANITIZED std::uint64_t first_word(const void* memory) {
  return *static_cast<const volatile std::uint64_t*>(memory);
}
void read(const void* memory) { (void)*static_cast<const volatile std::uint64_t*>(memory); }

/// Changes a SlabInfo as a cache with a defect would: what it writes is sealed.
template <class F>
void change(slab::SlabInfo& info, F f) {
  f(info);
  slab::detail::seal(info, slab::detail::first_seal_key);
}
void miscount(slab::SlabInfo& info, int by) {
  change(info, [&](slab::SlabInfo& one) { one.tabled.slots.used += static_cast<std::uint32_t>(by); });
}

/// Stands between a cache and its backend.
class SabotagedBackend {
 public:
  SabotagedBackend(RecordingBackend& real, const CacheSpec& spec) : real_{real}, spec_{spec} {}

  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (sabotage == AsksForTwoSlabs) (void)real_.alloc_slab(slab_size, page_size);
    ++slabs_;
    const bool breaks = sabotage == BreaksListInCallback || (sabotage == BreaksListInLateCallback && slabs_ > 20);
    slab::SlabInfo* const broken = breaks && first_slab_ ? &info_of_first_slab() : nullptr;
    if (broken) miscount(*broken, 1);
    std::uintptr_t slab =
        address(real_.alloc_slab(slab_size, sabotage == AsksForAnotherPageSize ? 2 * page_size : page_size));
    if (broken) miscount(*broken, -1);
    if (sabotage == AcceptsMisalignedSlab) slab &= ~(page_size - 1);
    if (sabotage == MapsPagesInSinglePage) (void)real_.save_slab_info(slab, reinterpret_cast<slab::SlabInfo*>(slab));
    if (sabotage == AllocatesInfoInMultiPage) (void)real_.alloc_slab_info(56);
    if (sabotage == FreesWhatIsNotItsOwn && slab == last_slab_) real_.free_slab(at(slab), slab_size, page_size);
    if (!first_slab_) first_slab_ = slab;
    last_slab_ = slab;
    return at(slab);
  }
  bool can_make_slabs(const slab::Geometry& geometry, std::size_t count) noexcept {
    if (sabotage == AsksAboutNoSlabs || sabotage == GrowsEarly) return true;
    if (sabotage == AsksAboutTooFewSlabs) --count;
    if (sabotage == AsksAboutSlabsTwice) (void)real_.can_make_slabs(geometry, count);
    const bool is_possible = sabotage == AsksAboutAnotherGeometry
                                 ? real_.can_make_slabs(slab::Geometry::make(64, 64, spec_.type, 1, 1).value(), count)
                                 : real_.can_make_slabs(geometry, count);
    return is_possible || sabotage == IgnoresThatThereIsNoRoom;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    if (sabotage == ForgetsToFreeSlab) return;
    if (sabotage == LeavesSlabPoisoned) forbid(slab, 8);
    real_.free_slab(slab, slab_size, page_size);
    if (sabotage == FreesFirstSlabToo) free_first_slab(), permit(first_slab(), slab_size);
    if (sabotage == FreesSlabTwice) real_.free_slab(slab, slab_size, page_size);
    if (sabotage == WritesToReturnedSlab) scribble(slab);
    if (sabotage == ReadsReturnedSlab) read(slab);
    if (sabotage == DeletesTooLate) real_.delete_slab_info(address(slab));
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    if (sabotage == LeavesAPageOut && page_addr != last_slab_) return true;
    if (!first_info_) first_info_ = info;
    if (sabotage == SharesAnInfo) info = first_info_;
    if (sabotage == MisplacesInfo) info = reinterpret_cast<slab::SlabInfo*>(this);
    if (sabotage == NamesTwoInfos && page_addr != last_slab_) --info;
    if (sabotage == SavesInsidePage) page_addr += 8;
    if (sabotage == SavesPageOutside) (void)real_.save_slab_info(last_slab_ + spec_.slab_size, info);
    slab::SlabInfo* const broken = sabotage == BreaksListInLateSave && slabs_ > 10 ? first_info_ : nullptr;
    if (broken) miscount(*broken, 1);
    const bool saved = real_.save_slab_info(page_addr, info);
    if (broken) miscount(*broken, -1);
    if (sabotage == SavesAgain) return real_.save_slab_info(page_addr, info);
    if (sabotage == ChangesAPage) return real_.save_slab_info(page_addr, info - 1);
    return saved;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    if (sabotage == LooksUpNoNewPage && page_addr - last_slab_ < spec_.slab_size) return nullptr;
    if (sabotage == LooksUpInsidePage) return real_.get_slab_info(page_addr + 8);
    if (sabotage == LooksUpTwice) (void)real_.get_slab_info(page_addr);
    return real_.get_slab_info(page_addr);
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    if (sabotage == DeletesTooLate || sabotage == ForgetsToDelete) return;
    real_.delete_slab_info(page_addr);
    if (sabotage == DeletesTwice) real_.delete_slab_info(page_addr);
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    if (sabotage == AsksForTwoInfos) (void)real_.alloc_slab_info(size);
    const std::uintptr_t info = address(real_.alloc_slab_info(size));
    if (sabotage == PutsInfoIntoSlab) return at(last_slab_);
    if (sabotage == AcceptsMisalignedInfo) return at((info + 7) & ~std::uintptr_t{7});
    return at(info);
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    if (sabotage != ForgetsToFreeInfo) real_.free_slab_info(info, size);
    if (sabotage == FreesInfoTwice) real_.free_slab_info(info, size);
  }

  void free_first_slab() {
    permit(first_slab(), spec_.slab_size);
    real_.free_slab(first_slab(), spec_.slab_size, spec_.page_size);
  }
  [[nodiscard]] std::byte* first_slab() const { return at(first_slab_); }
  /// Small rows.
  [[nodiscard]] slab::SlabInfo& info_of_first_slab() const {
    return reinterpret_cast<slab::SlabInfo*>(first_slab_ + spec_.slab_size)[-1];
  }
  [[nodiscard]] std::uintptr_t last_slab() const { return last_slab_; }
  [[nodiscard]] slab::SlabInfo* first_saved_info() const { return first_info_; }

 private:
  RecordingBackend& real_;
  CacheSpec spec_;
  std::uintptr_t first_slab_ = 0, last_slab_ = 0;
  std::size_t slabs_ = 0;  // asked for
  slab::SlabInfo* first_info_ = nullptr;
};

bool is_reporting = false;
std::size_t reports = 0;

template <bool Checks, Guards G = Guards::None>
struct SabotagedPolicy : Guarded<G> {
  static constexpr bool checks = Checks;
  static void on_misuse(slab::MisuseReport report) noexcept {
    if (sabotage == DropsReports) return;
    if (sabotage == ReportsTwice) note_report(report);
    if (sabotage == ReportsAnotherKind) report.kind = slab::Misuse::CorruptedFreeList;
    if (sabotage == ReportsAnotherPointer) report.pointer = report.cache;
    if (sabotage == ReportsAnotherFault && report.kind == slab::Misuse::BackendFault)
      report.kind = slab::Misuse::ForeignPointer;
    if (sabotage == ReportsAnotherChange) ++report.offset;
    if (sabotage == NamesNoCallers) report.allocated_by = nullptr;
    is_reporting = true;
    ++reports;
    note_report(report);
    is_reporting = false;
  }
};

template <slab::Row R, class Policy>
class Saboteur {
 public:
  static constexpr Abilities abilities = [] {
    Abilities abilities = abilities_of_slab_cache(Policy::checks);
    abilities.has_guards = slab::detail::has_guards<Policy>;
    return abilities;
  }();

  Saboteur(slab::Geometry geometry, SabotagedBackend& backend) : cache_{geometry, backend}, backend_{backend} {
    if (sabotage == AllocatesInConstructor) (void)cache_.alloc();
    reports = 0;
  }

  void* alloc() {
    if (sabotage == GivesUpAfterFailure && failures_ > 0) return nullptr;
    if (sabotage == UsesSetAsideSlab && cache_.statistics().set_aside_slabs > 0) return backend_.first_slab();
    if (sabotage == ReturnsTwice && previous_) return previous_;
    if (sabotage == ServesInDestruction && is_reporting) return previous_;
    if (sabotage == RefusesInOnMisuse && is_reporting) {
      report(slab::Misuse::ReentrantCall);
      return nullptr;
    }
    if (sabotage == GrowsEarly) (void)cache_.reserve(cache_.statistics().free_objects + 1);
    if (sabotage == WritesToLiveObject && previous_) *previous_ ^= std::byte{1};
    if (sabotage == ShrinksInAlloc) cache_.shrink();
    const slab::CacheStatistics before = cache_.statistics();
    const bool skips = (sabotage == TakesFromEmptierSlab && before.partial_slabs > 1) ||
                       (sabotage == SkipsTheOldest && before.partial_slabs == 0 && freed_);
    void* const skipped = skips ? cache_.alloc() : nullptr;
    auto* object = static_cast<std::byte*>(cache_.alloc());
    cache_.free(skipped);
    if (!object) return ++failures_, nullptr;
    if (sabotage == OpensTailWaste) open_tail_waste();
    if (sabotage == LeavesObjectPoisoned) forbid(object, 8);
    if (sabotage == ReturnsUnaligned) object += 4;
    if (sabotage == ReturnsPadding) object += 8;
    if (sabotage == ReturnsForeign) object = reinterpret_cast<std::byte*>(this);
    if (sabotage == ReturnsInfo) object = at(backend_.last_slab() + geometry().slab_info_offset() - 8);
    if (sabotage == ReturnsOverlap && previous_) object = previous_ + 8;
    if (sabotage == LeavesJunkInObject) *object = std::byte{1};
    return previous_ = object;
  }
  void* alloc_no_grow() {
    if (sabotage == HeedsFreedObject && freed_ && first_word(freed_) != left_in_freed_) return nullptr;
    return sabotage == GrowsInNoGrow ? cache_.alloc() : cache_.alloc_no_grow();
  }
  bool reserve(std::size_t n) {
    if (sabotage == RefusesToReserve) return false;
    const bool reserved = sabotage == PretendsToReserve || cache_.reserve(n);
    if (sabotage == OpensTailWaste) open_tail_waste();
    return reserved;
  }
  void free(void* object) {
    if (sabotage == LooksUpNull && !object) (void)backend_.get_slab_info(0);
    if (sabotage == ReportsNull && !object) report(slab::Misuse::ForeignPointer);
    if (sabotage == TakesSlabInFree) (void)backend_.alloc_slab(geometry().slab_size(), geometry().page_size());
    if (sabotage == MendsSlabInfo) change_first_info([](slab::SlabInfo&) {});
    cache_.free(object);
    if (sabotage == ReadsFreedObject) read(object);
    if (sabotage == HeedsFreedObject) left_in_freed_ = first_word(freed_ = object);
    if (sabotage == BreaksPattern || sabotage == SkipsTheOldest) freed_ = object;
    if (sabotage == ShrinksInFree) cache_.shrink();
  }
  std::size_t shrink() {
    if (sabotage == KeepsWhenShrinking) return cache_.statistics().empty_slabs;
    if (sabotage == AsksAboutSlabsInShrink) (void)backend_.can_make_slabs(geometry(), 1);
    const std::size_t returned = cache_.shrink();
    if (sabotage == FreesFirstSlab) backend_.free_first_slab();
    if (sabotage == BreaksUsedCount)
      change_first_info([](slab::SlabInfo& info) { info.tabled.slots = slab::detail::TabledSlots::unused(1); });
    if (sabotage == BreaksLink) change_first_info([](slab::SlabInfo& info) { info.previous = &info; });
    if (sabotage == BreaksFreeList)
      change_first_info([](slab::SlabInfo& info) { info.tabled.slots.free_head = slab::detail::no_slot(1); });
    if (sabotage == BreaksOwner) change_first_info([](slab::SlabInfo& info) { info.owner = 0; });
    if (sabotage == WritesToSlabInfo) backend_.info_of_first_slab().owner = 0;
    if (sabotage == HasASlabTwice)
      change(*backend_.first_saved_info(), [&](slab::SlabInfo& info) { info.slab = at(backend_.last_slab()); });
    if (sabotage == BreaksRedZone) scribble(previous_ + geometry().object_size());
    if (sabotage == BreaksPattern) scribble(freed_);
    return returned + (sabotage == MiscountsShrink);
  }
  [[nodiscard]] slab::CacheStatistics statistics() const {
    slab::CacheStatistics statistics = cache_.statistics();
    if (sabotage == CountsFailedAlloc) statistics.allocated_objects += failures_;
    if (sabotage == MiscountsFree) ++statistics.free_objects;
    if (sabotage == MiscountsSlabs) ++statistics.empty_slabs;
    if (sabotage == MiscountsAllocated || (sabotage == MiscountsInOnMisuse && is_reporting))
      ++statistics.allocated_objects;
    if (sabotage == MiscountsAfterMisuse) statistics.allocated_objects += reports;
    return statistics;
  }
  [[nodiscard]] Invariant audit() const {
    if (sabotage == OverlooksWrites) return Invariant::None;
    return invariant_of(cache_.find_audit_failure());
  }
  [[nodiscard]] Layout layout() const {
    Layout layout = layout_in(geometry());
    if (sabotage == LosesASlot) --layout.objects_per_slab;
    if (sabotage == LosesAllSlots) layout.objects_per_slab = 0;
    if (sabotage == WidensStride) ++layout.stride;
    return layout;
  }

 private:
  void report(slab::Misuse kind) const {
    note_report(
        {.kind = kind, .pointer = nullptr, .cache = &cache_, .caller = nullptr, .object_size = 0, .cache_name = ""});
  }
  void open_tail_waste() { permit(at(backend_.last_slab() + geometry().slab_info_offset() - 8), 8); }
  [[nodiscard]] const slab::Geometry& geometry() const { return cache_.geometry(); }
  template <class F>
  void change_first_info(F f) {
    change(backend_.info_of_first_slab(), f);
  }

  slab::DynamicCache<R, SabotagedBackend, Policy> cache_;  // first: reports name its address
  SabotagedBackend& backend_;
  std::byte* previous_ = nullptr;
  std::size_t failures_ = 0;
  void* freed_ = nullptr;
  std::uint64_t left_in_freed_ = 0;
};

template <slab::Row R>
AnySubject* make(void* storage, const CacheSpec& spec, SabotagedBackend& backend) {
  const slab::Geometry geometry = geometry_of(spec).value();
  if constexpr (R == slab::Row::SmallSinglePage) {  // which will do for guards
    if (spec.guards == Guards::Debug)
      return make_subject_in<Saboteur<R, SabotagedPolicy<true, Guards::Debug>>>(storage, geometry, backend);
    if (spec.guards == Guards::ZeroOnAlloc)
      return make_subject_in<Saboteur<R, SabotagedPolicy<true, Guards::ZeroOnAlloc>>>(storage, geometry, backend);
  }
  return spec.checks ? make_subject_in<Saboteur<R, SabotagedPolicy<true>>>(storage, geometry, backend)
                     : make_subject_in<Saboteur<R, SabotagedPolicy<false>>>(storage, geometry, backend);
}

}  // namespace

AnySubject* make_saboteur(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  // The cache calls it until the end of its life, so it lies beside the subject and not in it.
  constexpr std::size_t half = Arena::cache_storage / 2;
  static_assert(sizeof(SubjectBox<Saboteur<slab::Row::SmallSinglePage, SabotagedPolicy<true, Guards::Debug>>>) <=
                    half &&
                sizeof(SabotagedBackend) <= half);
  auto& sabotaged = *::new (static_cast<std::byte*>(storage) + half) SabotagedBackend{backend, spec};
  switch (spec.row()) {
    case slab::Row::SmallSinglePage: return make<slab::Row::SmallSinglePage>(storage, spec, sabotaged);
    case slab::Row::SmallMultiPage: return make<slab::Row::SmallMultiPage>(storage, spec, sabotaged);
    case slab::Row::Large: break;
  }
  return make<slab::Row::Large>(storage, spec, sabotaged);
}

}  // namespace slabproof

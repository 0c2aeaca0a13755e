#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <slab/busy_mark.hpp>
#include <slab/cache_audit.hpp>
#include <slab/cache_guards.hpp>
#include <slab/cache_repair.hpp>
#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/policy.hpp>
#include <slab/seal.hpp>
#include <slab/slab_info.hpp>
#include <slab/slab_list.hpp>
#include <slab/slab_supply.hpp>
#include <slab/slot_guard.hpp>
#include <slab/slots.hpp>
#include <slab/statistics.hpp>

namespace slab::detail {

/// Tells a Checked cache from those that were at its address before and were never destroyed (Immortal): in the upper
/// bits of what their slabs call their owner. They are 0 in one that is constant-initialised, which can be the first
/// alone. The lowest bit tells all of them from a pointer to the cache.
template <bool Checks>
struct Incarnation {
  inline static std::uint64_t last = 0;
  std::uint64_t bits = 1;
  void take() noexcept { bits = __atomic_add_fetch(&last, std::uint64_t{1} << 48, __ATOMIC_RELAXED) | 1; }
  /// What says whose a slab is, of an owner at this address.
  [[nodiscard]] std::uintptr_t tag_of(std::uintptr_t owner) const noexcept { return owner ^ bits; }
};
template <>
struct Incarnation<false> {
  static void take() noexcept {}
  [[nodiscard]] static std::uintptr_t tag_of(std::uintptr_t owner) noexcept { return owner; }
};

/// What a cache knows: the current slab, whose free slots and counts are kept here, and lists of the others. Looks
/// things up, counts, audits and tells of misuse; of its functions only forget_current() changes which slabs there are.
template <class GeometrySource, class Backend, class Policy>
class CacheState {
 public:
  CacheState(const CacheState&) = delete;
  CacheState& operator=(const CacheState&) = delete;

  /// The geometry of every slab of this cache. O(1).
  [[nodiscard]] constexpr const Geometry& geometry() const noexcept { return geometry_.get(); }

  /// Counted where slabs change. Asked in an interrupt it may be off by a slab and its objects; nothing wraps. O(1).
  [[nodiscard]] CacheStatistics statistics() const noexcept {
    const auto at_most = [](std::size_t n, std::size_t most) { return n < most ? n : most; };
    const std::size_t slabs = all_slabs_.size(), slots = slabs * objects_per_slab();
    const std::size_t not_full = partial_.size() + empty_.size() + (current_ != nullptr);
    const std::size_t in_current = current_ ? slots_.used : 0;
    std::size_t allocated = at_most(allocated_elsewhere_ + in_current, slots);
    allocated -= at_most(quarantined(), allocated);
    CacheStatistics result{.full_slabs = slabs - at_most(not_full, slabs),
                           .partial_slabs = partial_.size(),
                           .empty_slabs = empty_.size(),
                           .allocated_objects = allocated,
                           .free_objects = slots - allocated,
                           .set_aside_slabs = set_aside_.count};
    if (current_)
      ++(in_current == 0                    ? result.empty_slabs
         : in_current == objects_per_slab() ? result.full_slabs
                                            : result.partial_slabs);
    return result;
  }

  /// Whether every internal invariant holds. Never calls the backend, and may be called from its
  /// functions. O(slots + slabs²).
  [[nodiscard]] bool audit() const noexcept { return find_audit_failure() == AuditFailure::None; }

  /// The first internal invariant that does not hold. O(slots + slabs²).
  [[nodiscard]] AuditFailure find_audit_failure() const noexcept { return Audit{*this}.find_failure(); }

 private:
  template <class, class, class>
  friend class CacheSlabs;
  template <class, class, class>
  friend class CacheCore;
  template <class, class>
  friend class LockedCache;
  static constexpr Row row = GeometrySource::row;
  static constexpr bool checks = Policy::checks;
  static constexpr bool guards = has_guards<Policy>;
  using PolicyType = Policy;
  using Guard = SlotGuard<Policy>;
  using Info = SlabInfo;
  using Audit = CacheAudit<CacheState>;
  using Repair = CacheRepair<CacheState>;
  using Guards = CacheGuards<CacheState>;
  static_assert(checks || !guards,
                "slab: red_zone_bytes, verify_pattern, quarantine_objects, zero and track_callers "
                "need Policy::checks");
  using Slots = std::conditional_t<checks, TabledSlots, LinkedSlots>;

  /// What slab_ is while no slab is current: no object has an address there.
  static constexpr std::uintptr_t no_slab = std::uintptr_t{1} << 63;

  constexpr CacheState(GeometrySource geometry, Backend& backend) noexcept
      : geometry_{geometry}, slots_{no_slots()}, supply_{backend} {
    if (checks && !std::is_constant_evaluated()) incarnation_.take();
  }
  ~CacheState() = default;

  [[nodiscard]] constexpr std::size_t objects_per_slab() const noexcept { return geometry().objects_per_slab(); }
  [[nodiscard]] static std::uintptr_t address(const void* pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
  }

  /// What a SlabInfo says of its owner.
  [[nodiscard]] std::uintptr_t tag() const noexcept { return incarnation_.tag_of(address(this)); }

  [[nodiscard]] constexpr Slots new_slots() const noexcept { return Slots::unused(geometry().entry_size()); }
  [[nodiscard]] constexpr Slots full_slots() const noexcept {
    return Slots::full(geometry().entry_size(), objects_per_slab());
  }
  /// What slots_ is while no slab is current: nothing to take or carve, not empty and, Checked, nothing to free.
  [[nodiscard]] constexpr Slots no_slots() const noexcept {
    Slots slots = full_slots();
    if constexpr (checks) slots.carved = 0;
    return slots;
  }
  [[nodiscard]] static Slots& slots_in(SlabInfo& info) noexcept { return info.template slots<Slots>(); }
  [[nodiscard]] const Slots& slots_of(const SlabInfo& info) const noexcept {
    return &info == current_ ? slots_ : slots_in(const_cast<SlabInfo&>(info));
  }
  void write_slots(SlabInfo& info, const Slots& slots) noexcept {
    slots_in(info) = slots;
    if constexpr (checks) info.tabled.slots_seal = seal_of(slots, set_aside_.key);
  }

  [[nodiscard]] std::byte* table_of(const SlabInfo& info) const noexcept {
    return reinterpret_cast<std::byte*>(address(&info + 1) - geometry().slab_info_size());
  }
  [[nodiscard]] std::uintptr_t base_of(const SlabInfo& info) const noexcept {
    if constexpr (row == Row::Large)
      return address(info.slab);
    else
      return address(&info + 1) - geometry().slab_size();
  }
  /// The SlabInfo of the slab that `object` points into; null for a page that the map does not know.
  [[nodiscard]] SlabInfo* find_owner(void* object) noexcept {
    const auto page = address(object) & ~std::uintptr_t{geometry().page_size() - 1};
    if constexpr (guards)
      if (object == guards_.leaving.object) return guards_.leaving.info;
    if constexpr (row == Row::SmallSinglePage)
      return reinterpret_cast<SlabInfo*>(page + geometry().page_size() - sizeof(SlabInfo));
    else
      return supply_.look_up(page);
  }
  /// Whether a slab of the cache has this address. O(slabs).
  [[nodiscard]] bool holds(const void* object) const noexcept
    requires(checks)
  {
    bool is_held = false;
    all_slabs_.for_each_sound(set_aside_.key, [&](const SlabInfo& info) {
      is_held |= address(object) - base_of(info) < geometry().slab_size();
    });
    return is_held;
  }

  /// Calls `visit` with each allocated object. Has no destructor to run: on_misuse may leave a destruction.
  template <class F>
  void visit_live(F visit) const {
    all_slabs_.for_each_sound(set_aside_.key, [&](SlabInfo& info) {
      if (&info != current_ && !has_sound_slots(info, set_aside_.key)) return;
      with_table(table_of(info), geometry().entry_size(), [&](auto table) {
        for (std::size_t i = 0; i < slots_of(info).carved; ++i)
          if (table.is_live(i)) visit(static_cast<void*>(info.slab + i * geometry().stride()));
      });
    });
  }

  /// Objects that count as used in their slabs, and are free. O(quarantine_objects) where one slab's are asked for.
  [[nodiscard]] std::size_t quarantined() const noexcept {
    if constexpr (guards) return guards_.quarantine.size();
    return 0;
  }
  [[nodiscard]] std::size_t quarantined_in([[maybe_unused]] const SlabInfo& info) const noexcept {
    if constexpr (guards) return guards_.quarantine.count_in(info);
    return 0;
  }

  [[nodiscard]] std::size_t count_empty() const noexcept { return empty_.size() + (slots_.used == 0); }

  void set_current(SlabInfo& info, const Slots& slots) noexcept {
    current_ = &info;
    slab_ = base_of(info);
    if constexpr (checks) table_ = table_of(info);
    slots_ = slots;
  }
  void forget_current() noexcept {
    current_ = nullptr;
    slab_ = no_slab;
    table_ = nullptr;
    slots_ = no_slots();
  }

  // Misuse and damage. `caller` is told where something is reported.

  /// The caller of the alloc() or free() that is at work, if it was noted, or else what is given.
  [[nodiscard]] const void* caller_or(const void* caller) const noexcept {
    if constexpr (guards) return guards_.caller;
    return caller;
  }
  void report(Misuse kind, const void* pointer, const void* caller) noexcept { tell(describe(kind, pointer, caller)); }
  void tell(const MisuseReport& report) noexcept {
    if constexpr (guards) {
      const std::size_t trimmed_slabs = guards_.trimmed_slabs;  // without those that on_misuse has the cache give back
      Policy::on_misuse(report);
      guards_.trimmed_slabs = trimmed_slabs;
    } else {
      Policy::on_misuse(report);
    }
  }
  [[nodiscard]] MisuseReport describe(Misuse kind, const void* pointer, const void* caller) const noexcept {
    Callers callers;
    if constexpr (Policy::track_callers)
      if (kind == Misuse::DoubleFree || kind == Misuse::LiveAtDestruction)
        callers = Guard{geometry(), const_cast<void*>(pointer)}.callers();
    return describe(kind, pointer, caller, callers);
  }
  [[nodiscard]] MisuseReport describe(Misuse kind, const void* pointer, const void* caller,
                                      const Callers& callers) const noexcept {
    MisuseReport report{kind, pointer, this, caller, geometry().object_size(), Policy::name};
    report.allocated_by = callers.allocated_by, report.freed_by = callers.freed_by;
    return report;
  }
  [[gnu::cold, gnu::noinline]] void report_change(Misuse kind, const void* slot, const void* caller,
                                                  const Change& change, const Callers& callers) noexcept {
    MisuseReport report = describe(kind, slot, caller, callers);
    report.offset = change.offset, report.changed_bytes = change.size;
    __builtin_memcpy(report.found, change.found, sizeof report.found);
    tell(report);
  }

  /// Whether memory that the backend hands out may be the SlabInfo of a slab of this cache (Checked). O(slabs).
  [[nodiscard]] bool is_ours(const SlabInfo& info) noexcept {
    return load_unknown(&info.owner) == tag() &&
           (Repair{*this}.knows(info) || set_aside_.has_unreached() || find_damaged());
  }
  /// Whether what is known of a slab is what the cache wrote.
  [[nodiscard, gnu::always_inline]] bool is_sound(const SlabInfo& info) const noexcept
    requires(checks)
  {
    return has_sound_links(info, set_aside_.key) && (&info == current_ || has_sound_slots(info, set_aside_.key));
  }
  /// A slab with damage that can be seen, null if there is none. O(slabs).
  [[nodiscard]] SlabInfo* find_damaged() const noexcept
    requires(checks)
  {
    SlabInfo* damaged = nullptr;
    const auto gap = all_slabs_.for_each_sound(set_aside_.key, [&](SlabInfo& info) {
      if (!is_sound(info)) damaged = &info;
    });
    return gap.first ? gap.first : damaged;
  }
  /// The same, where no seal is damaged also one whose table of slots is, and which of both. O(slots).
  [[nodiscard]] SlabInfo* find_damaged_for_good(Misuse& kind) const noexcept
    requires(checks)
  {
    kind = Misuse::CorruptedSlabInfo;
    SlabInfo* damaged = find_damaged();
    if (damaged) return damaged;
    kind = Misuse::CorruptedFreeList;
    all_slabs_.for_each([&](SlabInfo& info) {
      if (!Audit{*this}.has_sound_free_list(info)) damaged = &info;
    });
    return damaged;
  }
  friend Inspector;
  friend CacheAudit<CacheState>;
  friend CacheRepair<CacheState>;
  friend CacheGuards<CacheState>;

  [[no_unique_address]] GeometrySource geometry_;
  [[no_unique_address]] mutable BusyMark<checks> busy_;
  Slots slots_;  // of the current slab
  std::uintptr_t slab_ = no_slab;  // the current slab
  std::byte* table_ = nullptr;  // its table of slots
  SlabInfo* current_ = nullptr;  // its SlabInfo
  SlabSupply<row, Backend> supply_;
  StateList<checks> partial_;
  StateList<checks> empty_;
  AllSlabs<checks> all_slabs_;
  [[no_unique_address]] SetAside<checks> set_aside_;
  [[no_unique_address]] Incarnation<checks> incarnation_;
  [[no_unique_address]] GuardStateOf<Policy> guards_;
  std::size_t allocated_elsewhere_ = 0;  // objects of slabs that are not current
  std::size_t kept_slabs_ = Policy::empty_slabs_kept;  // so many empty ones may stay
};

}  // namespace slab::detail

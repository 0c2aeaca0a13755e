#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include <slab/busy_mark.hpp>
#include <slab/cache_audit.hpp>
#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>
#include <slab/policy.hpp>
#include <slab/slab_info.hpp>
#include <slab/slab_list.hpp>
#include <slab/slab_supply.hpp>
#include <slab/slots.hpp>
#include <slab/statistics.hpp>

namespace slab::detail {

/// The algorithm of both caches; Cache and DynamicCache differ in `GeometrySource` only, which has `static constexpr
/// Row row`, `const Geometry& get() const` and Geometry's locate(). Trivially destructible: the
/// caches call destroy(), Immortal does not.
///
/// Objects come from the current slab, whose free slots and counts are kept in the cache itself: while it has a free
/// slot, alloc() and a free() to it touch the cache and, Unchecked, the object, Checked, the slab's table of slots. A
/// slab becomes current when an object in it is freed while it is full, or when alloc() takes it because the current
/// one is full. A full slab that is not current is on no list:
///
///       current slab <---- alloc() takes the first partial slab, or else an empty or a new one ----.
///         |     ^   |                                                                              |
///    full |     |   | another becomes current                                                      |
///         v     |   v                       free, to the last object                               |
///        full --'  partial ---------------------------------------------------> empty -------------'
///            free
///
/// docs/policy.md has the reasons. While a Checked cache is at work it is marked as busy: a call from a function of its
/// backend, from on_misuse or from an interrupt is refused.
template <class GeometrySource, class Backend, class Policy>
class CacheCore {
  static constexpr Row row = GeometrySource::row;
  static constexpr bool checks = Policy::checks;
  using Slots = std::conditional_t<checks, TabledSlots, LinkedSlots>;

 public:
  CacheCore(const CacheCore&) = delete;
  CacheCore& operator=(const CacheCore&) = delete;

  /// One object of geometry().object_size() bytes, uninitialised, aligned to object_align().
  /// Null when the backend refuses a slab, a SlabInfo or a map entry, or hands out misaligned
  /// memory; the cache is then as it was (B15). O(1), plus at most one slab from the backend.
  /// Slab layout after Bonwick, USENIX Summer 1994, section 3.
  [[nodiscard]] void* alloc() noexcept { return alloc(Growth::Allowed); }

  /// Like alloc(), but never calls the backend: null when no slab has a free object. O(1).
  [[nodiscard]] void* alloc_no_grow() noexcept { return alloc(Growth::Forbidden); }

  /// Makes slabs until `n` objects can be allocated without the backend, and keeps as many empty
  /// slabs as `n` objects need until the next reserve() or shrink(). False when the backend refuses, and at
  /// once for more slabs than there are addresses; the cache is then as it was. O(slabs made or given back).
  [[nodiscard]] bool reserve(std::size_t n) noexcept {
    if (busy_.is_set()) [[unlikely]]
      return refuse(nullptr), false;
    busy_.enter();
    const bool is_reserved = make_slabs_for(n);
    if (is_reserved) {
      keep(n / objects_per_slab() + (n % objects_per_slab() != 0));
      trim();
    }
    busy_.leave();
    return is_reserved;
  }

  /// Returns `object`, which alloc() of this cache handed out; null does nothing. Checked: anything
  /// else is reported and ignored. Unchecked: undefined. O(1), plus at most one slab given back and,
  /// in rows with a SlabInfo map, one look-up for an object that is not of the current slab.
  void free(void* object) noexcept {
    if (!object) return;
    if (busy_.is_set()) [[unlikely]]
      return refuse(object);
    busy_.enter();
    const std::size_t offset = address(object) - slab_;
    if constexpr (checks) {
      const auto at = geometry_.locate(offset);
      if (at.index >= slots_.carved) [[unlikely]]
        return free_elsewhere(object);
      if (!put_slot(*current_, table_, slots_, object, at)) [[unlikely]]
        return misused_in(*current_, object);
    } else {
      if (offset >= geometry().slab_size()) return free_elsewhere(object);
      put_slot(*current_, slots_, object);
    }
    --slots_.used;
    if (slots_.used == 0 && empty_.size() >= kept_slabs_) [[unlikely]]
      return trim_and_leave();
    busy_.leave();
  }

  /// Gives every empty slab back and forgets reserve(). Returns how many. O(empty slabs).
  std::size_t shrink() noexcept {
    if (busy_.is_set()) [[unlikely]]
      return refuse(nullptr), 0;
    busy_.enter();
    keep(0);
    const std::size_t released = release_empty_slabs(0);
    busy_.leave();
    return released;
  }

  /// Counted where slabs change. Asked in an interrupt it may be off by a slab and its objects; nothing wraps. O(1).
  [[nodiscard]] CacheStatistics statistics() const noexcept {
    const auto at_most = [](std::size_t n, std::size_t most) { return n < most ? n : most; };
    const std::size_t slabs = all_slabs_.size(), slots = slabs * objects_per_slab();
    const std::size_t not_full = partial_.size() + empty_.size() + (current_ != nullptr);
    const std::size_t in_current = current_ ? slots_.used : 0;
    const std::size_t allocated = at_most(allocated_elsewhere_ + in_current, slots);
    CacheStatistics result{.full_slabs = slabs - at_most(not_full, slabs),
                           .partial_slabs = partial_.size(),
                           .empty_slabs = empty_.size(),
                           .allocated_objects = allocated,
                           .free_objects = slots - allocated};
    if (current_)
      ++(in_current == 0                    ? result.empty_slabs
         : in_current == objects_per_slab() ? result.full_slabs
                                            : result.partial_slabs);
    return result;
  }

  /// Calls `visit(void*)` with each allocated object, in no particular order. `visit` must not call
  /// the cache. O(slots ever used).
  template <class F>
  void for_each_live(F visit) const
    requires(checks)
  {
    all_slabs_.for_each([&](SlabInfo& info) {
      with_table(table_of(info), geometry().entry_size(), [&](auto table) {
        for (std::size_t i = 0; i < slots_of(info).carved; ++i)
          if (table.is_live(i)) visit(static_cast<void*>(info.slab + i * geometry().stride()));
      });
    });
  }

  /// Whether every internal invariant holds. Never calls the backend, and may be called from its
  /// functions. O(slots).
  [[nodiscard]] bool audit() const noexcept { return find_audit_failure() == AuditFailure::None; }

  /// The first internal invariant that does not hold. O(slots).
  [[nodiscard]] AuditFailure find_audit_failure() const noexcept { return CacheAudit<CacheCore>{*this}.find_failure(); }

  /// The geometry of every slab of this cache. O(1).
  [[nodiscard]] constexpr const Geometry& geometry() const noexcept { return geometry_.get(); }

 protected:
  /// Calls no function of `backend`. O(1).
  constexpr CacheCore(GeometrySource geometry, Backend& backend) noexcept
      : geometry_{geometry}, slots_{no_slots()}, supply_{backend} {}
  ~CacheCore() = default;

  /// Reports every live object, leaves their slabs alone and gives the empty ones back. The slabs
  /// that stay lose their owner, since another cache may later be made at this address.
  void destroy() noexcept {
    busy_.enter();
    if constexpr (checks) for_each_live([this](void* object) { report(Misuse::LiveAtDestruction, object); });
    release_empty_slabs(0);
    all_slabs_.for_each([](SlabInfo& info) { info.owner = nullptr; });
  }

 private:
  enum class Growth : std::uint8_t { Allowed, Forbidden };

  /// What slab_ is while no slab is current: no object has an address there.
  static constexpr std::uintptr_t no_slab = std::uintptr_t{1} << 63;

  [[nodiscard]] constexpr std::size_t objects_per_slab() const noexcept { return geometry().objects_per_slab(); }
  [[nodiscard]] static std::uintptr_t address(const void* pointer) noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer);
  }

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

  /// A call while the cache is at work.
  [[gnu::cold, gnu::noinline]] void refuse(const void* object) noexcept { report(Misuse::ReentrantCall, object); }
  [[gnu::cold, gnu::noinline]] void report(Misuse kind, const void* pointer) noexcept {
    Policy::on_misuse(MisuseReport{kind, pointer, this});
  }

  // Slots.

  [[nodiscard, gnu::always_inline]] void* alloc(Growth growth) noexcept {
    if (busy_.is_set()) [[unlikely]]
      return refuse(nullptr), nullptr;
    busy_.enter();
    void* slot;
    if (take_slot(slot)) [[likely]]
      return busy_.leave(), slot;
    return alloc_elsewhere(growth);
  }

  [[nodiscard]] std::byte* table_of(const SlabInfo& info) const noexcept {
    return reinterpret_cast<std::byte*>(address(&info + 1) - geometry().slab_info_size());
  }
  /// Takes a slot of the current slab. False: there is none, or what is known of the slab is damaged (Checked).
  [[nodiscard, gnu::always_inline]] bool take_slot(void*& slot) noexcept {
    if constexpr (checks) {
      std::size_t index;
      const bool is_taken = with_table(table_, geometry().entry_size(), [&](auto table) {
        if (slots_.has_freed()) return slots_.take(table, index);
        return table_ && slots_.carve(table, objects_per_slab(), index);
      });
      if (!is_taken) [[unlikely]]
        return false;
      slot = reinterpret_cast<void*>(slab_ + index * geometry().stride());
    } else {
      slot = slots_.take();
      if (!slot) [[unlikely]] {
        if (slots_.carved == objects_per_slab()) return false;
        slot = reinterpret_cast<void*>(slab_ + slots_.carved++ * geometry().stride());
      }
    }
    ++slots_.used;
    permit_object(current_, slot, geometry().object_size());
    return true;
  }

  /// Frees an object in the carved part of a slab; the caller counts it. False, with nothing changed, where there is no
  /// allocated object (Checked).
  [[nodiscard, gnu::always_inline]] bool put_slot(SlabInfo& info, std::byte* table, TabledSlots& slots, void* object,
                                                  typename GeometrySource::Position at) noexcept {
    const auto put = [&](auto entries) { return slots.put(entries, at.index); };
    if (!at.is_at_slot() || !with_table(table, geometry().entry_size(), put)) [[unlikely]]
      return false;
    forbid_object(&info, object, geometry().stride());
    return true;
  }
  [[gnu::always_inline]] void put_slot(SlabInfo& info, LinkedSlots& slots, void* object) noexcept {
    forbid_object(&info, object, geometry().stride());
    slots.put(object);
  }

  // Slabs that are not current.

  /// alloc() when the current slab has no free slot. Leaves.
  [[nodiscard, gnu::noinline]] void* alloc_elsewhere(Growth growth) noexcept {
    if (slots_.used == objects_per_slab()) {
      SlabInfo* const info = next_slab(growth);
      if (!info) return busy_.leave(), nullptr;
      make_current(*info, copy_of(slots_in(*info)), slots_in(*info).used);
    }
    void* slot = nullptr;
    if (!take_slot(slot) && checks) report(Misuse::CorruptedFreeList, reinterpret_cast<void*>(slab_));
    busy_.leave();
    return slot;
  }

  /// The slab that the next object comes from, on no list; null if there is none.
  [[nodiscard]] SlabInfo* next_slab(Growth growth) noexcept {
    if (SlabInfo* const info = partial_.front()) {
      partial_.remove(*info);
      return info;
    }
    SlabInfo* info = empty_.front();
    if (!info && growth == Growth::Allowed) info = make_slab();
    if (!info) return nullptr;
    empty_.remove(*info);
    return info;
  }

  /// Makes a slab current that is on no list; `counted` of its objects are in allocated_elsewhere_. The one that was
  /// current goes to the list that its used count names.
  void make_current(SlabInfo& info, Slots slots, std::size_t counted) noexcept {
    if (current_) {
      slots_in(*current_) = copy_of(slots_);
      allocated_elsewhere_ += slots_.used;
      if (slots_.used != objects_per_slab()) (slots_.used == 0 ? empty_ : partial_).push_front(*current_);
    }
    set_current(info, slots);
    allocated_elsewhere_ -= counted;
  }
  void set_current(SlabInfo& info, const Slots& slots) noexcept {
    current_ = &info;
    slab_ = base_of(info);
    if constexpr (checks) table_ = table_of(info);
    slots_ = slots;
  }

  /// free() of an object that is not in the carved part of the current slab. Leaves. What is rare is called last, so
  /// that no register need be saved.
  [[gnu::noinline]] void free_elsewhere(void* object) noexcept {
    SlabInfo* const info = find_owner(object);
    if constexpr (checks) {
      if (!info) [[unlikely]]
        return misused(Misuse::ForeignPointer, object);
      if (load_owner(&info->owner) != this) [[unlikely]]
        return misused(Misuse::OtherCache, object);
      if (info == current_) [[unlikely]]  // its carved slots were looked at before
        return misused_in(*info, object);
    }
    Slots slots = full_slots();
    if (!is_same(slots_in(*info), slots)) return free_in_partial(*info, object);
    if (!put_in(*info, slots, object)) [[unlikely]]
      return misused_in(*info, object);
    --slots.used;
    if (!current_ || slots_.used != objects_per_slab() || slots.used == 0) [[unlikely]]
      return make_current_and_leave(*info, slots);
    slots_in(*current_) = full_slots();
    set_current(*info, slots);
    busy_.leave();
  }
  [[gnu::noinline]] void make_current_and_leave(SlabInfo& info, Slots slots) noexcept {
    make_current(info, slots, objects_per_slab());
    if (slots.used == 0) return trim_and_leave();
    busy_.leave();
  }
  /// The same for a slab that has a free slot. Leaves.
  [[gnu::noinline]] void free_in_partial(SlabInfo& info, void* object) noexcept {
    Slots slots = copy_of(slots_in(info));
    if (!put_in(info, slots, object)) [[unlikely]]
      return misused_in(info, object);
    --allocated_elsewhere_;
    --slots.used;
    slots_in(info) = slots;
    if (slots.used != 0) return busy_.leave();
    partial_.remove(info);
    empty_.push_front(info);
    trim_and_leave();
  }
  /// put_slot() for a slab that is not current, and any pointer into it.
  [[nodiscard, gnu::always_inline]] bool put_in(SlabInfo& info, Slots& slots, void* object) noexcept {
    if constexpr (checks) {
      const auto at = geometry_.locate(address(object) - base_of(info));
      return at.index < slots.carved && put_slot(info, table_of(info), slots, object, at);
    } else {
      put_slot(info, slots, object);
      return true;
    }
  }
  [[gnu::cold, gnu::noinline]] void misused(Misuse kind, void* object) noexcept {
    report(kind, object);
    busy_.leave();
  }
  [[gnu::cold, gnu::noinline]] void misused_in(SlabInfo& info, void* object) noexcept {
    misused(misuse_at(geometry_, address(object) - base_of(info), slots_of(info).carved), object);
  }

  /// The SlabInfo of the slab that `object` points into; null for a page that the map does not know.
  [[nodiscard]] SlabInfo* find_owner(void* object) noexcept {
    const auto page = address(object) & ~std::uintptr_t{geometry().page_size() - 1};
    if constexpr (row == Row::SmallSinglePage)
      return reinterpret_cast<SlabInfo*>(page + geometry().page_size() - sizeof(SlabInfo));
    else
      return supply_.look_up(page);
  }
  [[nodiscard]] std::uintptr_t base_of(const SlabInfo& info) const noexcept {
    if constexpr (row == Row::Large)
      return address(info.slab);
    else
      return address(&info + 1) - geometry().slab_size();
  }

  /// A new slab on the empty list, or null.
  [[nodiscard]] SlabInfo* make_slab() noexcept {
    SlabInfo* const info = supply_.make(geometry(), this);
    if (!info) return nullptr;
    ::new (static_cast<void*>(&slots_in(*info))) Slots{new_slots()};
    forbid_slots(info, info->slab, geometry().slab_info_offset());
    all_slabs_.push_front(*info);
    empty_.push_front(*info);
    return info;
  }

  /// Makes as many slabs as `n` free objects take; false with none of them made.
  [[nodiscard]] bool make_slabs_for(std::size_t n) noexcept {
    const std::size_t free_objects = statistics().free_objects;
    if (n <= free_objects) return true;
    const std::size_t needed = (n - free_objects - 1) / objects_per_slab() + 1;
    if (needed > SIZE_MAX / geometry().slab_size() - all_slabs_.size()) return false;  // more than there are addresses
    if (!supply_.can_make(geometry(), needed)) return false;
    for (std::size_t made = 0; made < needed; ++made) {
      if (make_slab()) continue;
      for (; made > 0; --made) release(*empty_.front());
      return false;
    }
    return true;
  }

  /// Gives an empty slab back. Unlinked first: the backend may audit the cache.
  void release(SlabInfo& info) noexcept {
    if (&info == current_) {
      current_ = nullptr;
      slab_ = no_slab;
      table_ = nullptr;
      slots_ = no_slots();
    } else {
      empty_.remove(info);
    }
    all_slabs_.remove(info);
    permit_slots(&info, info.slab, geometry().slab_info_offset());
    supply_.give_back(geometry(), info);
  }

  /// Gives empty slabs back until `kept` are left, the current one last. Returns how many.
  std::size_t release_empty_slabs(std::size_t kept) noexcept {
    const std::size_t empty = empty_.size() + (slots_.used == 0);
    for (std::size_t left = empty; left > kept; --left) release(empty_.size() > 0 ? *empty_.front() : *current_);
    return empty > kept ? empty - kept : 0;
  }

  /// Lets as many empty slabs stay as the policy says, or `slabs` if that is more.
  void keep(std::size_t slabs) noexcept {
    kept_slabs_ = slabs > Policy::empty_slabs_kept ? slabs : Policy::empty_slabs_kept;
  }
  [[gnu::noinline]] void trim() noexcept { release_empty_slabs(kept_slabs_); }
  [[gnu::noinline]] void trim_and_leave() noexcept {
    trim();
    busy_.leave();
  }

  friend Inspector;
  template <class Core>
  friend class CacheAudit;

  [[no_unique_address]] GeometrySource geometry_;
  [[no_unique_address]] BusyMark<checks> busy_;
  Slots slots_;  // of the current slab
  std::uintptr_t slab_ = no_slab;  // the current slab
  std::byte* table_ = nullptr;  // its table of slots
  SlabInfo* current_ = nullptr;  // its SlabInfo
  SlabSupply<row, Backend> supply_;
  StateList partial_;
  StateList empty_;
  AllSlabs all_slabs_;
  std::size_t allocated_elsewhere_ = 0;  // objects of slabs that are not current
  std::size_t kept_slabs_ = Policy::empty_slabs_kept;  // so many empty ones may stay
};

}  // namespace slab::detail

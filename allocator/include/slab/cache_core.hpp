#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>
#include <slab/policy.hpp>
#include <slab/slab_info.hpp>
#include <slab/slab_list.hpp>
#include <slab/slab_supply.hpp>
#include <slab/statistics.hpp>

namespace slab {

/// The invariant of docs/invariants.md that find_audit_failure() found broken.
enum class AuditFailure : std::uint8_t {
  None,
  ListMembership,  ///< L1: a slab on a list that its used count does not name
  ListLinks,       ///< L2: links not symmetric, or a list's length wrong
  FreeList,        ///< L3: free list + uncarved rest != N - used, or an entry out of place
  Owner,           ///< L8: a slab of another cache on a list, or its base misplaced
};

namespace detail {

/// The algorithm of both caches; Cache and DynamicCache differ in `GeometrySource` only, which has
/// `static constexpr Row row` and `const Geometry& get() const`. Trivially destructible: the caches
/// call destroy(), Immortal does not.
///
/// Objects come from the current slab, whose free list and counts are kept in the cache itself:
/// while it has a free slot, alloc() and a free() to it touch only the cache, the object and, in
/// Checked, an allocated bit. It stays current until alloc() finds it full. Every other slab is on
/// the list that its used count names:
///
///       current slab <------------ alloc() takes the first of the fullest list ------------.
///            |                                                                             |
///            | full                                                                        |
///            v            free                              free                free       |
///          full ------------------> partial, bin 8 -> ... -> partial, bin 1 ------> empty  |
///                                         '-----------------------'-------------------'----'
///
/// docs/policy.md gives the bins. A slab that is not current has been carved completely or not at all.
template <class GeometrySource, class Backend, class Policy>
class CacheCore {
  static constexpr Row row = GeometrySource::row;
  static constexpr bool checks = Policy::checks;

 public:
  CacheCore(const CacheCore&) = delete;
  CacheCore& operator=(const CacheCore&) = delete;

  /// One object of geometry().object_size() bytes, uninitialised, aligned to object_align().
  /// Null when the backend refuses a slab, a SlabInfo or a map entry, or hands out misaligned
  /// memory; the cache is then as it was (B15). O(1), plus at most one slab from the backend.
  /// Slab layout after Bonwick, USENIX Summer 1994, section 3.
  [[nodiscard]] void* alloc() noexcept {
    if (reentered(nullptr)) return nullptr;
    return current_has_free_slot() ? take_slot(*current_, slab_, slots_) : alloc_elsewhere(Growth::Allowed);
  }

  /// Like alloc(), but never calls the backend: null when no slab has a free object. O(1).
  [[nodiscard]] void* alloc_no_grow() noexcept {
    if (reentered(nullptr)) return nullptr;
    return current_has_free_slot() ? take_slot(*current_, slab_, slots_) : alloc_elsewhere(Growth::Forbidden);
  }

  /// Makes slabs until `n` objects can be allocated without the backend, and keeps as many empty
  /// slabs as `n` objects need until the next reserve() or shrink(). False when the backend refuses;
  /// the cache is then as it was. O(slabs).
  [[nodiscard]] bool reserve(std::size_t n) noexcept {
    if (reentered(nullptr)) return false;
    std::size_t made = 0;
    for (std::size_t available = statistics().free_objects; available < n; available += objects_per_slab(), ++made) {
      if (make_slab()) continue;
      for (; made > 0; --made) release(*lists_[empty_list].front());
      return false;
    }
    reserved_slabs_ = 0;
    for (std::size_t objects = 0; objects < n; objects += objects_per_slab()) ++reserved_slabs_;
    trim();
    return true;
  }

  /// Gives back `object`, which alloc() of this cache returned; null does nothing. Checked: anything
  /// else is reported and ignored. Unchecked: undefined. O(1), plus at most one slab given back and,
  /// in rows with a SlabInfo map, one look-up for an object that is not of the current slab.
  void free(void* object) noexcept {
    if (!object || reentered(object)) return;
    const std::size_t offset = distance(slab_, object);
    if (offset >= slab_bytes_) return free_elsewhere(object);
    if (put_slot(*current_, slots_, object, offset) && slots_.used == 0) trim();
  }

  /// Gives every empty slab back and forgets reserve(). Returns how many. O(empty slabs).
  std::size_t shrink() noexcept {
    if (reentered(nullptr)) return 0;
    reserved_slabs_ = 0;
    return release_empty_slabs(0);
  }

  /// Derived when asked for. O(partial slabs).
  [[nodiscard]] CacheStatistics statistics() const noexcept {
    std::size_t partial = 0, empty = empty_slabs_, allocated = 0;
    for (std::size_t list = empty_list + 1; list < full_list; ++list)
      for (const SlabInfo* info = lists_[list].front(); info; info = info->next) {
        ++partial;
        allocated += info->used;
      }
    std::size_t full = slabs_ - partial - empty - (current_ != nullptr);
    allocated += full * objects_per_slab();
    if (current_) {
      const std::size_t list = list_of(slots_.used);
      empty += list == empty_list;
      full += list == full_list;
      partial += list != empty_list && list != full_list;
      allocated += slots_.used;
    }
    return {.full_slabs = full,
            .partial_slabs = partial,
            .empty_slabs = empty,
            .allocated_objects = allocated,
            .free_objects = slabs_ * objects_per_slab() - allocated};
  }

  /// Calls `visit(void*)` with each allocated object, in no particular order. `visit` must not call
  /// the cache. O(slots ever used).
  template <class F>
  void for_each_live(F visit) const
    requires(checks)
  {
    for_each_slab([&](const SlabInfo& info) {
      for (std::size_t i = 0; i < slots_of(info).carved; ++i)
        if (info.is_allocated(i)) visit(static_cast<void*>(info.slab + i * geometry().stride()));
    });
  }

  /// Whether every internal invariant holds. Never calls the backend, and may be called from its
  /// functions. O(slots).
  [[nodiscard]] bool audit() const noexcept { return find_audit_failure() == AuditFailure::None; }

  /// The first internal invariant that does not hold. O(slots).
  [[nodiscard]] AuditFailure find_audit_failure() const noexcept {
    std::size_t slabs = 0;
    if (current_) {
      ++slabs;
      if (current_->next || current_->previous) return AuditFailure::ListLinks;
      if (const auto failure = audit_slab(*current_); failure != AuditFailure::None) return failure;
    }
    if (slab_ != (current_ ? current_->slab : nullptr) || slab_bytes_ != (current_ ? geometry().slab_size() : 0))
      return AuditFailure::Owner;
    for (std::size_t list = 0; list < list_count; ++list) {
      const std::size_t before = slabs;
      const SlabInfo* previous = nullptr;
      for (const SlabInfo* info = lists_[list].front(); info; previous = info, info = info->next) {
        if (info->previous != previous || ++slabs > slabs_ || info == current_) return AuditFailure::ListLinks;
        if (list_of(info->used) != list) return AuditFailure::ListMembership;
        if (const auto failure = audit_slab(*info); failure != AuditFailure::None) return failure;
      }
      if (list == empty_list && slabs - before != empty_slabs_) return AuditFailure::ListLinks;
    }
    return slabs == slabs_ ? AuditFailure::None : AuditFailure::ListLinks;
  }

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
    if constexpr (checks) for_each_live([this](void* object) { report(Misuse::LiveAtDestruction, object); });
    release_empty_slabs(0);
    for_each_slab([](SlabInfo& info) { info.owner = nullptr; });
  }

 private:
  enum class Growth : std::uint8_t { Allowed, Forbidden };

  // Which list a slab is on.
  static constexpr std::size_t bins = 8, empty_list = 0, full_list = bins + 1, list_count = bins + 2;

  /// Slabs whose used counts differ only in the lowest bin_shift() bits share a bin: eight bins or
  /// fewer, since used < N <= 8 << bin_shift().
  [[nodiscard]] constexpr unsigned bin_shift() const noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(objects_per_slab() - 1));
    return width > 3 ? width - 3 : 0;
  }
  [[nodiscard]] std::size_t list_of(std::uint32_t used) const noexcept {
    if (used == 0) return empty_list;
    return used == objects_per_slab() ? full_list : 1 + (used >> bin_shift());
  }

  [[nodiscard]] constexpr std::size_t objects_per_slab() const noexcept { return geometry().objects_per_slab(); }

  /// The value of slots_ while no slab is current: no slot can be taken.
  [[nodiscard]] constexpr Slots no_slots() const noexcept {
    const auto all = static_cast<std::uint32_t>(objects_per_slab());
    return {.free_head = nullptr, .used = all, .carved = all};
  }
  [[nodiscard]] bool current_has_free_slot() const noexcept {
    return slots_.free_head || slots_.carved != objects_per_slab();
  }
  [[nodiscard]] const Slots& slots_of(const SlabInfo& info) const noexcept { return &info == current_ ? slots_ : info; }

  /// Tells the compiler an invariant that audit() checks: with a constant geometry of at most 64
  /// objects a slab it then knows that there is one word of allocated bits.
  [[nodiscard]] std::size_t carved_of(const Slots& slots) const noexcept {
    if (slots.carved > objects_per_slab()) __builtin_unreachable();
    return slots.carved;
  }

  [[nodiscard]] static std::size_t distance(const void* from, const void* to) noexcept {
    return reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from);
  }

  [[nodiscard]] bool reentered(const void* object) noexcept {
    if (!supply_.busy()) [[likely]]
      return false;
    report(Misuse::ReentrantCall, object);
    return true;
  }

  [[gnu::cold, gnu::noinline]] void report(Misuse kind, const void* pointer) noexcept {
    Policy::on_misuse(MisuseReport{kind, pointer, this});
  }

  // Slots.

  /// Requires a free slot. Null when the slab's free list is damaged (Checked; reported, nothing changed).
  [[nodiscard]] void* take_slot(SlabInfo& info, std::byte* slab, Slots& slots) noexcept {
    void* slot = slots.free_head;
    std::size_t index = slots.carved;
    if (slot) [[likely]] {
      void* const next = load_link(slot);
      if constexpr (checks) {
        if (!is_sound(info, slab, slots, slot, next)) [[unlikely]]
          return report(Misuse::CorruptedFreeList, slot), nullptr;
        index = geometry().slot_index(distance(slab, slot));
      }
      slots.free_head = next;
    } else {
      slot = slab + index * geometry().stride();
      ++slots.carved;
      if constexpr (checks) info.clear_word_at(index);
    }
    ++slots.used;
    if constexpr (checks) info.set_allocated(index);
    permit_object(&info, slot, geometry().object_size());
    return slot;
  }

  /// False when there is no allocated slot at `object`, `offset` bytes into the slab (Checked;
  /// reported, nothing changed). Does not move the slab to another list.
  [[nodiscard]] bool put_slot(SlabInfo& info, Slots& slots, void* object, std::size_t offset) noexcept {
    if constexpr (checks) {
      const std::size_t index = geometry().slot_index(offset);
      if (index >= carved_of(slots) || index * geometry().stride() != offset || !info.is_allocated(index)) [[unlikely]]
        return report(misuse_at(offset, slots.carved), object), false;
      info.clear_allocated(index);
    }
    forbid_object(&info, object, geometry().stride());
    store_link(object, slots.free_head);
    slots.free_head = object;
    --slots.used;
    return true;
  }

  /// Whether the link `next` in the free slot `slot` can be followed. The list holds exactly the
  /// carved slots that are not used, so the last of them, and no other, has a null link. A link back
  /// to its own slot would hand that slot out twice.
  [[nodiscard]] bool is_sound(const SlabInfo& info, const std::byte* slab, const Slots& slots, const void* slot,
                              const void* next) const noexcept {
    const bool is_last = slots.carved - slots.used == 1;
    if (!next || is_last) return !next && is_last;
    return next != slot && is_free_slot(info, slab, slots, next);
  }

  /// Whether a carved slot of the slab begins at `pointer` that no bit marks as allocated.
  [[nodiscard]] bool is_free_slot(const SlabInfo& info, const std::byte* slab, const Slots& slots,
                                  const void* pointer) const noexcept {
    const std::size_t offset = distance(slab, pointer);  // wraps below the slab: then the index is too large
    const std::size_t index = geometry().slot_index(offset);
    return index < carved_of(slots) && index * geometry().stride() == offset && !(checks && info.is_allocated(index));
  }

  /// The misuse of freeing a pointer `offset` bytes into a slab of this cache that is no allocated object.
  [[nodiscard]] Misuse misuse_at(std::size_t offset, std::uint32_t carved) const noexcept {
    const std::size_t index = geometry().slot_index(offset);
    if (offset >= geometry().slab_info_offset()) return Misuse::SlabInfoPointer;
    if (index >= objects_per_slab()) return Misuse::TailWastePointer;
    if (index * geometry().stride() != offset) return Misuse::InteriorPointer;
    return index >= carved ? Misuse::NeverAllocated : Misuse::DoubleFree;
  }

  // Slabs that are not current.

  /// alloc() when the current slab has no free slot.
  [[nodiscard, gnu::noinline]] void* alloc_elsewhere(Growth growth) noexcept {
    SlabInfo* info = nullptr;
    for (std::size_t list = full_list; !info && list-- > empty_list;) info = lists_[list].front();
    if (!info && growth == Growth::Allowed) info = make_slab();
    if (!info) return nullptr;
    Slots slots = *info;
    void* const slot = take_slot(*info, info->slab, slots);
    if (!slot) return nullptr;
    unlist(*info);
    if (current_) {
      static_cast<Slots&>(*current_) = slots_;
      lists_[full_list].push_front(*current_);
    }
    current_ = info;
    slab_ = info->slab;
    slab_bytes_ = geometry().slab_size();
    slots_ = slots;
    return slot;
  }

  /// free() of an object that is not in the current slab.
  [[gnu::noinline]] void free_elsewhere(void* object) noexcept {
    SlabInfo* const info = find_owner(object);
    if constexpr (checks) {
      if (!info) return report(Misuse::ForeignPointer, object);
      if (load_owner(&info->owner) != this) return report(Misuse::OtherCache, object);
    }
    const std::size_t before = list_of(info->used);
    if (!put_slot(*info, *info, object, distance(info->slab, object))) return;
    const std::size_t after = list_of(info->used);
    if (after == before) return;
    lists_[before].remove(*info);
    lists_[after].push_front(*info);
    if (after != empty_list) return;
    ++empty_slabs_;
    trim();
  }

  /// The SlabInfo of the slab that `object` points into; null for a page that the map does not know.
  [[nodiscard]] SlabInfo* find_owner(void* object) noexcept {
    const auto page = reinterpret_cast<std::uintptr_t>(object) & ~std::uintptr_t{geometry().page_size() - 1};
    if constexpr (row == Row::SmallSinglePage)
      return reinterpret_cast<SlabInfo*>(page + geometry().page_size() - sizeof(SlabInfo));
    else
      return supply_.look_up(page);
  }

  /// A new slab on the empty list, or null.
  [[nodiscard]] SlabInfo* make_slab() noexcept {
    SlabInfo* const info = supply_.make(geometry(), this);
    if (!info) return nullptr;
    forbid_slots(info, info->slab, geometry().slab_info_offset());
    lists_[empty_list].push_front(*info);
    ++empty_slabs_;
    ++slabs_;
    return info;
  }

  void unlist(SlabInfo& info) noexcept {
    lists_[list_of(info.used)].remove(info);
    if (info.used == 0) --empty_slabs_;
  }

  /// Gives an empty slab back. Unlinked first: the backend may audit the cache.
  void release(SlabInfo& info) noexcept {
    if (&info == current_) {
      current_ = nullptr;
      slab_ = nullptr;
      slab_bytes_ = 0;
      slots_ = no_slots();
    } else {
      unlist(info);
    }
    --slabs_;
    permit_slots(&info, info.slab, geometry().slab_info_offset());
    supply_.give_back(geometry(), info);
  }

  /// Gives empty slabs back until `kept` are left, the current one last. Returns how many.
  std::size_t release_empty_slabs(std::size_t kept) noexcept {
    const std::size_t empty = empty_slabs_ + (slots_.used == 0);
    for (std::size_t left = empty; left > kept; --left)
      release(empty_slabs_ > 0 ? *lists_[empty_list].front() : *current_);
    return empty > kept ? empty - kept : 0;
  }

  [[gnu::noinline]] void trim() noexcept {
    const std::size_t kept = Policy::empty_slabs_kept;
    release_empty_slabs(kept > reserved_slabs_ ? kept : reserved_slabs_);
  }

  // Auditing.

  /// Every slab except the empty ones that are not current.
  template <class F>
  void for_each_slab(F visit) const {
    if (current_) visit(*current_);
    for (std::size_t list = empty_list + 1; list < list_count; ++list)
      for (SlabInfo* info = lists_[list].front(); info; info = info->next) visit(*info);
  }

  [[nodiscard]] AuditFailure audit_slab(const SlabInfo& info) const noexcept {
    const auto base = reinterpret_cast<std::uintptr_t>(info.slab);
    if (info.owner != this || base == 0 || (base & (geometry().page_size() - 1)) != 0) return AuditFailure::Owner;
    if (row != Row::Large && base + geometry().slab_size() != reinterpret_cast<std::uintptr_t>(&info + 1))
      return AuditFailure::Owner;
    const Slots& slots = slots_of(info);
    if (slots.used > slots.carved || slots.carved > objects_per_slab()) return AuditFailure::FreeList;
    // A list that ends after `free` entries has visited none twice.
    const std::size_t free = slots.carved - slots.used;
    std::size_t length = 0;
    for (const void* slot = slots.free_head; slot; slot = load_link(slot))
      if (++length > free || !is_free_slot(info, info.slab, slots, slot)) return AuditFailure::FreeList;
    if (length != free) return AuditFailure::FreeList;
    if constexpr (checks) {
      std::size_t allocated = 0;
      for (std::size_t i = 0; i < slots.carved; ++i) allocated += info.is_allocated(i);
      if (allocated != slots.used) return AuditFailure::FreeList;
    }
    return AuditFailure::None;
  }

  friend Inspector;

  [[no_unique_address]] GeometrySource geometry_;
  Slots slots_;                  // of the current slab
  std::byte* slab_ = nullptr;    // the current slab
  std::size_t slab_bytes_ = 0;   // its size; 0 when there is none, so that no pointer lies in it
  SlabInfo* current_ = nullptr;  // its SlabInfo
  SlabSupply<row, Backend, checks> supply_;
  SlabList lists_[list_count];
  std::size_t slabs_ = 0;        // the current one included
  std::size_t empty_slabs_ = 0;  // on their list
  std::size_t reserved_slabs_ = 0;
};

}  // namespace detail
}  // namespace slab

#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/cache_slabs.hpp>

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
/// backend, a visitor, an interrupt, or the on_misuse of ReentrantCall and LiveAtDestruction is refused.
template <class GeometrySource, class Backend, class Policy>
class CacheCore : public CacheSlabs<GeometrySource, Backend, Policy> {
  using Slabs = CacheSlabs<GeometrySource, Backend, Policy>;
  using Slabs::empty_, Slabs::all_slabs_, Slabs::set_aside_, Slabs::allocated_elsewhere_, Slabs::kept_slabs_;
  using Slabs::geometry_, Slabs::busy_, Slabs::slots_, Slabs::slab_, Slabs::table_, Slabs::current_, Slabs::partial_;
  using Slabs::objects_per_slab, Slabs::base_of, Slabs::write_slots, Slabs::report, Slabs::refuse, Slabs::misused_in,
      Slabs::misused_elsewhere, Slabs::misused_outside;
  using Slabs::row, Slabs::checks, Slabs::guards, Slabs::guards_, Slabs::address, Slabs::slots_in, Slabs::full_slots;
  using typename Slabs::Growth, typename Slabs::Slots, typename Slabs::Guards, typename Slabs::Repair;
  static_assert(noexcept(Policy::on_misuse(MisuseReport{})), "slab: Policy::on_misuse must be noexcept");

 public:
  using Slabs::geometry;

  /// One object of geometry().object_size() bytes, uninitialised, aligned to object_align().
  /// Null when the backend refuses a slab, a SlabInfo or a map entry, or hands out misaligned
  /// memory; the cache is then as it was (B15). O(1), plus at most one slab from the backend.
  /// Slab layout after Bonwick, USENIX Summer 1994, section 3.
  [[nodiscard]] void* alloc() noexcept
    requires(!has_guards<Policy>)
  {
    return alloc(Growth::Allowed);
  }
  /// The same. Of a policy with guards, a call is never inlined: where it returns to is the caller.
  [[nodiscard, gnu::noinline]] void* alloc() noexcept
    requires has_guards<Policy>
  {
    return alloc(Growth::Allowed, __builtin_return_address(0));
  }

  /// Like alloc(), but never calls the backend: null when no slab has a free object. O(1).
  [[nodiscard]] void* alloc_no_grow() noexcept
    requires(!has_guards<Policy>)
  {
    return alloc(Growth::Forbidden);
  }
  /// The same.
  [[nodiscard, gnu::noinline]] void* alloc_no_grow() noexcept
    requires has_guards<Policy>
  {
    return alloc(Growth::Forbidden, __builtin_return_address(0));
  }

  /// Makes slabs until `n` objects can be allocated without the backend, and keeps as many empty
  /// slabs as `n` objects need until the next reserve() or shrink(). False when the backend refuses, and at
  /// once for more slabs than there are addresses; the cache is then as it was. O(slabs made or given back);
  /// Checked: and O(empty slabs).
  [[nodiscard, gnu::noinline]] bool reserve(std::size_t n) noexcept {
    if (busy_.is_set()) [[unlikely]]
      return refuse(nullptr), false;
    busy_.enter();
    const void* const caller = __builtin_return_address(0);
    std::size_t released = 0;
    do {
      while (!this->verify_empty_slabs(caller)) {}
      if (!this->make_slabs_for(n, caller)) return busy_.leave(), false;
      this->keep_for(n);
    } while (!this->release_empty_slabs(kept_slabs_, released, caller));
    busy_.leave();
    return true;
  }

  /// Returns `object`, which alloc() of this cache handed out; null does nothing. Checked: anything
  /// else is reported and ignored. Unchecked: undefined. O(1), plus at most one slab given back and,
  /// in rows with a SlabInfo map, one look-up for an object that is not of the current slab.
  void free(void* object) noexcept
    requires(!has_guards<Policy>)
  {
    free(object, nullptr);
  }
  /// The same.
  [[gnu::noinline]] void free(void* object) noexcept
    requires has_guards<Policy>
  {
    free(object, __builtin_return_address(0));
  }

  /// Gives every empty slab back and forgets reserve(). Returns how many. Nothing stays in quarantine. O(empty slabs).
  [[gnu::noinline]] std::size_t shrink() noexcept {
    if (busy_.is_set()) [[unlikely]]
      return refuse(nullptr), 0;
    const void* const caller = __builtin_return_address(0);
    std::size_t released = 0;
    do {
      released += enter_without_quarantine(caller);
      this->keep(0);
    } while (!this->release_empty_slabs(0, released, caller));
    busy_.leave();
    return released;
  }

  /// Calls `visit(void*)` with each allocated object, in no particular order, but those of damaged slabs. A call of the
  /// cache by `visit` that would change it is refused. O(slots ever used).
  template <class F>
  void for_each_live(F visit) const
    requires(checks)
  {
    const typename BusyMark<checks>::Scope scope{busy_};
    this->visit_live(visit);
  }

 protected:
  using Slabs::slots_of, Slabs::table_of, Slabs::tag;
  /// Calls no function of `backend`. O(1).
  constexpr CacheCore(GeometrySource source, Backend& backend) noexcept : Slabs{source, backend} {}
  ~CacheCore() = default;

  /// Reports every live object, leaves their slabs alone and gives the empty ones back.
  [[gnu::noinline]] void destroy() noexcept {
    const void* const caller = __builtin_return_address(0);
    enter_without_quarantine(caller);
    if constexpr (checks) {
      Misuse kind;
      while (SlabInfo* const damaged = this->find_damaged_for_good(kind)) {
        this->set_aside(*damaged, kind, caller);  // on_misuse may free objects
        enter_without_quarantine(caller);
      }
      this->visit_live([&](void* object) { report(Misuse::LiveAtDestruction, object, caller); });
    }
    std::size_t released = 0;
    while (!this->release_empty_slabs(0, released, caller)) {}
  }

  template <class, class>
  friend class LockedCache;

 private:
  // Slots.

  [[nodiscard, gnu::always_inline]] void* alloc(Growth growth, [[maybe_unused]] const void* caller = nullptr) noexcept {
    if (busy_.is_set()) [[unlikely]]
      return refuse(nullptr);
    busy_.enter();
    if constexpr (guards) guards_.caller = caller;
    void* slot;
    if (take_slot(slot)) [[likely]]
      return hand_out(slot);
    return alloc_elsewhere(growth);
  }

  /// The last of an alloc(). Leaves.
  [[nodiscard, gnu::always_inline]] void* hand_out(void* slot) noexcept {
    if constexpr (guards) return Guards{*this}.hand_out(slot);
    busy_.leave();
    return slot;
  }

  [[gnu::always_inline]] void free(void* object, [[maybe_unused]] const void* caller) noexcept {
    if (!object) return;
    if (busy_.is_set()) [[unlikely]]
      return static_cast<void>(refuse(object));
    busy_.enter();
    if constexpr (guards) {
      guards_.caller = caller;
      free_entered(object, {});
      if (busy_.is_set()) free_leaving(guards_.leaving);  // another one leaves the quarantine for it
    } else {
      free_entered(object);
    }
  }
  /// Leaves.
  [[gnu::always_inline]] void free_entered(void* object) noexcept {
    const std::size_t offset = address(object) - slab_;
    if constexpr (checks) {
      const auto at = geometry_.locate(offset);
      if (at.index >= slots_.carved) [[unlikely]]
        return free_elsewhere(object);
      if (!put_slot(*current_, table_, slots_, object, at)) [[unlikely]]
        return not_put(*current_, object);
    } else {
      if (offset >= geometry().slab_size()) return free_elsewhere(object);
      put_slot(*current_, slots_, object);
    }
    --slots_.used;
    if (slots_.used == 0 && empty_.size() >= kept_slabs_) [[unlikely]]
      return this->trim_and_leave();
    busy_.leave();
  }

  /// Takes a slot of the current slab. False: there is none, or what is known of the slab is damaged (Checked).
  [[nodiscard, gnu::always_inline]] bool take_slot(void*& slot) noexcept {
    if constexpr (guards) guards_.was_live = slots_.has_freed();
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
    if constexpr (guards)
      return at.is_at_slot() && with_table(table, geometry().entry_size(), [&](auto entries) {
               return Guards{*this}.may_put(info, entries, object, at.index) && put(entries);
             });
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

  /// alloc() when the current slab has no free slot. Leaves. Begins again at each damaged slab.
  [[nodiscard, gnu::noinline]] void* alloc_elsewhere(Growth growth) noexcept {
    const void* const caller = this->caller_or(__builtin_return_address(0));
    for (;;) {
      void* slot = nullptr;
      Misuse kind = Misuse::CorruptedFreeList;
      SlabInfo* const damaged = take_elsewhere(slot, kind, growth, caller);
      if (!damaged) return slot ? hand_out(slot) : (busy_.leave(), nullptr);
      if constexpr (checks) this->set_aside_and_go_on(*damaged, kind, caller);
      if constexpr (guards) guards_.caller = caller;  // on_misuse may have called the cache
    }
  }
  /// Leaves `slot` null where there is none. Returns a slab that is damaged, as `kind` says, or null.
  [[nodiscard, gnu::always_inline]] SlabInfo* take_elsewhere(void*& slot, Misuse& kind, Growth growth,
                                                             const void* caller) noexcept {
    if (slots_.used == objects_per_slab()) {
      if constexpr (checks) slots_.free_head = full_slots().free_head;  // whatever a damaged table says is free
      if constexpr (guards)
        if (this->quarantined() != 0 && partial_.size() + empty_.size() == 0) return take_quarantined(slot, kind);
      SlabInfo* const info = this->next_slab(growth, caller);
      if (!info) return nullptr;
      if constexpr (checks)
        if (!this->is_sound(*info)) return kind = Misuse::CorruptedSlabInfo, info;
      (slots_in(*info).used == 0 ? empty_ : partial_).remove(*info);
      this->make_current(*info, copy_of(slots_in(*info)), slots_in(*info).used);
    }
    return take_slot(slot) || !checks ? nullptr : current_;
  }

  /// free() of an object that is not in the carved part of the current slab. Leaves. What is rare is called last, so
  /// that no register need be saved.
  [[gnu::noinline]] void free_elsewhere(void* object) noexcept {
    SlabInfo* const info = this->find_owner(object);
    if constexpr (checks) {
      if (!info) [[unlikely]]
        return misused_outside(object, Misuse::ForeignPointer);
      if (load_unknown(&info->owner) != this->tag()) [[unlikely]]
        return misused_elsewhere(*info, object);
      if (info == current_) [[unlikely]]  // its carved slots were looked at before
        return misused_in(*info, object);
      if (row == Row::Large && !has_sound_links(*info, set_aside_.key)) [[unlikely]]
        return this->set_aside(*info, Misuse::CorruptedSlabInfo, this->caller_or(__builtin_return_address(0)));
    }
    Slots slots = full_slots();
    if (!is_same(slots_in(*info), slots)) return free_in_partial(*info, object);
    if constexpr (checks && row != Row::Large) {
      // A full slab needs no seal, and so does not show that no sound link leads to it any more.
      if (set_aside_.has_unreached() && !Repair{*this}.knows(*info)) [[unlikely]]
        return this->set_aside(*info, Misuse::CorruptedSlabInfo, this->caller_or(__builtin_return_address(0)));
    }
    if (!put_in(*info, slots, object)) [[unlikely]]
      return not_put(*info, object);
    --slots.used;
    if (!current_ || slots_.used != objects_per_slab() || slots.used == 0) [[unlikely]]
      return make_current_and_leave(*info, slots);
    write_slots(*current_, full_slots());
    this->set_current(*info, slots);
    busy_.leave();
  }
  [[gnu::noinline]] void make_current_and_leave(SlabInfo& info, Slots slots) noexcept {
    if (checks && slots.used == 0 && slots_.used == 1) slots_ = full_slots();  // as in alloc_elsewhere()
    this->make_current(info, slots, objects_per_slab());
    if (slots.used == 0) return this->trim_and_leave();
    busy_.leave();
  }
  /// The same for a slab that has a free slot. Leaves.
  [[gnu::noinline]] void free_in_partial(SlabInfo& info, void* object) noexcept {
    Slots slots = copy_of(slots_in(info));
    if constexpr (checks) {
      // With its last object a slab leaves its list.
      if (slots.used == 1 ? !this->is_sound(info) : !has_sound_slots(info, set_aside_.key)) [[unlikely]]
        return this->set_aside(info, Misuse::CorruptedSlabInfo, this->caller_or(__builtin_return_address(0)));
      if (slots.used == 0) [[unlikely]]
        return misused_in(info, object);  // whatever a damaged table says
    }
    if (!put_in(info, slots, object)) [[unlikely]]
      return not_put(info, object);
    --allocated_elsewhere_;
    --slots.used;
    write_slots(info, slots);
    if (slots.used != 0) return busy_.leave();
    this->list_as_empty_and_leave(info);
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

  /// put_slot() was false.
  [[gnu::always_inline]] void not_put(SlabInfo& info, void* object) noexcept {
    if constexpr (guards)
      free_guarded(info, object);
    else
      misused_in(info, object);
  }

  // With guards.

  /// A free() that has more to do than put_slot(). Leaves, unless guards_.leaving is to leave the quarantine.
  [[gnu::noinline]] void free_guarded(SlabInfo& info, void* object) noexcept {
    if (!Guards{*this}.is_live(info, object)) [[unlikely]]
      return misused_in(info, object);
    guards_.leaving = Guards{*this}.take_back(info, object);
  }
  /// Lets an object go from the quarantine. Leaves.
  void free_leaving(FreedObject leaving) noexcept {
    do {
      // Of a slab whose base may be damaged nothing is asked: free_entered() sets it aside.
      if (has_sound_links(*leaving.info, set_aside_.key) && Guards{*this}.is_live(*leaving.info, leaving.object))
          [[unlikely]]  // handed out meanwhile
        return this->set_aside(*leaving.info, Misuse::CorruptedFreeList, guards_.caller);
      free_entered(leaving.object, leaving);
      leaving = guards_.leaving;
    } while (busy_.is_set());
  }
  /// Leaves. `leaving` is the object, if it comes from the quarantine.
  [[gnu::noinline]] void free_entered(void* object, const FreedObject& leaving) noexcept {
    guards_.leaving = leaving;
    free_entered(object);
  }
  /// Enters, and lets all objects leave the quarantine. Returns how many slabs went back.
  std::size_t enter_without_quarantine([[maybe_unused]] const void* caller) noexcept {
    busy_.enter();
    if constexpr (guards) {
      guards_.trimmed_slabs = 0;
      while (guards_.quarantine.size() != 0) {
        guards_.caller = caller;
        const FreedObject leaving = guards_.quarantine.pop();
        free_leaving(leaving);
        busy_.enter();
      }
      return guards_.trimmed_slabs;
    }
    return 0;
  }
  /// take_elsewhere() when no slab has a free slot.
  [[nodiscard, gnu::noinline]] SlabInfo* take_quarantined(void*& slot, Misuse& kind) noexcept {
    const FreedObject freed = guards_.quarantine.pop();
    const bool is_sound = this->is_sound(*freed.info);
    if (!is_sound) kind = Misuse::CorruptedSlabInfo;
    if (!is_sound || Guards{*this}.is_live(*freed.info, freed.object)) return freed.info;
    Guards{*this}.take(freed);
    return slot = freed.object, nullptr;
  }
};

}  // namespace slab::detail

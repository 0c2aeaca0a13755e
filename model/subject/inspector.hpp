#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/cache_state.hpp>

#include "model/memory/sanitizer.hpp"
#include "model/subject/cache_members.hpp"

namespace slab {

/// Reads and writes the members of a cache, which befriends it, and of a SlabInfo by name.
class Inspector {
 public:
  template <class GeometrySource, class Backend, class Policy>
  [[nodiscard]] static slabproof::CacheMembers members_of(
      const detail::CacheState<GeometrySource, Backend, Policy>& cache) {
    static_assert(sizeof(cache) == sizeof(KnownMembers<GeometrySource, Backend, Policy>), "a member is not known here");
    return {.slots = members_of(cache.slots_),
            .slab = cache.slab_,
            .table = number(cache.table_),
            .slab_info = number(cache.current_),
            .busy = is_busy(cache.busy_),
            .partial_front = number(cache.partial_.front_),
            .empty_front = number(cache.empty_.front_),
            .all_front = number(cache.all_slabs_.front_),
            .tag = cache.tag(),
            .all_back = back_of(cache.all_slabs_.back_),
            .slabs = cache.all_slabs_.size_,
            .partial_slabs = cache.partial_.size_,
            .empty_slabs = cache.empty_.size_,
            .allocated_elsewhere = cache.allocated_elsewhere_,
            .kept_slabs = cache.kept_slabs_};
  }
  template <class GeometrySource, class Backend, class Policy>
  static void set_members_of(detail::CacheState<GeometrySource, Backend, Policy>& cache,
                             const slabproof::CacheMembers& members) {
    set(cache.slots_, members.slots);
    cache.slab_ = members.slab;
    cache.table_ = pointer<std::byte>(members.table);
    cache.current_ = pointer<SlabInfo>(members.slab_info);
    set_busy(cache.busy_, members.busy != 0);
    cache.partial_.front_ = pointer<SlabInfo>(members.partial_front);
    cache.empty_.front_ = pointer<SlabInfo>(members.empty_front);
    cache.all_slabs_.front_ = pointer<SlabInfo>(members.all_front);
    cache.all_slabs_.back_.set(pointer<SlabInfo>(members.all_back));
    cache.all_slabs_.size_ = members.slabs;
    cache.partial_.size_ = members.partial_slabs;
    cache.empty_.size_ = members.empty_slabs;
    cache.allocated_elsewhere_ = members.allocated_elsewhere;
    cache.kept_slabs_ = members.kept_slabs;
  }

  template <class GeometrySource, class Backend, class Policy>
  [[nodiscard]] static slabproof::GuardMembers guards_of(
      const detail::CacheState<GeometrySource, Backend, Policy>& cache) {
    static_assert(Policy::quarantine_objects <= slabproof::GuardMembers::most);
    slabproof::GuardMembers members{};
    if constexpr (detail::has_guards<Policy>) {
      const detail::GuardState<Policy>& guards = cache.guards_;
      members.leaving = members_of(guards.leaving);
      members.caller = number(guards.caller);
      members.trimmed_slabs = guards.trimmed_slabs;
      members.was_live = guards.was_live;
      if constexpr (Policy::quarantine_objects != 0) {
        for (std::size_t i = 0; i < Policy::quarantine_objects; ++i)
          members.ring[i] = members_of(guards.quarantine.freed_[i]);
        members.first = guards.quarantine.first_;
        members.size = guards.quarantine.size_;
      }
    }
    return members;
  }
  template <class GeometrySource, class Backend, class Policy>
  static void set_guards_of([[maybe_unused]] detail::CacheState<GeometrySource, Backend, Policy>& cache,
                            [[maybe_unused]] const slabproof::GuardMembers& members) {
    if constexpr (detail::has_guards<Policy>) {
      detail::GuardState<Policy>& guards = cache.guards_;
      guards.leaving = freed_of(members.leaving);
      guards.caller = pointer<void>(members.caller);
      guards.trimmed_slabs = members.trimmed_slabs;
      guards.was_live = members.was_live != 0;
      if constexpr (Policy::quarantine_objects != 0) {
        for (std::size_t i = 0; i < Policy::quarantine_objects; ++i)
          guards.quarantine.freed_[i] = freed_of(members.ring[i]);
        guards.quarantine.first_ = members.first;
        guards.quarantine.size_ = members.size;
      }
    }
  }

  // Not sanitized: a defect may have given the SlabInfo back too early. `checks` is its cache's.
  SLABPROOF_NOT_SANITIZED static slabproof::SlabInfoMembers info_at(std::uintptr_t address, bool checks) {
    const SlabInfo& info = *pointer<SlabInfo>(address);
    return {.slots = checks ? members_of(info.tabled.slots) : members_of(info.linked),
            .owner = info.owner,
            .slab = number(info.slab),
            .next = number(info.next),
            .previous = number(info.previous),
            .next_slab = number(info.next_slab),
            .previous_slab = number(info.previous_slab)};
  }
  SLABPROOF_NOT_SANITIZED static void set_info_at(std::uintptr_t address, bool checks,
                                                  const slabproof::SlabInfoMembers& members) {
    SlabInfo& info = *pointer<SlabInfo>(address);
    if (checks)
      set(info.tabled.slots, members.slots);
    else
      set(info.linked, members.slots);
    info.owner = members.owner;
    info.slab = pointer<std::byte>(members.slab);
    info.next = pointer<SlabInfo>(members.next);
    info.previous = pointer<SlabInfo>(members.previous);
    info.next_slab = pointer<SlabInfo>(members.next_slab);
    info.previous_slab = pointer<SlabInfo>(members.previous_slab);
    if (checks) detail::seal(info, detail::first_seal_key);
  }

 private:
  /// A cache has these members, in whatever order, and no others.
  template <class GeometrySource, class Backend, class Policy>
  struct KnownMembers {
    using Core = detail::CacheState<GeometrySource, Backend, Policy>;
    [[no_unique_address]] decltype(Core::geometry_) geometry;
    [[no_unique_address]] decltype(Core::busy_) busy;
    decltype(Core::slots_) slots;
    decltype(Core::slab_) slab;
    decltype(Core::table_) table;
    decltype(Core::current_) current;
    decltype(Core::supply_) supply;
    decltype(Core::partial_) partial;
    decltype(Core::empty_) empty;
    decltype(Core::all_slabs_) all_slabs;
    [[no_unique_address]] decltype(Core::set_aside_) set_aside;
    [[no_unique_address]] decltype(Core::incarnation_) incarnation;
    [[no_unique_address]] decltype(Core::guards_) guards;
    decltype(Core::allocated_elsewhere_) allocated_elsewhere;
    decltype(Core::kept_slabs_) kept_slabs;
  };

  template <class Back>
  static std::uintptr_t back_of(const Back& back) {
    if constexpr (requires { back.info; })
      return number(back.info);
    else
      return 0;
  }
  static bool is_busy(const detail::BusyMark<true>& mark) { return mark.is_set(); }
  static bool is_busy(const detail::BusyMark<false>&) { return false; }
  static void set_busy(detail::BusyMark<true>& mark, bool is_set) { is_set ? mark.enter() : mark.leave(); }
  static void set_busy(detail::BusyMark<false>&, bool) {}
  static slabproof::SlotsMembers members_of(const detail::LinkedSlots& slots) {
    return {number(slots.free_head), slots.used, slots.carved};
  }
  static slabproof::SlotsMembers members_of(const detail::TabledSlots& slots) {
    return {slots.free_head, slots.used, slots.carved};
  }
  [[gnu::always_inline]] static void set(detail::LinkedSlots& slots, const slabproof::SlotsMembers& members) {
    slots.free_head = pointer<void>(members.free_head);
    slots.used = members.used;
    slots.carved = members.carved;
  }
  [[gnu::always_inline]] static void set(detail::TabledSlots& slots, const slabproof::SlotsMembers& members) {
    slots.free_head = static_cast<std::uint32_t>(members.free_head);
    slots.used = members.used;
    slots.carved = members.carved;
  }
  static slabproof::GuardMembers::Freed members_of(const detail::FreedObject& freed) {
    return {number(freed.object), number(freed.info)};
  }
  static detail::FreedObject freed_of(const slabproof::GuardMembers::Freed& members) {
    return {pointer<void>(members.object), pointer<SlabInfo>(members.info)};
  }
  static std::uintptr_t number(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }
  template <class T>
  static T* pointer(std::uintptr_t address) {
    return reinterpret_cast<T*>(address);
  }
};

}  // namespace slab

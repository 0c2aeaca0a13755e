#pragma once

#include <cstddef>

#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>
#include <slab/slab_info.hpp>
#include <slab/slot_guard.hpp>
#include <slab/slots.hpp>

namespace slab::detail {

/// What a cache whose policy has guards, as Debug has, does in alloc() and free() beside the work of the others.
///
/// A live object that is freed goes to the quarantine. Its entry in the table of slots says then that it is free,
/// though no list of free slots has it and its slab counts it as used. The object for which there is no more room
/// leaves, and is freed as by a cache without quarantine.
template <class Slabs>
class CacheGuards {
  using Policy = typename Slabs::PolicyType;
  using Guard = SlotGuard<Policy>;

 public:
  explicit CacheGuards(Slabs& cache) noexcept : cache_{cache} {}

  /// Makes a slot that was taken an object. The last of an alloc(): leaves, and then reports what was written to the
  /// slot while it was free.
  [[gnu::noinline]] void* hand_out(void* slot) noexcept {
    Guard guard{cache_.geometry(), slot};
    const bool was_live = cache_.guards_.was_live;
    const void* const caller = cache_.guards_.caller;
    const Change change = was_live ? guard.find_write_after_free() : Change{};
    const Callers callers = was_live ? guard.callers() : Callers{};
    guard.make_live(caller, was_live);
    cache_.busy_.leave();
    if (change.size != 0) [[unlikely]]
      cache_.report_change(Misuse::WriteAfterFree, slot, caller, change, callers);
    return slot;
  }

  /// Whether a carved slot can go to the free ones at once: it comes from the quarantine, or is live and there is none.
  template <class Table>
  [[nodiscard]] bool may_put(SlabInfo& info, Table table, void* slot, std::size_t index) noexcept {
    FreedObject& leaving = cache_.guards_.leaving;
    if (slot == leaving.object) return leaving = {}, table.set_live(index), true;
    if (Policy::quarantine_objects != 0 || !table.is_live(index)) return false;
    if (Guard{cache_.geometry(), slot}.find_write_beyond_object().size != 0) [[unlikely]]
      return false;
    return make_freed(info, slot), true;
  }
  /// Whether there is a live object, in a slab that may be damaged.
  [[nodiscard]] bool is_live(const SlabInfo& info, const void* object) const noexcept {
    const auto at = position_of(info, object);
    if (at.index >= cache_.slots_of(info).carved || !at.is_at_slot()) return false;
    return with_entry(info, object, [](auto table, std::size_t index) { return table.is_live(index); });
  }
  /// free() of a live object for which may_put() was false. Returns what is to be put among the free slots; if that is
  /// nothing, it has left.
  FreedObject take_back(SlabInfo& info, void* object) noexcept {
    const Guard guard{cache_.geometry(), object};
    if (const Change change = guard.find_write_beyond_object(); change.size != 0) [[unlikely]] {
      const Callers callers = guard.callers();
      const void* const caller = cache_.guards_.caller;
      cache_.busy_.leave();
      cache_.report_change(Misuse::WriteBeyondObject, object, caller, change, callers);
      return {};
    }
    make_freed(info, object);
    const std::uint32_t no_next = no_slot(cache_.geometry().entry_size());
    with_entry(info, object, [&](auto table, std::size_t index) { table.set_next(index, no_next); });
    const FreedObject leaving = cache_.guards_.quarantine.push({object, &info});
    if (!leaving.object) cache_.busy_.leave();
    return leaving;
  }

  /// Makes the slot of a quarantined object, whose slab is sound, one that was taken.
  void take(const FreedObject& freed) noexcept {
    with_entry(*freed.info, freed.object, [](auto table, std::size_t index) { table.set_live(index); });
    permit_object(freed.info, freed.object, cache_.geometry().object_size());
    cache_.guards_.was_live = true;
  }

 private:
  void make_freed(SlabInfo& info, void* slot) noexcept {
    forbid_object(&info, slot, cache_.geometry().stride());
    Guard{cache_.geometry(), slot}.make_freed(cache_.guards_.caller);
  }
  [[nodiscard]] Geometry::Position position_of(const SlabInfo& info, const void* object) const noexcept {
    const std::uintptr_t slab = &info == cache_.current_ ? cache_.slab_ : cache_.base_of(info);
    return cache_.geometry().locate(cache_.address(object) - slab);
  }
  /// Calls `f` with the table and the index of a slot.
  template <class F>
  decltype(auto) with_entry(const SlabInfo& info, const void* slot, F f) const noexcept {
    const std::size_t index = position_of(info, slot).index;
    return with_table(cache_.table_of(info), cache_.geometry().entry_size(),
                      [&](auto table) { return f(table, index); });
  }

  Slabs& cache_;
};

}  // namespace slab::detail

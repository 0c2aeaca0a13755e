#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <slab/cache_audit.hpp>
#include <slab/geometry.hpp>
#include <slab/seal.hpp>
#include <slab/slots.hpp>

#include "properties/explore/induction/assignment.hpp"
#include "properties/explore/small_state.hpp"

namespace slabproof {

/// A field of an assignment in the place of a member of a cache or a slab: the assignment learns when it is read.
template <class T>
class Traced {
 public:
  void join(Assignment& assignment, std::vector<std::uint64_t> values) {
    assignment_ = &assignment;
    field_ = assignment.add(std::move(values));
  }
  operator T() const {
    if constexpr (std::is_pointer_v<T>)
      return reinterpret_cast<T>(assignment_->read(field_));
    else
      return static_cast<T>(assignment_->read(field_));
  }
  /// Without reading it.
  [[nodiscard]] std::uint64_t value() const { return assignment_->value(field_); }
  [[nodiscard]] bool is_read() const { return assignment_->is_read(field_); }

 private:
  Assignment* assignment_ = nullptr;
  std::size_t field_ = 0;
};

/// An entry in the table of slots (Checked), or the link in a free slot.
template <bool Checks>
using TracedEntry = Traced<std::conditional_t<Checks, std::uint32_t, void*>>;

/// The entries of a slab; where its table begins.
template <bool Checks>
struct TracedTable {
  const std::byte* begin;
  const TracedEntry<Checks>* entries;

  operator const std::byte*() const { return begin; }
  [[nodiscard]] bool is_live(std::size_t index) const {
    return entries[index] == slab::detail::SlotTable<std::uint8_t>::live;
  }
  [[nodiscard]] std::uint32_t next(std::size_t index) const { return entries[index]; }
};
/// The audit's call, of a table whose entries have one byte, as all do in small worlds.
template <bool Checks, class F>
decltype(auto) with_table(TracedTable<Checks> table, std::size_t, F f) {
  return f(table);
}

/// The free slots of all slabs, by their addresses.
template <bool Checks>
struct TracedEntries {
  std::uintptr_t first_slab = 0;
  std::size_t slab_size = 0, stride = 0;
  TracedEntry<Checks> of[SmallState::max_slabs][SmallState::max_slots];

  [[nodiscard]] const TracedEntry<Checks>& at(const void* slot) const {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(slot) - first_slab;
    return of[offset / slab_size][offset % slab_size / stride];
  }
};

template <bool Checks>
struct TracedSlots {
  Traced<std::conditional_t<Checks, std::uint32_t, void*>> free_head;
  Traced<std::uint32_t> used, carved;
  const TracedEntries<Checks>* entries = nullptr;

  [[nodiscard]] const void* next(const void* slot) const { return entries->at(slot); }
};

template <bool Checks>
struct TracedInfo {
  TracedSlots<Checks> slots;
  Traced<std::uintptr_t> owner;
  Traced<std::byte*> slab;
  Traced<TracedInfo*> next, previous, next_slab, previous_slab;
};

template <bool Checks>
struct TracedList {
  Traced<TracedInfo<Checks>*> front_, back_;
  Traced<std::size_t> size_;
  bool has_back = false;

  [[nodiscard]] const TracedInfo<Checks>* front() const { return front_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// What reads the links to verify seals tells nothing: the audit follows the list again.
  [[nodiscard]] static bool goes_on(std::uint16_t) { return false; }
  [[nodiscard]] bool ends_with(const TracedInfo<Checks>* info) const { return !has_back || back_ == info; }
};

/// The members of a cache that its audit reads, as fields of an assignment. What the audit makes of them is what
/// slab::detail::CacheAudit, of which this is the Core, makes of a cache. No seal is wrong: they are functions of what
/// they seal, and their damage is another matter (properties/explore/damage_sweep.cpp). Nothing is in quarantine.
template <slab::Row R, bool Checks, std::size_t Kept>
class TracedCore {
 public:
  using Info = TracedInfo<Checks>;
  struct PolicyType {
    static constexpr std::size_t empty_slabs_kept = Kept;
  };
  static constexpr slab::Row row = R;
  static constexpr bool checks = Checks, guards = false;
  static constexpr std::uintptr_t no_slab = std::uintptr_t{1} << 63;
  using RealSlots = std::conditional_t<Checks, slab::detail::TabledSlots, slab::detail::LinkedSlots>;

  /// With slabs side by side from `first_slab` on, and in Large rows memory of SlabInfos from `first_info` on.
  TracedCore(const slab::Geometry& geometry, std::uintptr_t first_slab, std::uintptr_t first_info, std::uintptr_t tag)
      : geometry_{geometry}, first_info_{first_info}, tag_{tag} {
    entries_.first_slab = first_slab;
    entries_.slab_size = geometry.slab_size();
    entries_.stride = geometry.stride();
  }
  TracedCore(const TracedCore&) = delete;
  TracedCore& operator=(const TracedCore&) = delete;

  [[nodiscard]] slab::AuditFailure find_audit_failure() const {
    return slab::detail::CacheAudit<TracedCore>{*this}.find_failure();
  }

  // As CacheState has them.
  [[nodiscard]] const slab::Geometry& geometry() const { return geometry_; }
  [[nodiscard]] std::size_t objects_per_slab() const { return geometry_.objects_per_slab(); }
  [[nodiscard]] static std::uintptr_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }
  [[nodiscard]] std::uintptr_t tag() const { return tag_; }
  [[nodiscard]] RealSlots no_slots() const {
    RealSlots slots = RealSlots::full(geometry_.entry_size(), objects_per_slab());
    if constexpr (Checks) slots.carved = 0;
    return slots;
  }
  [[nodiscard]] const TracedSlots<Checks>& slots_of(const Info& info) const {
    return &info == current_ ? slots_ : info.slots;
  }
  [[nodiscard]] TracedTable<Checks> table_of(const Info& info) const {
    const std::size_t place = place_of(info);
    const std::uintptr_t begin = R == slab::Row::Large ? first_info_ + place * geometry_.slab_info_size()
                                                       : base_at(place) + geometry_.slab_info_offset();
    return {reinterpret_cast<const std::byte*>(begin), entries_.of[place]};
  }
  [[nodiscard]] std::uintptr_t base_of(const Info& info) const {
    if constexpr (R == slab::Row::Large) return address(info.slab);
    return base_at(place_of(info));
  }
  [[nodiscard]] static bool find_damaged() { return false; }
  struct {
    std::uint16_t key = slab::detail::first_seal_key;
  } set_aside_;
  [[nodiscard]] static std::size_t quarantined_in(const Info&) { return 0; }
  [[nodiscard]] static std::size_t quarantined() { return 0; }

  [[nodiscard]] std::size_t place_of(const Info& info) const { return static_cast<std::size_t>(&info - infos_); }
  [[nodiscard]] std::uintptr_t base_at(std::size_t place) const {
    return entries_.first_slab + place * geometry_.slab_size();
  }

  slab::Geometry geometry_;
  Info infos_[SmallState::max_slabs];
  TracedEntries<Checks> entries_;
  TracedSlots<Checks> slots_;
  Traced<std::uintptr_t> slab_;
  Traced<std::byte*> table_;
  Traced<Info*> current_;
  TracedList<Checks> partial_, empty_, all_slabs_;
  Traced<std::size_t> allocated_elsewhere_, kept_slabs_;

 private:
  std::uintptr_t first_info_, tag_;
};

}  // namespace slabproof

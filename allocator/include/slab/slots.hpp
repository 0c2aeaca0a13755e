#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>

namespace slab::detail {

// Which slots of a slab can be handed out. A slot is uncarved (index >= carved), free or allocated:
// uncarved -> allocated <-> free; a slab is made with all slots uncarved. Freed slots come back last in, first out;
// slots never used in ascending order, when there is no freed one.

/// Of an Unchecked cache: each free slot holds the address of the next one.
struct LinkedSlots {
  void* free_head = nullptr;  // null: no free slot
  std::uint32_t used = 0;     // allocated slots
  std::uint32_t carved = 0;   // slots handed out at least once

  // Of a slab of which nothing was ever used, and of one with `n` slots, all used. The first argument is for tables.
  [[nodiscard]] static constexpr LinkedSlots unused(std::size_t) noexcept { return {}; }
  [[nodiscard]] static constexpr LinkedSlots full(std::size_t, std::size_t n) noexcept {
    return {nullptr, static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n)};
  }

  /// A freed slot, or null if there is none.
  [[nodiscard]] void* take() noexcept {
    void* const slot = free_head;
    if (slot) [[likely]]
      free_head = next(slot);
    return slot;
  }
  void put(void* slot) noexcept {
    store_link(slot, free_head);
    free_head = slot;
  }
  /// Of a free slot: the next one, null where it is the last.
  [[nodiscard]] static void* next(const void* slot) noexcept { return load_link(slot); }
};

/// Of a Checked cache: free slots are linked through a SlotTable, so that no write to a freed object, however stray,
/// can lead the cache astray.
struct TabledSlots {
  std::uint32_t free_head = 0;  // no_slot(), which is not less than `carved`, if no slot is free
  std::uint32_t used = 0;
  std::uint32_t carved = 0;  // entries of slots beyond it mean nothing

  [[nodiscard]] static constexpr TabledSlots unused(std::size_t entry_size) noexcept { return {no_slot(entry_size)}; }
  [[nodiscard]] static constexpr TabledSlots full(std::size_t entry_size, std::size_t n) noexcept {
    return {no_slot(entry_size), static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n)};
  }

  [[nodiscard]] bool has_freed() const noexcept { return free_head < carved; }
  /// The index of a freed slot; requires one. False if the table is damaged: a slot that is live is not free.
  template <class Table>
  [[nodiscard, gnu::always_inline]] bool take(Table table, std::size_t& index) noexcept {
    index = free_head;
    if (table.is_live(index)) [[unlikely]]
      return false;
    free_head = table.next(index);
    table.set_live(index);
    return true;
  }
  /// The index of a slot that was never used. False if all `end` were.
  template <class Table>
  [[nodiscard, gnu::always_inline]] bool carve(Table table, std::size_t end, std::size_t& index) noexcept {
    if (carved == end) [[unlikely]]
      return false;
    index = carved++;
    table.set_live(index);
    return true;
  }
  /// Of a carved slot. False if it is free already.
  template <class Table>
  [[nodiscard, gnu::always_inline]] bool put(Table table, std::size_t index) noexcept {
    if (!table.is_live(index)) [[unlikely]]
      return false;
    table.set_next(index, free_head);
    free_head = static_cast<std::uint32_t>(index);
    return true;
  }
};

/// A copy made member by member. A processor cannot serve one load of several members from the stores that have changed
/// some of them a moment ago; it waits until these have reached the cache.
template <class Slots>
[[nodiscard, gnu::always_inline]] inline Slots copy_of(const Slots& slots) noexcept {
  Slots copy;
  copy.free_head = __atomic_load_n(&slots.free_head, __ATOMIC_RELAXED);
  copy.used = __atomic_load_n(&slots.used, __ATOMIC_RELAXED);
  copy.carved = __atomic_load_n(&slots.carved, __ATOMIC_RELAXED);
  return copy;
}

template <class Slots, class OtherSlots>
[[nodiscard]] bool is_same(const Slots& one, const OtherSlots& other) noexcept {
  return one.used == other.used && one.carved == other.carved && one.free_head == other.free_head;
}

/// One entry a slot: `live`, or the index of the next free slot. Narrow entries keep the table of a small slab in one
/// or two cache lines. A free slot is told from an allocated one by one comparison.
template <class Entry>
class SlotTable {
 public:
  static constexpr Entry live = static_cast<Entry>(~Entry{0});
  explicit SlotTable(std::byte* begin) noexcept : entries_{reinterpret_cast<Entry*>(begin)} {}

  // Of carved slots.
  [[nodiscard]] bool is_live(std::size_t index) const noexcept { return entries_[index] == live; }
  /// Of a free slot: the index of the next one; no index where it is the last.
  [[nodiscard]] std::uint32_t next(std::size_t index) const noexcept { return entries_[index]; }
  void set_live(std::size_t index) noexcept { entries_[index] = live; }
  void set_next(std::size_t index, std::uint32_t next) noexcept { entries_[index] = static_cast<Entry>(next); }

 private:
  Entry* entries_;
};

/// Calls `f` with the table that begins there, of entries of this size. In this order one comparison serves both jumps.
template <class F>
[[gnu::always_inline]] inline decltype(auto) with_table(std::byte* begin, std::size_t entry_size, F f) noexcept {
  if (entry_size > 2) [[unlikely]]
    return f(SlotTable<std::uint32_t>{begin});
  if (entry_size == 2) return f(SlotTable<std::uint16_t>{begin});
  return f(SlotTable<std::uint8_t>{begin});
}

/// What it is to free a pointer `offset` bytes into a slab with `carved` slots that is no allocated object.
template <class GeometrySource>
[[nodiscard]] Misuse misuse_at(const GeometrySource& source, std::size_t offset, std::uint32_t carved) noexcept {
  const auto at = source.get().locate(offset);  // a cold function would divide by a constant
  if (offset >= source.get().slab_info_offset()) return Misuse::SlabInfoPointer;
  if (at.index >= source.get().objects_per_slab()) return Misuse::TailWastePointer;
  if (!at.is_at_slot()) return Misuse::InteriorPointer;
  return at.index >= carved ? Misuse::NeverAllocated : Misuse::DoubleFree;
}

}  // namespace slab::detail

#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>

namespace slab {

/// Sees into a cache for the test harness, which alone defines it.
class Inspector;

namespace detail {

/// Which slots of a slab can be handed out. The cache itself holds this part of its current slab; the
/// copy in that slab's SlabInfo is then out of date.
///
/// A slot is uncarved (index >= carved), free (on the list that starts at free_head) or allocated
/// (bit set). uncarved -> allocated <-> free; a slab is made with all slots uncarved.
struct Slots {
  void* free_head = nullptr;  // first free slot; each holds the next one's address
  std::uint32_t used = 0;     // allocated slots
  std::uint32_t carved = 0;   // slots handed out at least once; only their bits mean anything
};

}  // namespace detail

/// What a cache knows about one slab: 48 bytes, with the allocated bits, 64 a word, growing
/// downwards in front of them. The bits therefore need no pointer, and `owner` lies at the same
/// distance from the slab's end in every Small geometry.
class SlabInfo : public detail::Slots {
 public:
  const void* owner = nullptr;     // the cache
  SlabInfo* next = nullptr;        // neighbours on the cache's list; null for the current slab
  SlabInfo* previous = nullptr;
  std::byte* slab = nullptr;

  /// Before the first slot of a word is carved the word may hold anything.
  void clear_word_at(std::size_t slot) noexcept {
    if (slot % 64 == 0) *word(slot) = 0;
  }
  [[nodiscard]] bool is_allocated(std::size_t slot) const noexcept { return (*word(slot) >> (slot % 64)) & 1; }
  void set_allocated(std::size_t slot) noexcept { *word(slot) |= std::uint64_t{1} << (slot % 64); }
  void clear_allocated(std::size_t slot) noexcept { *word(slot) &= ~(std::uint64_t{1} << (slot % 64)); }

 private:
  friend Inspector;

  [[nodiscard]] std::uint64_t* word(std::size_t slot) const noexcept {
    return reinterpret_cast<std::uint64_t*>(reinterpret_cast<std::uintptr_t>(this)) - 1 - slot / 64;
  }
};

static_assert(sizeof(SlabInfo) == Geometry::slab_info_header_size && alignof(SlabInfo) == 8);

}  // namespace slab

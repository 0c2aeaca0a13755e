#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <slab/geometry.hpp>
#include <slab/slots.hpp>

namespace slab {

namespace detail {
/// A Checked cache's slots of a slab, and what says that nobody else has written to them or to the rest of SlabInfo.
struct SealedSlots {
  TabledSlots slots;
  std::uint16_t slots_seal;
  std::uint16_t links_seal;  // of the other members of SlabInfo
};
}  // namespace detail

/// Sees into a cache for the test harness, which alone defines it.
class Inspector;

/// What a cache knows about one slab: 64 bytes, in Small rows the last of the slab. A Checked cache's table of slots
/// (detail::SlotTable) lies in front of them.
class SlabInfo {
 public:
  /// Which slots are free. While a slab is its cache's current one the cache keeps this part in itself, and what
  /// is here is out of date.
  union {
    detail::LinkedSlots linked;  // Unchecked
    detail::SealedSlots tabled;                    // Checked
  };
  std::uintptr_t owner = 0;  // the cache: CacheState::tag()
  std::byte* slab = nullptr;
  SlabInfo* next = nullptr;  // neighbours on the partial or the empty list
  SlabInfo* previous = nullptr;
  SlabInfo* next_slab = nullptr;  // neighbours among all slabs of the cache
  SlabInfo* previous_slab = nullptr;

  SlabInfo() noexcept : linked{} {}

  /// The one of `linked` and `tabled` that has this type.
  template <class Slots>
  [[nodiscard]] Slots& slots() noexcept {
    if constexpr (std::is_same_v<Slots, detail::TabledSlots>)
      return tabled.slots;
    else
      return linked;
  }
};

static_assert(sizeof(SlabInfo) == Geometry::slab_info_header_size && alignof(SlabInfo) == 8);

}  // namespace slab

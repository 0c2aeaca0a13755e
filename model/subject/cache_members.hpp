#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace slabproof {

/// The members of a slab cache that change while it is used. Addresses are numbers: a defect may make them anything.
struct CacheMembers {
  static constexpr std::size_t list_count = 10;

  // Of the current slab, 0 without one.
  std::uintptr_t free_head;
  std::uint32_t used, carved;
  std::uintptr_t slab;
  std::size_t slab_bytes;
  std::uintptr_t slab_info;

  std::uint64_t backend_is_running;
  std::uintptr_t lists[list_count];  // the first SlabInfo of each: empty slabs, the bins, full slabs
  std::size_t slabs, empty_slabs, reserved_slabs;
};
// Its bytes can be compared.
static_assert(std::has_unique_object_representations_v<CacheMembers>);

/// The members of a SlabInfo.
struct SlabInfoMembers {
  std::uintptr_t free_head;
  std::uint32_t used, carved;
  std::uintptr_t owner, next, previous, slab;
  std::uint64_t allocated;  // bits of the first 64 slots
};

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace slabproof {

/// Which slots of a slab are free: `free_head` is an address (Unchecked) or an index (Checked).
struct SlotsMembers {
  std::uint64_t free_head;
  std::uint32_t used, carved;

  friend bool operator==(const SlotsMembers&, const SlotsMembers&) = default;
};

/// The members of a slab cache that change while it is used. Addresses are numbers: a defect may make them anything.
struct CacheMembers {
  // Of the current slab, 0 without one.
  SlotsMembers slots;
  std::uintptr_t slab, table, slab_info;

  std::uint64_t busy;
  std::uintptr_t partial_front, empty_front, all_front;  // the first SlabInfo of each list
  std::uintptr_t tag;       // what its slabs call their owner; read only
  std::uintptr_t all_back;  // the last of all, in a cache that checks
  std::size_t slabs, partial_slabs, empty_slabs, allocated_elsewhere, kept_slabs;
};
// Its bytes can be compared.
static_assert(std::has_unique_object_representations_v<CacheMembers>);

/// What a cache with guards has besides (docs/policy.md, "Debug").
struct GuardMembers {
  static constexpr std::size_t most = 64;  // freed objects that a quarantine has room for

  struct Freed {
    std::uintptr_t object, info;  // of its slab
    friend bool operator==(const Freed&, const Freed&) = default;
  };
  Freed ring[most];  // as many as the policy says; the oldest lies at `first`
  std::size_t first, size;
  // What an operation leaves behind, which means nothing to the next one.
  Freed leaving;
  std::uintptr_t caller;
  std::size_t trimmed_slabs;
  std::uint64_t was_live;
};

/// The members of a SlabInfo.
struct SlabInfoMembers {
  SlotsMembers slots;
  std::uintptr_t owner, slab, next, previous, next_slab, previous_slab;
};

}  // namespace slabproof

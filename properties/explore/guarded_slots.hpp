#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/layout.hpp"
#include "model/subject/cache_members.hpp"

namespace slabproof {

/// The slots of one slab of a cache with guards. What guards keep in a slot follows from whether it is live, freed or
/// was never used, except for the callers: the reports must say who they were, so whether a slot knows them is part of
/// a state.
class GuardedSlots {
 public:
  GuardedSlots(const CacheSpec& spec, const Layout& layout, std::uintptr_t base, std::uint64_t scrub)
      : spec_{spec}, layout_{layout}, facts_{facts_of(spec.guards)}, base_{base}, scrub_{scrub} {}

  /// A bit for each slot that does not know who allocated it, and in the upper half for each freed one that does not
  /// know who freed it. Requires tracked callers.
  [[nodiscard]] std::uint64_t unknown_callers(std::uint32_t handed_out, std::uint32_t live) const;
  /// Writes what a cache has written to slots.
  void restore(std::uint32_t handed_out, std::uint32_t live, std::uint64_t unknown_callers) const;

 private:
  [[nodiscard]] std::uintptr_t slot(std::size_t index) const { return base_ + index * layout_.stride; }
  [[nodiscard]] std::uintptr_t callers(std::size_t index) const {
    return slot(index) + layout_.stride - facts_.callers_bytes();
  }

  const CacheSpec& spec_;
  const Layout& layout_;
  GuardFacts facts_;
  std::uintptr_t base_;
  std::uint64_t scrub_;
};

/// The objects in a quarantine, the oldest first.
struct SavedQuarantine {
  std::size_t size = 0;
  GuardMembers::Freed objects[GuardMembers::most];
};
[[nodiscard]] SavedQuarantine saved(const GuardMembers& members, Guards guards);
/// Everything that means nothing is as `scrub` says: where the quarantine begins in its ring, places there without an
/// object, what the last operation left behind.
[[nodiscard]] GuardMembers restored(const SavedQuarantine& quarantine, Guards guards, std::uint64_t scrub);
void forget_last_operation(GuardMembers& members, std::uint64_t scrub);

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>

#include "properties/explore/small_state.hpp"

namespace slabproof {

/// Why no program leads to a state that audit() accepts: what all states have in common that programs lead to, and it
/// has not. Of several the first. docs/induction.md says why each is harmless.
enum class Unreachable : std::uint8_t {
  ReservedMore,      // less is there, or free, than the last reserve() has asked for and nobody has taken
  NeverUsed,         // a slab of which no slot was ever handed out is current, or there though nothing is reserved
  LeftEarly,         // slots never handed out where no alloc() would have left them
  EmptiedElsewhere,  // slabs of one object: one that was emptied is not current, though it was when it became so
  NeedsMore,         // a program leads there where there is room for another slab, and reserve() asks for more
  Unknown,           // none of these
};
inline constexpr std::size_t unreachable_kinds = static_cast<std::size_t>(Unreachable::Unknown) + 1;
inline constexpr const char* unreachable_names[unreachable_kinds] = {
    "reserved more than there is", "never used", "left early", "emptied elsewhere", "needs a larger world", "unknown"};

/// Which of those that show in the state itself; Unknown if none does. Of a cache with slabs of `objects` that keeps
/// `kept` empty ones; `current` is the place of the current slab and `first_empty` that of the first on the list of
/// empty slabs, or no place.
[[nodiscard]] Unreachable unreachable_kind(const SmallState& state, std::size_t objects, std::size_t kept,
                                           std::size_t current, std::size_t first_empty);

}  // namespace slabproof

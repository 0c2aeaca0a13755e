#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// What the harness writes into each live object and expects to find again (G12): all of a small
/// object; of a large one both ends and eight bytes out of every 256, where a list link, a header or
/// a neighbour's overflow would land. ByAddress: all of it, a byte as its address says, so that memory that was an
/// object looks the same whichever it was.
enum class Contents : std::uint8_t { ByOrdinal, ByAddress };
void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal, Contents contents = Contents::ByOrdinal);

/// The offset of a byte that is not as stamp() left it, or -1.
std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal,
                           Contents contents = Contents::ByOrdinal);

/// The same for the first `kept` bytes of what stamp() wrote at another place, since copied here.
struct StampedAt {
  std::uintptr_t object;
  std::size_t size;
};
std::ptrdiff_t find_damage_of_moved(std::uintptr_t object, StampedAt before, std::size_t kept, std::uint32_t ordinal,
                                    Contents contents = Contents::ByOrdinal);

/// The offset of a byte that is not zero, or -1.
std::ptrdiff_t find_nonzero(std::uintptr_t object, std::size_t size);

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// What the harness writes into each live object and expects to find again (G12). ByOrdinal: an object's bytes follow
/// from its ordinal and the offset. ByAddress: from its address, so that memory that was an object looks the same
/// whichever it was.
enum class Contents : std::uint8_t { ByOrdinal, ByAddress };
/// All of its bytes. O(size).
void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal, Contents contents = Contents::ByOrdinal);

/// Which bytes are looked at: all of a small object, and of one larger than 128 bytes at both ends and eight out of
/// every 256 between, where a list link, a header or a neighbour's overflow would land; or all.
enum class Look : std::uint8_t { AtSome, AtAll };
/// The offset of a byte that is not as stamp() left it, or -1.
std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal,
                           Contents contents = Contents::ByOrdinal, Look look = Look::AtAll);

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

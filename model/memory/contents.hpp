#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// What the harness writes into each live object and expects to find again (G12): all of a small
/// object; of a large one both ends and eight bytes out of every 256, where a list link, a header or
/// a neighbour's overflow would land.
void stamp(std::uintptr_t object, std::size_t size, std::uint32_t ordinal);

/// The offset of a byte that is not as stamp() left it, or -1.
std::ptrdiff_t find_damage(std::uintptr_t object, std::size_t size, std::uint32_t ordinal);

}  // namespace slabproof

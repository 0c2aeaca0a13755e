#pragma once

#include <cstddef>
#include <cstdint>

namespace slab::detail {

/// `number` / Divisor where that leaves no remainder; else more than every such quotient. O(1), without a division.
///
/// For Divisor = d * 2^k with an odd d, and i with d * i = 1 modulo 2^64: number * i is number / d where d divides
/// number. Turned right by k bits that is the quotient if the last k bits are 0, else at least 2^(64 - k). Where d does
/// not divide number, number * i is more than (2^64 - 1) / d, since those below are the products of its multiples.
/// After Granlund and Montgomery, PLDI 1994, section 9.
template <std::size_t Divisor>
[[nodiscard, gnu::always_inline]] constexpr std::uint64_t exact_quotient(std::uint64_t number) noexcept {
  static_assert(Divisor % 2 == 0);
  constexpr int zeros = __builtin_ctzll(Divisor);
  constexpr std::uint64_t odd = Divisor >> zeros;
  constexpr std::uint64_t inverse = [] {
    std::uint64_t found = odd;  // right in its last 3 bits; each step doubles how many are
    for (int step = 0; step < 5; ++step) found *= 2 - odd * found;
    return found;
  }();
  static_assert(odd * inverse == 1);
  const std::uint64_t product = number * inverse;
  return product >> zeros | product << (64 - zeros);
}

}  // namespace slab::detail

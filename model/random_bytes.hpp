#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slabproof {

/// `size` bytes that depend on `seed` alone; each seed makes another program. SplitMix64, by
/// Steele, Lea and Flood, OOPSLA 2014: the same in every standard library.
inline std::vector<std::uint8_t> random_bytes(std::uint64_t seed, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint64_t state = seed << 32;
  for (std::uint8_t& byte : bytes) {
    std::uint64_t word = state += 0x9E3779B97F4A7C15u;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
    word = (word ^ word >> 27) * 0x94D049BB133111EBu;
    byte = static_cast<std::uint8_t>(word >> 56);
  }
  return bytes;
}

}  // namespace slabproof

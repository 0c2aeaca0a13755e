#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slabproof {

/// Random numbers that depend on `seed` alone. SplitMix64, by Steele, Lea and Flood, OOPSLA 2014, which is the same
/// with every standard library.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_{seed << 32} {}

  std::uint64_t next() {
    std::uint64_t word = state_ += 0x9E3779B97F4A7C15u;
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
    return (word ^ word >> 27) * 0x94D049BB133111EBu;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(next() >> 56); }
  /// A number below count, which is at most 2^16.
  std::size_t below(std::size_t count) { return (next() >> 32) % count; }

 private:
  std::uint64_t state_;
};

/// `size` bytes of SplitMix: a program for each seed.
inline std::vector<std::uint8_t> random_bytes(std::uint64_t seed, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  SplitMix random{seed};
  for (std::uint8_t& byte : bytes) byte = random.byte();
  return bytes;
}

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace slabproof {

struct Hash128 {
  std::uint64_t a, b;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

/// Hashes keys of up to `max_words` words of 8 bytes. Two independent functions of 64 bits each: NH (Black
/// and others, UMAC, CRYPTO 1999), whose sums of 128 bits two different keys of one length share with a
/// probability of at most 2^-64 over the choice of the constants, then a strongly universal function of the
/// sum and the length (Dietzfelbinger 1996), with at most 2^-64 again. Together two keys collide with at most 2^-126.
class KeyHash {
 public:
  explicit KeyHash(std::uint64_t seed, std::size_t max_words) : constants_(max_words + 4) {
    for (std::uint64_t& constant : constants_) constant = next(seed);
    for (auto& lane : last_)
      for (std::uint64_t& constant : lane) constant = next(seed);
  }

  [[nodiscard]] Hash128 operator()(const std::uint64_t* key, std::size_t words) const {
    Wide sums[2] = {};
    const std::uint64_t* const constant = constants_.data();
    std::size_t i = 0;
    for (; i + 1 < words; i += 2) {
      sums[0] += Wide{key[i] + constant[i]} * (key[i + 1] + constant[i + 1]);
      sums[1] += Wide{key[i] + constant[i + 2]} * (key[i + 1] + constant[i + 3]);
    }
    if (i < words) {
      sums[0] += Wide{key[i] + constant[i]} * constant[i + 1];
      sums[1] += Wide{key[i] + constant[i + 2]} * constant[i + 3];
    }
    return {finish(last_[0], sums[0], words), finish(last_[1], sums[1], words)};
  }

 private:
  __extension__ typedef unsigned __int128 Wide;  // __extension__: not ISO C++, says -Wpedantic

  static std::uint64_t next(std::uint64_t& state) {  // splitmix64, Steele and others 2014
    std::uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  static std::uint64_t finish(const std::uint64_t (&constants)[8], Wide sum, std::size_t words) {
    const auto wide = [&](std::size_t i) { return Wide{constants[i]} << 64 | constants[i + 1]; };
    return static_cast<std::uint64_t>((wide(0) + wide(2) * static_cast<std::uint64_t>(sum) +
                                       wide(4) * static_cast<std::uint64_t>(sum >> 64) + wide(6) * words) >>
                                      64);
  }

  std::vector<std::uint64_t> constants_;
  std::uint64_t last_[2][8];
};

}  // namespace slabproof

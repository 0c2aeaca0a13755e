#pragma once

#include <cstdint>
#include <initializer_list>

namespace slabproof {

/// A digest of everything that happened: each backend call, each outcome, each report, addresses
/// relative to the arena. Equal for equal runs, whatever the compiler, the optimisation, the arena's
/// base or what ran before.
class EventLog {
 public:
  void add(std::uint64_t event, std::uint64_t a = 0, std::uint64_t b = 0) {
    ++count_;
    for (const std::uint64_t word : {event, a, b}) {
      digest_ = (digest_ ^ word) * 0x9E3779B97F4A7C15u;
      digest_ ^= digest_ >> 32;
    }
  }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  friend bool operator==(const EventLog&, const EventLog&) = default;

 private:
  std::uint64_t digest_ = 0x51AB51AB51AB51ABu;
  std::uint64_t count_ = 0;
};

}  // namespace slabproof

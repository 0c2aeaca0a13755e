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
    digest_ = mixed(digest_ ^ mixed(mixed(event * odd ^ a) ^ b));
  }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  friend bool operator==(const EventLog&, const EventLog&) = default;

 private:
  static constexpr std::uint64_t odd = 0x9E3779B97F4A7C15u;
  // Of the calls in add() only the outermost depends on the event before.
  static constexpr std::uint64_t mixed(std::uint64_t word) { return (word ^ word >> 32) * odd; }

  std::uint64_t digest_ = 0x51AB51AB51AB51ABu;
  std::uint64_t count_ = 0;
};

}  // namespace slabproof

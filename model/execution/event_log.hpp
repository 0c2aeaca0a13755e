#pragma once

#include <cstdint>

#include <slab/misuse.hpp>

#include "model/execution/backend_call.hpp"
#include "model/program/operation.hpp"

namespace slabproof {

/// A digest of everything that happened: each backend call, each outcome, each report, addresses
/// relative to the arena. Equal for equal runs, whatever the compiler, the optimisation, the arena's
/// base or what ran before.
class EventLog {
 public:
  // What is noted, and in which numbers. Addresses are relative to the arena.
  void called(BackendCall call, std::uint8_t backend, std::uint64_t a, std::uint64_t b) {
    add(static_cast<std::uint64_t>(call) << 8 | backend, a, b);
  }
  void slab_given(std::uint64_t slab) { add(1, slab); }
  void slab_info_given(std::uint64_t info) { add(2, info); }
  void memory_given(std::uint64_t size, std::uint64_t block) { add(3, size, block); }
  void memory_returned(std::uint64_t block) { add(4, block); }
  void backend_erred(std::uint64_t given, BackendError how) { add(5, given, static_cast<std::uint64_t>(how)); }
  /// An operation and what came of it.
  void done(OperationKind kind, std::uint64_t a = 0, std::uint64_t b = 0) {
    add(0x100 | static_cast<std::uint64_t>(kind), a, b);
  }
  void reported(slab::Misuse kind, std::uint64_t pointer) { add(0x200 | static_cast<std::uint64_t>(kind), pointer); }
  /// A pool or a heap has told of it.
  void misuse_told(OperationKind kind) { add(0x200, static_cast<std::uint64_t>(kind)); }
  void called_from_on_misuse(ReentrantCall call, slab::Misuse reported, std::uint8_t cache) {
    add(0x300 | static_cast<std::uint64_t>(call), static_cast<std::uint64_t>(reported), cache);
  }

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

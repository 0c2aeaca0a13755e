#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/operation_table.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// Which objects may exist, known from the program alone: an upper bound, since an allocation may fail when it is run.
/// The decoder picks operands from it, normalising checks against it, and it is the model state of the RapidCheck state
/// machines. No heap, so that a kernel can decode.
class SymbolicState {
 public:
  static constexpr std::size_t max_dead = 64;  // the most recently freed ones

  explicit SymbolicState(const Setup& setup) : cache_count_{setup.cache_count}, backend_count_{setup.backend_count} {
    for (std::size_t i = 0; i < setup.cache_count; ++i) {
      const GuardFacts guards = facts_of(setup.caches[i].guards);
      has_red_zone_[i] = guards.red_zone_bytes != 0;
      has_pattern_[i] = guards.verify_pattern;
    }
  }
  SymbolicState(const SymbolicState& other) { *this = other; }
  SymbolicState& operator=(const SymbolicState& other) {
    cache_count_ = other.cache_count_;
    backend_count_ = other.backend_count_;
    next_ordinal_ = other.next_ordinal_;
    live_count_ = other.live_count_;
    dead_count_ = other.dead_count_;
    for (std::size_t i = 0; i < Limits::max_caches; ++i) {
      has_red_zone_[i] = other.has_red_zone_[i];
      has_pattern_[i] = other.has_pattern_[i];
    }
    for (std::size_t i = 0; i < live_count_; ++i) live_[i] = other.live_[i];
    for (std::size_t i = 0; i < dead_count_; ++i) dead_[i] = other.dead_[i];
    return *this;
  }

  [[nodiscard]] std::uint8_t cache_count() const { return cache_count_; }
  [[nodiscard]] std::uint8_t backend_count() const { return backend_count_; }
  [[nodiscard]] std::uint32_t next_ordinal() const { return next_ordinal_; }
  void skip_ordinals(std::uint32_t count) { next_ordinal_ += count; }

  // Live objects in the order of their birth, dead ones in the order of their death.
  [[nodiscard]] std::size_t live_count() const { return live_count_; }
  [[nodiscard]] std::uint32_t live(std::size_t index) const { return live_[index] >> 1; }
  [[nodiscard]] std::uint8_t live_cache(std::size_t index) const { return live_[index] & 1; }
  [[nodiscard]] std::size_t dead_count() const { return dead_count_; }
  [[nodiscard]] std::uint32_t dead(std::size_t index) const { return dead_[index] >> 1; }
  [[nodiscard]] std::uint8_t dead_cache(std::size_t index) const { return dead_[index] & 1; }

  /// Index of a live or dead object, or -1.
  [[nodiscard]] std::ptrdiff_t find_live(std::uint32_t ordinal) const {
    std::size_t low = 0, high = live_count_;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (live(middle) < ordinal)
        low = middle + 1;
      else
        high = middle;
    }
    return low < live_count_ && live(low) == ordinal ? static_cast<std::ptrdiff_t>(low) : -1;
  }
  [[nodiscard]] std::ptrdiff_t find_dead(std::uint32_t ordinal) const {
    for (std::size_t i = 0; i < dead_count_; ++i)
      if (dead(i) == ordinal) return static_cast<std::ptrdiff_t>(i);
    return -1;
  }

  /// Whether the policy of a cache has it.
  [[nodiscard]] bool has(NeededGuard guard, std::uint8_t cache) const {
    switch (guard) {
      case NeededGuard::None: return true;
      case NeededGuard::RedZone: return has_red_zone_[cache];
      case NeededGuard::Pattern: return has_pattern_[cache];
    }
    return false;
  }

  /// Whether everything that `operation` names exists here.
  [[nodiscard]] bool applies(const Operation& operation) const {
    switch (operand_of(operation.kind)) {
      case Operand::NewObject:
        return operation.target < cache_count_ && operation.object >= next_ordinal_ &&
               operation.object <= Limits::max_ordinal && live_count_ < Limits::max_live_objects;
      case Operand::LiveObject:
        if (cache_count_ != 2 && facts_of(operation.kind).needs_two_caches) return false;
        return has_guard(operation.kind, find_live(operation.object), live_);
      case Operand::DeadObject: return has_guard(operation.kind, find_dead(operation.object), dead_);
      case Operand::Cache: return operation.target < cache_count_;
      case Operand::Backend: return operation.target < backend_count_;
    }
    return false;
  }

  /// Requires applies(operation).
  void apply(const Operation& operation) {
    switch (effect_of(operation.kind)) {
      case Effect::None: break;
      case Effect::MakesObject:
        live_[live_count_++] = operation.object << 1 | operation.target;
        next_ordinal_ = operation.object + 1;
        break;
      case Effect::EndsObject: {
        const auto index = static_cast<std::size_t>(find_live(operation.object));
        if (dead_count_ == max_dead) erase(dead_, dead_count_, 0);
        dead_[dead_count_++] = live_[index];
        erase(live_, live_count_, index);
        break;
      }
      case Effect::EndsObjectsOfCache:
        forget(live_, live_count_, operation.target);
        forget(dead_, dead_count_, operation.target);
        break;
    }
  }

 private:
  /// Whether there is an object at `index`, of a cache with what the operation needs.
  [[nodiscard]] bool has_guard(OperationKind kind, std::ptrdiff_t index, const std::uint32_t* objects) const {
    if (index < 0) return false;
    return guard_of(kind) == NeededGuard::None || has(guard_of(kind), objects[index] & 1);
  }
  static void erase(std::uint32_t* objects, std::size_t& count, std::size_t index) {
    --count;
    for (std::size_t i = index; i < count; ++i) objects[i] = objects[i + 1];
  }
  static void forget(std::uint32_t* objects, std::size_t& count, std::uint32_t cache) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; ++i)
      if ((objects[i] & 1) != cache) objects[kept++] = objects[i];
    count = kept;
  }

  std::uint8_t cache_count_ = 1;
  std::uint8_t backend_count_ = 1;
  std::uint32_t next_ordinal_ = 0;
  std::size_t live_count_ = 0;
  std::size_t dead_count_ = 0;
  bool has_red_zone_[Limits::max_caches] = {}, has_pattern_[Limits::max_caches] = {};  // what policies have
  std::uint32_t live_[Limits::max_live_objects];  // ordinal << 1 | cache
  std::uint32_t dead_[max_dead];
};

}  // namespace slabproof

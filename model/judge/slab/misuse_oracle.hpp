#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <slab/misuse.hpp>

#include "model/judge/any/reference.hpp"
#include "model/judge/slab/cache_model.hpp"
#include "model/memory/arena.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/program/operation_table.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The invariant that governs reports of this kind.
Invariant invariant_of(slab::Misuse kind);

/// Which pointer a misuse frees, and what the cache must report (M1 to M8), derived from the slabs that the backends
/// handed out and from the live objects. Changes nothing.
class MisuseOracle {
 public:
  struct Expected {
    slab::Misuse kind;
    Invariant invariant;
  };
  using Backends = std::array<RecordingBackend, Limits::max_backends>;

  /// An address outside the arena, for a free() that must not access its argument.
  static constexpr std::uintptr_t nowhere = 0x7777'7000;

  /// `models` has one for each cache; all must outlive the oracle.
  MisuseOracle(const Arena& arena, Backends& backends, const CacheModel* models, const Reference& reference)
      : arena_{arena}, backends_{backends}, models_{models}, reference_{reference} {}

  /// The pointer that the operation frees through `cache`, or 0 when there is no such pointer.
  /// `object` is the address of the object that it names, which must be in a slab of the cache.
  [[nodiscard]] std::uintptr_t pointer_of(const Operation& operation, std::uint8_t cache, std::uintptr_t object) const;

  /// What free(pointer) of this cache must report; nothing when that is no misuse, or is outside the contract.
  [[nodiscard]] std::optional<Expected> expected(std::uint8_t cache, std::uintptr_t pointer) const;

 private:
  [[nodiscard]] std::uintptr_t foreign_pointer(std::uint8_t cache, std::uint32_t pick) const;
  [[nodiscard]] RecordingBackend& backend_of(std::uint8_t cache) const {
    return backends_[models_[cache].spec.backend];
  }

  const Arena& arena_;
  Backends& backends_;
  const CacheModel* models_;
  const Reference& reference_;
};

}  // namespace slabproof

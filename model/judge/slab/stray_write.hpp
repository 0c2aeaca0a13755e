#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/layout.hpp"
#include "model/program/operation.hpp"

namespace slabproof {

/// A byte that a program writes where the cache lets nobody write: behind a live object, or in a freed slot.
struct StrayWrite {
  std::uintptr_t slot;
  std::size_t offset;  // in the slot
  std::uint8_t value;
  std::uint8_t cache;
  bool is_behind_object;
};

/// What a report of such writes to a slot must say of them, as slab::MisuseReport does.
struct Change {
  std::size_t offset = 0;
  std::size_t size = 0;  // from the first byte to the last; 0: nothing was written
  std::uint8_t found[8] = {};
};

/// What the cache keeps in a byte that WriteBehind or WriteFreed writes to.
constexpr std::uint8_t kept_byte(OperationKind kind, const CacheSpec& spec) {
  return kind == OperationKind::WriteBehind ? GuardFacts::red_zone : facts_of(spec.guards).pattern();
}

/// Where such an operation writes what. Its argument picks a byte, from the first on or from the last one back, and a
/// bit that is another one then.
constexpr StrayWrite stray_write_of(const Operation& operation, const CacheSpec& spec, std::uintptr_t slot,
                                    std::uint8_t cache) {
  const bool is_behind = operation.kind == OperationKind::WriteBehind;
  const std::size_t begin = is_behind ? spec.object_size : 0,
                    size = layout_of(spec).stride - facts_of(spec.guards).callers_bytes() - begin,
                    place = operation.argument / 2 % size;
  return {slot, begin + (operation.argument % 2 == 0 ? place : size - 1 - place),
          static_cast<std::uint8_t>(kept_byte(operation.kind, spec) ^ 1u << operation.argument % 8), cache, is_behind};
}

}  // namespace slabproof

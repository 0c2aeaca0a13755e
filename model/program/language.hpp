#pragma once

#include <cstdint>

#include "model/program/operation_table.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The part of the language that programs for one subject use: what is judged, which operations it has, how many of it
/// there may be at once, and which sizes and alignments it is asked for.
struct Language {
  Shape shape = Shape::SlabCache;
  std::uint64_t kinds = 0;  // a bit for each OperationKind
  std::uint8_t instances = Limits::max_caches;
  SizeLimits sizes{};  // a slab cache's follow from its geometry instead

  [[nodiscard]] constexpr bool has(OperationKind kind) const { return kinds >> static_cast<unsigned>(kind) & 1; }
  /// The plain allocation.
  [[nodiscard]] constexpr OperationKind allocation() const {
    return shape == Shape::Heap ? OperationKind::Allocate : OperationKind::Alloc;
  }
  constexpr void add(OperationKind kind) { kinds |= std::uint64_t{1} << static_cast<unsigned>(kind); }
};
static_assert(operation_kinds <= 64);

/// All that can be asked of a subject of this shape. `sizes` are the largest that a program can name.
constexpr Language language_of(Shape shape) {
  Language language{.shape = shape, .sizes = {.most = SizeLimits::most_possible}};
  for (const OperationKind kind : operation_table.kinds) {
    const OperationFacts& facts = facts_of(kind);
    const bool is_for_objects =
        kind == OperationKind::Free || kind == OperationKind::FreeNull || kind == OperationKind::Destroy ||
        kind == OperationKind::Shrink || kind == OperationKind::Fail || kind == OperationKind::Recover ||
        kind == OperationKind::DoubleFree || kind == OperationKind::FreeInterior || kind == OperationKind::FreeForeign;
    switch (shape) {
      case Shape::SlabCache:
        if (!facts.any_size) language.add(kind);
        break;
      case Shape::Pool:
        if (is_for_objects || kind == OperationKind::Alloc) language.add(kind);
        break;
      case Shape::Heap:
        if (is_for_objects || facts.any_size) language.add(kind);
        break;
    }
  }
  return language;
}

inline constexpr Language slab_language = language_of(Shape::SlabCache);

/// Of these programs a slab cache and a backend know all that they need: nobody must predict which misuse the contract
/// promises a report of.
inline constexpr Language slab_language_without_misuse = [] {
  Language language = slab_language;
  for (const OperationKind kind : operation_table.kinds)
    if (misuse_of(kind) != MisuseClass::None) language.kinds &= ~(std::uint64_t{1} << static_cast<unsigned>(kind));
  return language;
}();

}  // namespace slabproof

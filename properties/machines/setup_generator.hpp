#pragma once

#include <cstdint>
#include <iosfwd>

#include <rapidcheck.h>

#include "model/program/language.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The first cache of a generated setup.
struct MachineKind {
  slab::Row row;
  bool checks;
  std::uint8_t empty_slabs_kept;
  bool has_guards = false;  // some policy with guards, which then says how many empty slabs are kept
};

/// Setups whose first cache is of `kind`, over all geometries with a bias to the edges: 1, 2 and 3
/// objects a slab, one byte below and above the sizes where that count changes, odd sizes, large
/// alignments. Shrinks to one cache of small numbers.
rc::Gen<Setup> setups(MachineKind kind);

/// Setups of pools or heaps, within what they accept.
rc::Gen<Setup> setups(const Language& language);

std::ostream& operator<<(std::ostream& out, const Setup& setup);

}  // namespace slabproof

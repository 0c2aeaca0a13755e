#pragma once

#include <cstdint>

#include <slab/misuse.hpp>

#include "model/judge/any/reference.hpp"
#include "model/program/operation.hpp"

namespace slabproof {

/// The call that a cache's on_misuse made in an operation, as its program says.
struct Answered {
  ReentrantCall call{};
  std::uint8_t cache = 0;
  slab::Misuse reported{};
  bool is_made = false;
  bool is_refused = false;            // as it must be
  bool is_successful = false;         // of an allocation or a reserve: not null, or true
  std::uint32_t freed = no_ordinal;   // of a free: the object; none, then null is freed
};

}  // namespace slabproof

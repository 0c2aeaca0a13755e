#pragma once

#include <optional>

#include <slab/geometry.hpp>

namespace slabproof {

/// The row of the target's first cache, if it has one, which fuzz/targets/program_target.cpp needs to be a fuzz target:
/// it runs programs of this row, and at a violation prints it with its trace and aborts.
extern const std::optional<slab::Row> target_row;

}  // namespace slabproof

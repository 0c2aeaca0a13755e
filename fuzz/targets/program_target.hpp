#pragma once

#include <slab/geometry.hpp>

namespace slabproof {

/// The row of the target's first cache: what fuzz/targets/program_target.cpp needs to be a fuzz target. It runs
/// programs of this row, prints a violation with its trace, and aborts then.
extern const slab::Row target_row;

}  // namespace slabproof

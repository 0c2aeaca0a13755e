#pragma once

#include <cstdint>
#include <vector>

#include "properties/explore/mishap.hpp"
#include "properties/explore/transition.hpp"
#include "properties/explore/world.hpp"

namespace slabproof {

/// Programs that may show a defect, all of the same length, those closest to what the search did first. `path` leads to
/// the state before `last`; `stray` is the pointer that was freed there through `last.cache`, or 0; `mishap` is what
/// happened in the middle of `last`. `world` is run
/// along the path up to that state.
std::vector<Program> programs_of(World& world, const std::vector<Transition>& path, const Transition& last,
                                 std::uintptr_t stray, const Mishap& mishap = {});

/// Whether a program can free a pointer like this one in the present state of `world`.
bool is_expressible(World& world, std::uint8_t cache, std::uintptr_t stray);

}  // namespace slabproof

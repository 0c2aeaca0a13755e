#pragma once

#include <string>

#include "properties/explore/world.hpp"

namespace slabproof {

/// For people: the state that a world with one cache is in, as `state` has it.
[[nodiscard]] std::string text_of_state(World& world, const SmallState& state);

}  // namespace slabproof

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slabproof {

/// What is wrong with RC_PARAMS and SLABPROOF_DEEP, in a sentence; empty if nothing is. RapidCheck itself ignores what
/// it does not understand. `ids` are those of the properties, one of which reproduce= must name.
std::string wrong_environment(const std::vector<std::string>& ids);

/// The factor for the number of programs of a property: SLABPROOF_DEEP, 1 if it is not set.
std::uint64_t deep();

}  // namespace slabproof

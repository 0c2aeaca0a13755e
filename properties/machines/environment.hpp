#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace slabproof {

/// What is wrong with RC_PARAMS and SLABPROOF_DEEP, in a sentence; empty if nothing is. RapidCheck itself passes over
/// what it does not understand. `ids` are those of the properties, one of which reproduce= has to name.
std::string wrong_environment(const std::vector<std::string>& ids);

/// How many times as many programs a property runs: SLABPROOF_DEEP, 1 where it is not set.
std::uint64_t deep();

}  // namespace slabproof

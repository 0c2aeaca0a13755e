#pragma once

#include "properties/explore/search_report.hpp"
#include "properties/explore/visited_set.hpp"
#include "properties/explore/world.hpp"

namespace slabproof {

/// Completes an exploration that found a defect, as `report` says: where it was found, the shortest program that shows
/// it, and what the runner finds in that program.
void explain(Exploration& exploration, World& world, const GrowingArray<Step>& steps, const SearchReport& report);

}  // namespace slabproof

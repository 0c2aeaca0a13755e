#pragma once

#include <vector>

#include "model/program/setup.hpp"

namespace slabproof {

/// The geometries that are simpler than that of `cache`, the simplest first.
std::vector<CacheSpec> simpler_geometries(const CacheSpec& cache);

}  // namespace slabproof

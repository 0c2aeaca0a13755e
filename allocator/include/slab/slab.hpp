#pragma once

/// The whole allocator: freestanding, header-only, C++20.
#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/policy.hpp>
#include <slab/statistics.hpp>
#include <slab/version.hpp>

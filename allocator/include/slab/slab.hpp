#pragma once

#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/policy.hpp>
#include <slab/statistics.hpp>
#include <slab/version.hpp>

/// The whole allocator, freestanding and header-only: Cache, DynamicCache, Immortal and what they are made with.
namespace slab {}
/// What the headers share among themselves, and CacheCore, which has the members of both caches.
namespace slab::detail {}

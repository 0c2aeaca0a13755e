#pragma once

/// Version of the slabproof allocator: major * 10000 + minor * 100 + patch.
#define SLAB_VERSION 100  // 0.1.0

#pragma once

/// Version of the slabproof allocator: major * 10000 + minor * 100 + patch. CMake reads it from here.
#define SLAB_VERSION 100

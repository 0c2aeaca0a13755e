#pragma once

#include <cstddef>

/// What kasan_boot.cpp, which is not instrumented, calls of kasan_kernel.cpp, which is.
struct Kernel {
  static constexpr std::size_t object_size = 33;  // tail waste in both slabs
  void* (*alloc)();
  void (*free)(void* object);
  std::size_t (*shrink)();
  void (*touch)(void* byte);  // writes to it
  std::size_t stride, end_of_slots, objects_per_slab;
};

extern const Kernel checked_kernel, unchecked_kernel;

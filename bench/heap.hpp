#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/// Memory of any size, behind functions that are called by pointers: a malloc is called from another library.
struct Heap {
  std::string name;
  void* (*alloc)(std::size_t size);
  void (*free)(void* object);  ///< null: it must be told the size
  /// Null: it cannot be told. The third is 0, and only jemalloc asks for it.
  void (*free_sized)(void* object, std::size_t size, int flags);
  std::size_t (*usable_size)(void* object, std::size_t size);  ///< of an object of so many bytes: what it may use
};

/// All that there are: slab's (bench/slab_heaps.cpp adds them before main()) and the mallocs.
std::vector<Heap>& heaps();
void add_mallocs();

}  // namespace bench

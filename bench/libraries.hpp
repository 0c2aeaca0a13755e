#pragma once

#include <dlfcn.h>

namespace bench {

/// A malloc from a library, which would take this program's over if it were linked.
struct Library {
  const char *name, *file, *malloc, *free, *free_sized, *usable_size;  ///< of the library, and of its functions
  void (*purge)(void* handle);                                         ///< gives back what is free
};

/// Those that are compared with.
extern const Library libraries[3];

/// A function of a library that dlopen() has opened; null if it has none of that name.
template <class Function>
Function* function_of(void* handle, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(handle, name));
}

/// Opens it. Null if it is not there or lacks a function, and is then in missing().
void* open_library(const Library& library);

}  // namespace bench

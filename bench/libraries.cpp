#include "bench/libraries.hpp"

#include <cstddef>
#include <string>

#include "bench/subject.hpp"

namespace bench {

std::vector<Missing>& missing() {
  static std::vector<Missing> all;
  return all;
}

namespace {

void purge_mimalloc(void* handle) {
  if (auto* const collect = function_of<void(bool)>(handle, "mi_collect")) collect(true);
}
void purge_jemalloc(void* handle) {
  auto* const control = function_of<int(const char*, void*, std::size_t*, void*, std::size_t)>(handle, "mallctl");
  if (!control) return;
  control("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  control("arena.4096.purge", nullptr, nullptr, nullptr, 0);  // MALLCTL_ARENAS_ALL: of every arena
}
void purge_tcmalloc(void* handle) {
  for (const char* const name : {"MallocExtension_MarkThreadIdle", "MallocExtension_ReleaseFreeMemory"})
    if (auto* const release = function_of<void()>(handle, name)) release();
}

}  // namespace

const Library libraries[] = {
    {"mimalloc", "libmimalloc.so.2", "mi_malloc", "mi_free", "mi_free_size", "mi_usable_size", purge_mimalloc},
    {"jemalloc", "libjemalloc.so.2", "malloc", "free", "sdallocx", "malloc_usable_size", purge_jemalloc},
    {"tcmalloc", "libtcmalloc_minimal.so.4", "tc_malloc", "tc_free", "tc_free_sized", "tc_malloc_size", purge_tcmalloc},
};

void* open_library(const Library& library) {
  void* const handle = ::dlopen(library.file, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return missing().push_back({library.name, ::dlerror()}), nullptr;
  for (const char* const name : {library.malloc, library.free, library.free_sized, library.usable_size})
    if (!::dlsym(handle, name))
      return missing().push_back({library.name, std::string{library.file} + " has no " + name}), nullptr;
  return handle;
}

}  // namespace bench

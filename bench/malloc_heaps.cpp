#include <malloc.h>
#include <sys/mman.h>

#include <cstdlib>
#include <iterator>
#include <new>

#include "bench/heap.hpp"
#include "bench/libraries.hpp"

namespace bench {
namespace {

std::size_t (*usable_size_of[std::size(libraries)])(void*);

/// What a library calls its function has no place for the size, which is known here.
template <std::size_t I>
std::size_t usable_size(void* object, std::size_t) {
  return usable_size_of[I](object);
}

template <std::size_t I>
void add_library() {
  const Library& library = libraries[I];
  void* const handle = open_library(library);
  if (!handle) return;
  usable_size_of[I] = function_of<std::size_t(void*)>(handle, library.usable_size);
  heaps().push_back({library.name, function_of<void*(std::size_t)>(handle, library.malloc),
                     function_of<void(void*)>(handle, library.free),
                     function_of<void(void*, std::size_t, int)>(handle, library.free_sized), usable_size<I>});
}

/// What all have in common: the loop that asks, and its touching.
void add_loop() {
  static void* memory;
  constexpr std::size_t bytes = std::size_t{1} << 32;  // the largest size of a step
  memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc{};
  heaps().push_back({"the loop alone", [](std::size_t) { return memory; }, [](void*) {}, [](void*, std::size_t, int) {},
                     [](void*, std::size_t size) { return size; }});
}

}  // namespace

void add_mallocs() {
  add_loop();
  heaps().push_back({"glibc malloc", std::malloc, std::free, nullptr,
                     [](void* object, std::size_t) { return ::malloc_usable_size(object); }});
  add_library<0>();
  add_library<1>();
  add_library<2>();
  static_assert(std::size(libraries) == 3);
}

}  // namespace bench

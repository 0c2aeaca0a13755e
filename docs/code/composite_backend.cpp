// docs/backend.md: a Large cache whose SlabInfos come from a SmallSinglePage cache.
struct Task {
  std::uint64_t registers[200];
};

#include "docs/page.hpp"

void* Pages::alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
void Pages::free_slab(void*, std::size_t, std::size_t) noexcept {}
bool Pages::save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept { return false; }
slab::SlabInfo* Pages::get_slab_info(std::uintptr_t) noexcept { return nullptr; }
void Pages::delete_slab_info(std::uintptr_t) noexcept {}

Task* use_the_backend() {
  Task* const task = tasks->alloc();
  tasks->free(task);
  return tasks->alloc();
}

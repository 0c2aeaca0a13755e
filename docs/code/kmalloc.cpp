// docs/size-classes.md: kmalloc and operator new.
#include "docs/page.hpp"

void* Pages::alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
void Pages::free_slab(void*, std::size_t, std::size_t) noexcept {}
bool Pages::save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept { return false; }
slab::SlabInfo* Pages::get_slab_info(std::uintptr_t) noexcept { return nullptr; }
void Pages::delete_slab_info(std::uintptr_t) noexcept {}

#pragma once

#include <slab/size_classes.hpp>

// A heap of any size, as in docs/size-classes.md, on the smallest backend that compiles.
struct Pages {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept;
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept { return false; }
  slab::SlabInfo* get_slab_info(std::uintptr_t) noexcept { return nullptr; }
  void delete_slab_info(std::uintptr_t) noexcept {}
};
constinit Pages pages;
constinit slab::Immortal<slab::SizeClasses<Pages>> heap{pages};

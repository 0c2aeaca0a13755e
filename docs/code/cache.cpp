// README.md: a cache in a program.
struct Buffer {
  std::byte bytes[3000];
};

struct Backend {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
  bool save_slab_info(std::uintptr_t, slab::SlabInfo*) noexcept { return false; }
  slab::SlabInfo* get_slab_info(std::uintptr_t) noexcept { return nullptr; }
  void delete_slab_info(std::uintptr_t) noexcept {}
  void* alloc_slab_info(std::size_t) noexcept { return nullptr; }
  void free_slab_info(void*, std::size_t) noexcept {}
};

void use_a_cache() {
#include "docs/page.hpp"
}

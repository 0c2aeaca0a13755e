// docs/kernel.md: allocating where the backend must not be called.
struct Task {
  std::uint64_t registers[20];
};
struct Frames {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
};
constinit Frames frames;
constinit slab::Immortal<slab::Cache<Task, slab::Config{}, Frames>> tasks{frames};
enum Outcome { out_of_memory, done };
void lock() {}

Outcome allocate_under_a_lock() {
#include "docs/page.hpp"
  return done;
}

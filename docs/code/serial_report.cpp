// docs/kernel.md: a report of misuse on a serial port.
#include "docs/page.hpp"

struct Task {
  std::uint64_t registers[20];
};
struct Frames {
  void* alloc_slab(std::size_t, std::size_t) noexcept { return nullptr; }
  void free_slab(void*, std::size_t, std::size_t) noexcept {}
};
constinit Frames frames;
constinit slab::Immortal<slab::Cache<Task, slab::Config{}, Frames, SerialReport>> tasks{frames};

void misuse_a_cache(Task* task) {
  tasks->free(task);
  tasks->free(task);
}

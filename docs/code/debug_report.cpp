// docs/kernel.md: what a report of a cache with guards has.
#include "docs/code/frames.hpp"

// Whatever the kernel prints with.
inline void print(const char*, ...) {}

#include "docs/page.hpp"

constinit slab::Immortal<slab::Cache<Task, slab::Config{}, Frames, Report>> tasks{frames};

void misuse_a_cache(Task* task) {
  tasks->free(task);
  tasks->free(task);
}

// docs/kernel.md: allocating where the backend must not be called.
#include "docs/code/frames.hpp"

constinit slab::Immortal<slab::Cache<Task, slab::Config{}, Frames>> tasks{frames};
enum Outcome { out_of_memory, done };
void lock() {}

Outcome allocate_under_a_lock() {
#include "docs/page.hpp"
  return done;
}

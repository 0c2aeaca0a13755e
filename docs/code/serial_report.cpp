// docs/kernel.md: a report of misuse on a serial port.
#include "docs/code/frames.hpp"
#include "docs/page.hpp"

constinit slab::Immortal<slab::Cache<Task, slab::Config{}, Frames, SerialReport>> tasks{frames};

void misuse_a_cache(Task* task) {
  tasks->free(task);
  tasks->free(task);
}

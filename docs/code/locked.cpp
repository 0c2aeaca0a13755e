// docs/smp.md: a cache for several CPUs and their interrupts.
#include <slab/locked.hpp>

#include "docs/code/frames.hpp"

#include "docs/page.hpp"

void* use() { return tasks->alloc(); }

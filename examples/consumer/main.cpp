#include <cstdio>
#include <memory_resource>
#include <vector>

#include <slab/hosted/backend.hpp>
#include <slab/hosted/memory_resource.hpp>
#include <slab/slab.hpp>

struct Task {
  int priority;
  Task* next;
};

int main() {
  slab::hosted::Backend backend{std::size_t{1} << 30};  // of address space; memory is taken as it is used
  slab::Cache<Task, slab::Config{}, slab::hosted::Backend> tasks{backend};
  Task* const task = tasks.alloc();  // null when there is no room
  tasks.free(task);

  slab::hosted::MemoryResource resource{backend};
  { std::pmr::vector<int> numbers{{1, 2, 3}, &resource}; }

  tasks.shrink();  // empty slabs go back to the backend, which keeps them,
  resource.shrink();
  std::printf("%zu bytes trimmed\n", backend.trim());  // until it is asked for their memory
}

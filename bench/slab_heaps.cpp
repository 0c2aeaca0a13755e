// slab's heaps on the hosted backend. Their functions are one's own kmalloc and kfree: a heap that is a global, and
// callers that do not know the size.
#include <malloc.h>

#include <cstddef>
#include <string>

#include <slab/hosted/backend.hpp>
#include <slab/hosted/memory_resource.hpp>
#include <slab/slab.hpp>

#include "bench/heap.hpp"

namespace bench {

std::vector<Heap>& heaps() {
  static std::vector<Heap> all;
  return all;
}

namespace {

constexpr std::size_t address_space = std::size_t{1} << 32;

template <class Policy>
slab::hosted::Backend backend{address_space};
template <class Policy>
constinit slab::Immortal<slab::SizeClasses<slab::hosted::Backend, slab::KernelSizes, Policy>> classes{backend<Policy>};

template <class Policy>
slab::hosted::Region region{address_space};
template <class Policy>
slab::hosted::MemoryResource<slab::hosted::Region, Policy> resource{region<Policy>};

template <class Policy>
void add(const std::string& policy) {
  heaps().push_back({"SizeClasses/" + policy,  //
                     [](std::size_t size) { return classes<Policy>->alloc(size); },
                     [](void* object) { classes<Policy>->free(object); },
                     [](void* object, std::size_t size, int) { classes<Policy>->free(object, size); },
                     [](void* object, std::size_t) { return classes<Policy>->usable_size(object); }});
  heaps().push_back({"MemoryResource/" + policy,  //
                     [](std::size_t size) { return resource<Policy>.allocate(size, 8); }, nullptr,
                     [](void* object, std::size_t size, int) { resource<Policy>.deallocate(object, size, 8); },
                     [](void* object, std::size_t size) {
                       using Classes = slab::SizeClasses<slab::hosted::Region, slab::hosted::HostedSizes, Policy>;
                       const std::size_t usable = Classes::usable_size(size, 8);
                       return usable != 0 ? usable : ::malloc_usable_size(object);  // its upstream is operator new
                     }});
}

[[maybe_unused]] const bool added = (add<slab::Checked>("Checked"), add<slab::Unchecked>("Unchecked"), true);

}  // namespace
}  // namespace bench

#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include <slab/slab.hpp>

#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

namespace properties {

/// Frees at its end what caches have set aside and so never give back; tests note it.
struct DamagedSlabs : HeapBackend {
  ~DamagedSlabs() {
    for (void* const slab : set_aside) std::free(slab);
  }
  std::vector<void*> set_aside;
};

struct Object {
  std::byte bytes[200];
};

/// A cache with a few objects a slab, SmallSinglePage, to be damaged.
template <class Backend, class Policy>
struct DamagedWorld {
  static constexpr std::size_t slab_size = 1024;
  using Cache = slab::Cache<Object, slab::Config{slab_size, slab_size, slab::ObjectSizeType::Small}, Backend, Policy>;

  DamagedWorld() { reports.clear(); }

  std::vector<Object*> alloc(std::size_t n) {
    std::vector<Object*> objects(n);
    for (Object*& object : objects) object = cache->alloc();
    return objects;
  }
  void free(const std::vector<Object*>& objects) {
    for (Object* const object : objects) cache->free(object);
  }

  Backend backend;
  std::unique_ptr<Cache> cache = std::make_unique<Cache>(backend);
  std::size_t slab = cache->geometry().objects_per_slab();
};

}  // namespace properties

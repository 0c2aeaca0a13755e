#include "examples/kernel/caches/heap.hpp"

#include <slab/operator_new.hpp>
#include <slab/size_classes.hpp>

#include "examples/kernel/caches/backends.hpp"

namespace kernel {
namespace {

using Heap = slab::SizeClasses<MappedBackend, slab::KernelSizes, Panic>;
constinit slab::Immortal<Heap> heap{mapped_backend};
constinit SpinLock lock;

/// What the operators need of it.
struct LockedHeap {
  void* alloc(std::size_t size, std::size_t align) noexcept {
    const Guard guard{lock};
    return heap->alloc(size, align);
  }
  void free(void* object) noexcept {
    const Guard guard{lock};
    heap->free(object);
  }
  void free(void* object, std::size_t size, std::size_t align) noexcept {
    const Guard guard{lock};
    heap->free(object, size, align);
  }
};
constinit LockedHeap locked_heap;

}  // namespace

void* kmalloc(std::size_t size) noexcept { return locked_heap.alloc(size, 8); }
void kfree(void* object) noexcept { locked_heap.free(object); }
void* krealloc(void* object, std::size_t size) noexcept {
  const Guard guard{lock};
  return heap->realloc(object, size);
}

HeapUse heap_use() noexcept {
  const Guard guard{lock};
  HeapUse use{};
  use.objects = heap->live_objects();
  heap->for_each_statistics([&](const slab::SizeClassStatistics& one) { use.slabs += one.slabs; });
  return use;
}

void shrink_heap() noexcept {
  const Guard guard{lock};
  (void)heap->shrink();
}

}  // namespace kernel

SLAB_OPERATOR_NEW(kernel::locked_heap);

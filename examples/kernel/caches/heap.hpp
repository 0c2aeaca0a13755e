#pragma once

#include <cstddef>

namespace kernel {

// Memory of any size, for all processors and in interrupts: slab::SizeClasses behind a lock. The operators new and
// delete have theirs from there too. Null: there is no memory left.
[[nodiscard]] void* kmalloc(std::size_t size) noexcept;
[[nodiscard]] void* krealloc(void* object, std::size_t size) noexcept;
void kfree(void* object) noexcept;

struct HeapUse {
  std::size_t objects, slabs;
};
[[nodiscard]] HeapUse heap_use() noexcept;
/// Gives empty slabs back.
void shrink_heap() noexcept;

}  // namespace kernel

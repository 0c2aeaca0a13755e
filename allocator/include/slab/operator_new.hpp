#pragma once

#include <cstddef>
#include <new>

#include <slab/poison.hpp>
#include <slab/policy.hpp>

namespace slab::detail {

/// What operator new is, which must not answer null: it stops the program where there is no memory.
template <class Heap>
[[nodiscard]] void* new_object(Heap& heap, std::size_t size, std::size_t align) noexcept {
  void* const object = heap.alloc(size, align);
  if (!object) stop("operator new: no memory left");
  return object;
}

/// What operator delete[] is given: AddressSanitizer has forbidden the count in front of an array's objects, where the
/// object of the heap begins.
[[nodiscard]] inline void* opened(void* array) noexcept {
#if defined(SLAB_ASAN)
  if (array) __asan_unpoison_memory_region(array, sizeof(std::size_t));
#endif
  return array;
}

}  // namespace slab::detail

/// Defines all of the program's operators new and delete, once, outside of namespaces: memory comes from `heap`, an
/// expression for a SizeClasses that has a map, and that is usable before the first of them is called:
///   constinit slab::Immortal<slab::SizeClasses<Backend>> kmalloc{backend};
///   SLAB_OPERATOR_NEW(*kmalloc);
/// Where there is no memory, `new` stops the program, and `new (std::nothrow_t{})` is null. A delete with a size that
/// is not the object's is reported (Checked).
#define SLAB_OPERATOR_NEW(heap)                                                                                       \
  void* operator new(std::size_t size) {                                                                              \
    return slab::detail::new_object(heap, size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);                                    \
  }                                                                                                                   \
  void* operator new[](std::size_t size) {                                                                            \
    return slab::detail::new_object(heap, size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);                                    \
  }                                                                                                                   \
  void* operator new(std::size_t size, std::align_val_t align) {                                                      \
    return slab::detail::new_object(heap, size, static_cast<std::size_t>(align));                                     \
  }                                                                                                                   \
  void* operator new[](std::size_t size, std::align_val_t align) {                                                    \
    return slab::detail::new_object(heap, size, static_cast<std::size_t>(align));                                     \
  }                                                                                                                   \
  void* operator new(std::size_t size, const std::nothrow_t&) noexcept {                                              \
    return (heap).alloc(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);                                                      \
  }                                                                                                                   \
  void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {                                            \
    return (heap).alloc(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);                                                      \
  }                                                                                                                   \
  void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {                      \
    return (heap).alloc(size, static_cast<std::size_t>(align));                                                       \
  }                                                                                                                   \
  void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {                    \
    return (heap).alloc(size, static_cast<std::size_t>(align));                                                       \
  }                                                                                                                   \
  void operator delete(void* object) noexcept { (heap).free(object); }                                                \
  void operator delete[](void* object) noexcept { (heap).free(slab::detail::opened(object)); }                        \
  void operator delete(void* object, const std::nothrow_t&) noexcept { (heap).free(object); }                         \
  void operator delete[](void* object, const std::nothrow_t&) noexcept { (heap).free(slab::detail::opened(object)); } \
  void operator delete(void* object, std::align_val_t) noexcept { (heap).free(object); }                              \
  void operator delete[](void* object, std::align_val_t) noexcept { (heap).free(slab::detail::opened(object)); }      \
  void operator delete(void* object, std::align_val_t, const std::nothrow_t&) noexcept { (heap).free(object); }       \
  void operator delete[](void* object, std::align_val_t, const std::nothrow_t&) noexcept {                            \
    (heap).free(slab::detail::opened(object));                                                                        \
  }                                                                                                                   \
  void operator delete(void* object, std::size_t size) noexcept {                                                     \
    (heap).free(object, size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);                                                      \
  }                                                                                                                   \
  void operator delete[](void* object, std::size_t size) noexcept {                                                   \
    (heap).free(slab::detail::opened(object), size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);                                \
  }                                                                                                                   \
  void operator delete(void* object, std::size_t size, std::align_val_t align) noexcept {                             \
    (heap).free(object, size, static_cast<std::size_t>(align));                                                       \
  }                                                                                                                   \
  void operator delete[](void* object, std::size_t size, std::align_val_t align) noexcept {                           \
    (heap).free(slab::detail::opened(object), size, static_cast<std::size_t>(align));                                 \
  }                                                                                                                   \
  static_assert(true)

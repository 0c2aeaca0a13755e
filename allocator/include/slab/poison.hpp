#pragma once

#include <cstddef>
#include <cstdint>

// Tools that look for misuse of memory are told which bytes are objects: AddressSanitizer and
// MemorySanitizer when the compiler says that they are on, Valgrind where SLAB_VALGRIND is defined
// (its requests cost a few instructions in every program). g++ 12 has no __has_feature, so the
// question is nested.
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#elif __has_feature(memory_sanitizer)
#define SLAB_MSAN 1
#endif
#endif

#if defined(SLAB_ASAN)
extern "C" void __asan_poison_memory_region(const volatile void* begin, std::size_t size);
extern "C" void __asan_unpoison_memory_region(const volatile void* begin, std::size_t size);
#define SLAB_UNSANITIZED __attribute__((no_sanitize("address"), noinline))
#elif defined(SLAB_MSAN)
extern "C" void __msan_allocated_memory(const volatile void* begin, std::size_t size);
#define SLAB_UNSANITIZED __attribute__((no_sanitize("memory"), noinline))
#else
#define SLAB_UNSANITIZED
#endif
#if defined(SLAB_VALGRIND)
#include <valgrind/memcheck.h>
#endif

namespace slab::detail {

// Each costs O(size) with a tool, nothing without.

/// These bytes belong to nobody.
inline void forbid([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLAB_ASAN)
  __asan_poison_memory_region(begin, size);
#elif defined(SLAB_MSAN)
  __msan_allocated_memory(begin, size);
#endif
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_NOACCESS(begin, size);
#endif
}

/// These bytes may be used; they are uninitialised.
inline void permit([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLAB_ASAN)
  __asan_unpoison_memory_region(begin, size);
#elif defined(SLAB_MSAN)
  __msan_allocated_memory(begin, size);
#endif
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_UNDEFINED(begin, size);
#endif
}

// Slabs and their objects. `pool`, the slab's SlabInfo, identifies the slab to Valgrind.

/// The `size` bytes of a new slab that are slots belong to nobody yet.
inline void forbid_slots([[maybe_unused]] const void* pool, void* slab, std::size_t size) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_CREATE_MEMPOOL(pool, 0, 0);
#endif
  forbid(slab, size);
}

/// The same bytes, before the slab goes back to the backend.
inline void permit_slots([[maybe_unused]] const void* pool, void* slab, std::size_t size) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_DESTROY_MEMPOOL(pool);
#endif
  permit(slab, size);
}

/// The first `size` bytes of a slot are an object.
inline void permit_object([[maybe_unused]] const void* pool, void* slot, std::size_t size) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_MEMPOOL_ALLOC(pool, slot, size);
#else
  permit(slot, size);
#endif
}

/// A slot is free: none of its `stride` bytes may be read or written. AddressSanitizer and Valgrind
/// report a slot that is free already, whatever the policy.
inline void forbid_object([[maybe_unused]] const void* pool, void* slot, std::size_t stride) noexcept {
#if defined(SLAB_ASAN)
  static_cast<void>(*static_cast<const volatile std::byte*>(slot));
#endif
#if defined(SLAB_VALGRIND)
  VALGRIND_MEMPOOL_FREE(pool, slot);
#endif
  forbid(slot, stride);
}

/// Reads a word of memory that may not be a SlabInfo at all. The tools must not report this read: the cache reports the
/// misuse that it shows.
SLAB_UNSANITIZED inline std::uintptr_t load_unknown(const std::uintptr_t* word) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_DISABLE_ERROR_REPORTING;
#endif
  std::uintptr_t found = *word;
#if defined(SLAB_VALGRIND)
  VALGRIND_ENABLE_ERROR_REPORTING;
  VALGRIND_MAKE_MEM_DEFINED(&found, sizeof found);
#endif
  return found;
}

// The free link in a free slot's first word (Unchecked). The slot stays forbidden to everybody else, so that the
// first byte of a freed object is guarded too.
typedef void* __attribute__((may_alias)) Link;  // lies over objects of any type; `using` takes no attribute in g++

SLAB_UNSANITIZED inline void* load_link(const void* slot) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_DEFINED(slot, sizeof(Link));
#endif
  void* const next = *static_cast<const Link*>(slot);
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_NOACCESS(slot, sizeof(Link));
#endif
  return next;
}

SLAB_UNSANITIZED inline void store_link(void* slot, void* next) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_UNDEFINED(slot, sizeof(Link));
#endif
  *static_cast<Link*>(slot) = next;
#if defined(SLAB_MSAN)
  __msan_allocated_memory(slot, sizeof(Link));
#endif
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_NOACCESS(slot, sizeof(Link));
#endif
}

}  // namespace slab::detail

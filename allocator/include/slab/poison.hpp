#pragma once

#include <cstddef>

// AddressSanitizer is told which bytes are objects, when the compiler says that it is on. g++ 12 has
// no __has_feature, so the question is nested.
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif

#if defined(SLAB_ASAN)
extern "C" void __asan_poison_memory_region(const volatile void* begin, std::size_t size);
extern "C" void __asan_unpoison_memory_region(const volatile void* begin, std::size_t size);
#define SLAB_NO_ASAN __attribute__((no_sanitize("address"), noinline))
#else
#define SLAB_NO_ASAN
#endif

namespace slab::detail {

/// From now on a read or write of these bytes is reported. O(size) under ASan, otherwise nothing.
inline void poison([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLAB_ASAN)
  __asan_poison_memory_region(begin, size);
#endif
}

/// These bytes are an object, or go back to the backend.
inline void unpoison([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLAB_ASAN)
  __asan_unpoison_memory_region(begin, size);
#endif
}

/// The free link in a free slot's first word. The slot stays poisoned for everybody else, so that
/// the first byte of a freed object is guarded too.
typedef void* __attribute__((may_alias)) Link;  // lies over objects of any type; `using` takes no attribute in g++
SLAB_NO_ASAN inline void* load_link(const void* slot) noexcept { return *static_cast<const Link*>(slot); }
SLAB_NO_ASAN inline void store_link(void* slot, void* next) noexcept { *static_cast<Link*>(slot) = next; }

}  // namespace slab::detail

#pragma once

#include <cstddef>

// The harness's own view of AddressSanitizer: memory that nobody may touch is poisoned in builds
// that have it, and read by the judge through functions that are not instrumented.
#if defined(__SANITIZE_ADDRESS__)
#define SLABPROOF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLABPROOF_ASAN 1
#endif
#endif

#if defined(SLABPROOF_ASAN)
#include <sanitizer/asan_interface.h>
#define SLABPROOF_NO_ASAN __attribute__((no_sanitize("address"), noinline))
#else
#define SLABPROOF_NO_ASAN
#endif

namespace slabproof {

#if defined(SLABPROOF_ASAN)
inline constexpr bool has_asan = true;
inline void forbid(const void* begin, std::size_t size) { ASAN_POISON_MEMORY_REGION(begin, size); }
inline void permit(const void* begin, std::size_t size) { ASAN_UNPOISON_MEMORY_REGION(begin, size); }
#else
inline constexpr bool has_asan = false;
inline void forbid(const void*, std::size_t) {}
inline void permit(const void*, std::size_t) {}
#endif

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>

// How the harness uses AddressSanitizer: in builds that have it, memory that nobody may touch is poisoned. The judge
// reads that memory through functions that are not instrumented, which also lets compilers vectorise them.
#if defined(SLABPROOF_ASAN)
// Defined by the build for files that are not instrumented in a program that is.
#define SLABPROOF_NOT_SANITIZED
// Clang accepts this attribute only on functions for which no sanitizer is disabled.
#define SLABPROOF_BULK __attribute__((target_clones("avx512f", "avx2", "default")))
#elif defined(__SANITIZE_ADDRESS__)
#define SLABPROOF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLABPROOF_ASAN 1
#endif
#endif

#if defined(SLABPROOF_ASAN)
#include <sanitizer/asan_interface.h>
#endif
#if !defined(SLABPROOF_ASAN)
#define SLABPROOF_NOT_SANITIZED
#elif !defined(SLABPROOF_NOT_SANITIZED)
#define SLABPROOF_NOT_SANITIZED __attribute__((no_sanitize("address", "undefined"), noinline))
#endif
/// For functions that visit all bytes of a slab: not instrumented, and vectorised as widely as possible.
#if !defined(SLABPROOF_BULK)
#define SLABPROOF_BULK SLABPROOF_NOT_SANITIZED
#endif

namespace slabproof {

#if defined(SLABPROOF_ASAN)
inline constexpr bool has_asan = true;
inline void forbid(const void* begin, std::size_t size) { __asan_poison_memory_region(begin, size); }
inline void permit(const void* begin, std::size_t size) { __asan_unpoison_memory_region(begin, size); }
/// Whether everybody may touch every byte; whether nobody but the judge may touch this one.
inline bool is_open(std::uintptr_t begin, std::size_t size) {
  return !__asan_region_is_poisoned(reinterpret_cast<void*>(begin), size);
}
inline bool is_closed(std::uintptr_t address) {
  return __asan_address_is_poisoned(reinterpret_cast<void*>(address)) != 0;
}
/// Where the shadow of an address is: one byte for each granule, negative if nobody may touch any of it, else how many
/// of its first bytes are open; 0 for all.
inline const std::uintptr_t shadow_offset = [] {
  std::size_t scale, offset;
  __asan_get_shadow_mapping(&scale, &offset);
  return offset;
}();
constexpr std::size_t granule = 8;
/// The first byte of [begin, end) that somebody may touch, or `end`. `end` is where a granule ends. O(size / 64).
SLABPROOF_NOT_SANITIZED inline std::uintptr_t find_open(std::uintptr_t begin, std::uintptr_t end) {
  if (begin % granule != 0) {
    if (begin < end && !is_closed(begin)) return begin;
    begin += granule - begin % granule;
  }
  constexpr std::uint64_t closed = 0x8080'8080'8080'8080;  // the signs of eight bytes
  for (; begin + 8 * granule <= end; begin += 8 * granule) {
    std::uint64_t shadow;
    __builtin_memcpy(&shadow, reinterpret_cast<const void*>(begin / granule + shadow_offset), sizeof shadow);
    if ((shadow & closed) != closed) break;
  }
  for (; begin < end; begin += granule)
    if (*reinterpret_cast<const signed char*>(begin / granule + shadow_offset) >= 0) return begin;
  return end;
}
#else
inline constexpr bool has_asan = false;
inline void forbid(const void*, std::size_t) {}
inline void permit(const void*, std::size_t) {}
inline bool is_open(std::uintptr_t, std::size_t) { return true; }
inline bool is_closed(std::uintptr_t) { return true; }
inline std::uintptr_t find_open(std::uintptr_t, std::uintptr_t end) { return end; }
#endif

}  // namespace slabproof

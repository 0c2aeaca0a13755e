#pragma once

#if !__STDC_HOSTED__
#error "slab: <slab/hosted/> needs an operating system; docs/backend.md says how to write a backend without one"
#endif

#include <cstddef>

#include <sys/mman.h>
#include <unistd.h>

namespace slab::hosted {

/// What this folder asks of the operating system. A class with the same functions can take its place: the template
/// argument of BasicRegion and the others.
struct System {
  /// In bytes, a power of two.
  [[nodiscard]] static std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
  /// `size` bytes of zeroed memory at a multiple of page_size(), which take memory from their first write on; null when
  /// the system refuses.
  [[nodiscard]] static void* map(std::size_t size) noexcept {
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* const mapped = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    return mapped == MAP_FAILED ? nullptr : mapped;
  }
  /// Takes whole pages of map() back. False, and nothing has happened, when the system refuses: as Linux does where
  /// they lie between others, and the process has as many mappings as it may.
  [[nodiscard]] static bool unmap(void* begin, std::size_t size) noexcept { return ::munmap(begin, size) == 0; }
  /// Makes whole pages as they were when they were mapped. False, and nothing has happened, when the system refuses: as
  /// Linux does where they are locked.
  [[nodiscard]] static bool discard(void* begin, std::size_t size) noexcept {
    return ::madvise(begin, size, MADV_DONTNEED) == 0;
  }
};

}  // namespace slab::hosted

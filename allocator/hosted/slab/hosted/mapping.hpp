#pragma once

#if !__STDC_HOSTED__
#error "slab: <slab/hosted/> needs an operating system; docs/backend.md says how to write a backend without one"
#endif

#include <cstddef>
#include <cstdint>

#include <sys/mman.h>

namespace slab::hosted {

/// Zeroed memory of the operating system, given back by the destructor. At first it is only address
/// space: a page takes memory from its first write on.
class Mapping {
 public:
  /// The system's page, in bytes.
  static constexpr std::size_t page_size = 4096;

  /// `size`, at most 2^64 - 4096, rounded up to whole pages.
  static constexpr std::size_t round_up(std::size_t size) noexcept { return (size + page_size - 1) & ~(page_size - 1); }

  /// `size` bytes (a multiple of page_size) at a multiple of `align` (a power of two, at least
  /// page_size). size() is 0 when the system refuses, and for 0.
  explicit Mapping(std::size_t size, std::size_t align = page_size) noexcept {
    if (size == 0) return;
    const std::size_t mapped_size = size + align - page_size;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* const mapped = ::mmap(nullptr, mapped_size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (mapped == MAP_FAILED) return;
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(mapped) & (align - 1);
    begin_ = static_cast<std::byte*>(mapped) + before;
    size_ = size;
    unmap(mapped, before);
    unmap(begin_ + size, mapped_size - before - size);
  }
  ~Mapping() { unmap(begin_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  /// The first byte; null when size() is 0.
  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  /// In bytes.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static void unmap(void* begin, std::size_t size) noexcept {
    if (size != 0) ::munmap(begin, size);
  }

  std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace slab::hosted

#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/hosted/system.hpp>

namespace slab::hosted {

/// Zeroed memory of the operating system, given back by the destructor. At first it is only address
/// space: a page takes memory from its first write on.
template <class System>
class BasicMapping {
 public:
  /// What this folder counts in, in bytes: the page of every system that it works on.
  static constexpr std::size_t page_size = 4096;

  /// Whether the system's pages are not larger: else parts of a page would be given back.
  [[nodiscard]] static bool is_possible() noexcept { return System::page_size() <= page_size; }

  /// `size`, at most 2^64 - 4096, rounded up to whole pages.
  static constexpr std::size_t round_up(std::size_t size) noexcept { return (size + page_size - 1) & ~(page_size - 1); }

  /// `size` bytes (a multiple of page_size) at a multiple of `align` (a power of two, at least
  /// page_size). size() is 0 when the system refuses or its pages are larger, and for 0.
  explicit BasicMapping(std::size_t size, std::size_t align = page_size) noexcept {
    if (size == 0 || !is_possible()) return;
    const std::size_t mapped_size = size + align - page_size;
    auto* const mapped = static_cast<std::byte*>(System::map(mapped_size));
    if (!mapped) return;
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(mapped) & (align - 1);
    begin_ = mapped_ = mapped + before;
    size_ = mapped_size_ = size;
    // What is not taken back stays with the rest until the end.
    if (!unmap(mapped, before)) {
      mapped_ = mapped;
      mapped_size_ += before;
    }
    const std::size_t behind = mapped_size - before - size;
    if (!unmap(begin_ + size, behind)) mapped_size_ += behind;
  }
  ~BasicMapping() { static_cast<void>(unmap(mapped_, mapped_size_)); }
  BasicMapping(const BasicMapping&) = delete;
  BasicMapping& operator=(const BasicMapping&) = delete;

  /// The first byte; null when size() is 0.
  [[nodiscard]] std::byte* begin() const noexcept { return begin_; }
  /// In bytes.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static bool unmap(void* begin, std::size_t size) noexcept { return size == 0 || System::unmap(begin, size); }

  std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
  std::byte* mapped_ = nullptr;
  std::size_t mapped_size_ = 0;
};

using Mapping = BasicMapping<System>;

}  // namespace slab::hosted

#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "model/process/cannot_judge.hpp"

namespace slabproof {

/// An array that grows in place, in address space that is reserved at first and used as it is touched.
template <class T>
class GrowingArray {
 public:
  /// Shared with forked children, or private.
  enum class Sharing : std::uint8_t { Shared, Private };

  GrowingArray(std::size_t most, Sharing sharing) : most_{most} {
    const int flags = (sharing == Sharing::Shared ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | MAP_NORESERVE;
    void* const memory = mmap(nullptr, most * sizeof(T), PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) cannot_judge_for_errno("no address space for its states");
    items_ = static_cast<T*>(memory);
    (void)madvise(memory, most * sizeof(T), MADV_HUGEPAGE);  // faster, where huge pages are available
  }
  ~GrowingArray() { munmap(items_, most_ * sizeof(T)); }
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;

  [[nodiscard]] T& operator[](std::size_t index) { return items_[index]; }
  [[nodiscard]] const T& operator[](std::size_t index) const { return items_[index]; }
  [[nodiscard]] T* data() { return items_; }
  [[nodiscard]] std::size_t most() const { return most_; }

 private:
  std::size_t most_;
  T* items_;
};

}  // namespace slabproof

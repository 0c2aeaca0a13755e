#pragma once

#include <cstddef>

namespace slabproof {

/// Where an allocator that takes memory gets it: the recording backend, or in a test that --as-test wrote a class of
/// that test.
class MemorySource {
 public:
  /// `size` bytes aligned to `align` (a power of two), with junk in them; null when memory is refused.
  [[nodiscard]] virtual void* take_memory(std::size_t size, std::size_t align) noexcept = 0;
  /// Takes back what take_memory() returned.
  virtual void give_memory(void* memory) noexcept = 0;

 protected:
  ~MemorySource() = default;
};

}  // namespace slabproof

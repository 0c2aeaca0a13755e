// In the place of the harness's header: a broken allocator of examples/subjects/ as somebody has it who knows nothing
// of the harness. Its memory is malloc's, which does not fail.
#pragma once

#include <cstddef>
#include <cstdlib>

#include "model/subject/subject.hpp"

namespace slabproof {

struct Objects {
  std::size_t size = 1, align = 1;
};

struct Memory {
  [[nodiscard]] void* take(std::size_t size, std::size_t align = 16) const {
    return std::aligned_alloc(align, (size + align - 1) / align * align);
  }
  void give(void* block) const { std::free(block); }
};

}  // namespace slabproof

#define SLABPROOF_SUBJECT(...) using Tested = __VA_ARGS__

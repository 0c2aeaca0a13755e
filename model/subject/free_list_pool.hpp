#pragma once

#include <cstdlib>
#include <utility>

#include "model/subject/subject.hpp"

namespace slabproof {

/// A pool of objects from std::malloc that are kept for reuse: a subject other than the slab cache, for the same
/// runner.
class FreeListPool {
 public:
  static constexpr Abilities abilities{.frees_null = true};

  explicit FreeListPool(const CacheSpec& spec) : spec_{spec} {}
  ~FreeListPool() {
    while (free_) std::free(std::exchange(free_, *static_cast<void**>(free_)));
  }
  void* alloc() {
    return free_ ? std::exchange(free_, *static_cast<void**>(free_)) : std::aligned_alloc(align(), size());
  }
  void free(void* object) {
    if (object) *static_cast<void**>(object) = std::exchange(free_, object);
  }

 private:
  std::size_t align() const { return spec_.object_align < 8 ? 8 : spec_.object_align; }
  std::size_t size() const { return (spec_.object_size + align() - 1) / align() * align(); }
  CacheSpec spec_;
  void* free_ = nullptr;
};

}  // namespace slabproof

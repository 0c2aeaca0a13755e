#pragma once

#include <cstddef>
#include <cstdint>

#include "properties/explore/damage_place.hpp"
#include "properties/explore/induction/access_trace.hpp"

namespace slabproof {

/// What the backend does is not the cache's.
class Untraced {
 public:
  Untraced() { access_trace.is_on = false; }
  ~Untraced() { access_trace.is_on = was_on_; }
  Untraced(const Untraced&) = delete;
  Untraced& operator=(const Untraced&) = delete;

 private:
  bool was_on_ = access_trace.is_on;
};

struct QuietBackend {
  void* alloc_slab(std::size_t size, std::size_t page_size) noexcept {
    const Untraced untraced;
    return backend.alloc_slab(size, page_size);
  }
  void free_slab(void* slab, std::size_t size, std::size_t page_size) noexcept {
    const Untraced untraced;
    backend.free_slab(slab, size, page_size);
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    const Untraced untraced;
    return backend.save_slab_info(page, info);
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    const Untraced untraced;
    return backend.get_slab_info(page);
  }
  void delete_slab_info(std::uintptr_t page) noexcept {
    const Untraced untraced;
    backend.delete_slab_info(page);
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    const Untraced untraced;
    return backend.alloc_slab_info(size);
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    const Untraced untraced;
    backend.free_slab_info(info, size);
  }
};
inline QuietBackend quiet_backend;

}  // namespace slabproof

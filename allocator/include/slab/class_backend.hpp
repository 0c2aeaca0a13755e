#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>

namespace slab::detail {

/// The backend of SizeClasses, as one of its caches sees it: counts the cache's slabs, and knows whether the cache
/// waits for the backend, which may then ask the other caches for memory.
template <class Backend>
class ClassBackend {
 public:
  explicit constexpr ClassBackend(Backend& backend) noexcept : backend_{&backend} {}

  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    const Waiting waiting{*this};
    void* const slab = backend_->alloc_slab(slab_size, page_size);
    if (slab && ++slabs_ > peak_slabs_) peak_slabs_ = slabs_;
    return slab;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    const Waiting waiting{*this};
    --slabs_;
    backend_->free_slab(slab, slab_size, page_size);
  }
  bool save_slab_info(std::uintptr_t page_addr, SlabInfo* info) noexcept
    requires SlabInfoMap<Backend>
  {
    const Waiting waiting{*this};
    return backend_->save_slab_info(page_addr, info);
  }
  SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept
    requires SlabInfoMap<Backend>
  {
    return backend_->get_slab_info(page_addr);
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept
    requires SlabInfoMap<Backend>
  {
    const Waiting waiting{*this};
    backend_->delete_slab_info(page_addr);
  }

  /// Whether the cache is inside a function of the backend but get_slab_info.
  [[nodiscard]] bool is_waited_for() const noexcept { return is_waited_for_; }
  /// The most slabs that the cache had of the backend at once.
  [[nodiscard]] std::size_t peak_slabs() const noexcept { return peak_slabs_; }

 private:
  class Waiting {
   public:
    explicit Waiting(ClassBackend& backend) noexcept : backend_{backend} { backend_.is_waited_for_ = true; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { backend_.is_waited_for_ = false; }

   private:
    ClassBackend& backend_;
  };

  Backend* backend_;
  std::size_t slabs_ = 0;
  std::size_t peak_slabs_ = 0;
  bool is_waited_for_ = false;
};

}  // namespace slab::detail

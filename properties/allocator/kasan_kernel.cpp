// Caches as a kernel under KASAN has them, compiled with its flags; kasan_boot.cpp starts it.
#include "properties/allocator/kasan_kernel.hpp"

#include <slab/slab.hpp>

namespace {

/// Two slabs of static memory.
class Frames {
 public:
  void* alloc_slab(std::size_t, std::size_t) noexcept {
    for (Frame& frame : frames_)
      if (!frame.used) return frame.used = true, frame.bytes;
    return nullptr;
  }
  void free_slab(void* slab, std::size_t, std::size_t) noexcept {
    for (Frame& frame : frames_)
      if (slab == frame.bytes) frame.used = false;
  }

 private:
  struct Frame {
    alignas(4096) std::byte bytes[4096];
    bool used;
  };
  Frame frames_[2] = {};
};

struct Object {
  char bytes[Kernel::object_size];
};

constinit Frames frames;
constinit slab::Immortal<slab::Cache<Object, slab::Config{}, Frames, slab::Checked>> checked{frames};
constinit slab::Immortal<slab::Cache<Object, slab::Config{}, Frames, slab::Unchecked>> unchecked{frames};

template <auto& Cache>
constexpr Kernel kernel{.alloc = [] { return static_cast<void*>(Cache->alloc()); },
                        .free = [](void* object) { Cache->free(static_cast<Object*>(object)); },
                        .shrink = [] { return Cache->shrink(); },
                        .touch = [](void* byte) { *static_cast<volatile char*>(byte) = 1; },
                        .stride = Cache->geometry().stride(),
                        .end_of_slots = Cache->geometry().slab_info_offset(),
                        .objects_per_slab = Cache->geometry().objects_per_slab()};

}  // namespace

const Kernel checked_kernel = kernel<checked>, unchecked_kernel = kernel<unchecked>;

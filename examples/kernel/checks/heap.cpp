// kmalloc and its family on slab::SizeClasses.
#include "examples/kernel/caches/heap.hpp"

#include <new>

#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/machine/finish.hpp"
#include "examples/kernel/machine/page_frames.hpp"

namespace kernel {
namespace {

/// Of a virtual class, so that operators new and delete are called for an object of a size that only it knows.
struct Device {
  virtual ~Device() = default;
  virtual std::size_t lines() const noexcept = 0;
};
struct Keyboard final : Device {
  std::size_t lines() const noexcept override { return 1; }
  std::uint8_t buffer[100] = {};
};

/// Where a compiler sees both, it may leave out a `new` and its `delete`.
[[gnu::noinline]] Device* make_device() { return new Keyboard; }

constexpr std::size_t most_objects = 300;

void fill(unsigned char* object, std::size_t size, std::size_t mark) noexcept {
  for (std::size_t i = 0; i < size; ++i) object[i] = static_cast<unsigned char>(mark + i);
}
void require_filled(const unsigned char* object, std::size_t size, std::size_t mark) noexcept {
  for (std::size_t i = 0; i < size; ++i)
    require(object[i] == static_cast<unsigned char>(mark + i), "kmalloc: byte ", i, " of ", size, " is another");
}

}  // namespace

void use_heap() noexcept {
  static constinit unsigned char* objects[most_objects] = {};
  const std::size_t frames_before = page_frames.free_count();
  const auto size_of = [](std::size_t i) { return 1 + i * i % 9001; };  // some larger than every class
  for (std::size_t i = 0; i < most_objects; ++i) {
    objects[i] = static_cast<unsigned char*>(kmalloc(size_of(i)));
    require(objects[i] != nullptr, "kmalloc: no memory left");
    fill(objects[i], size_of(i), i);
  }
  for (std::size_t i = 0; i < most_objects; i += 3) {
    auto* const moved = static_cast<unsigned char*>(krealloc(objects[i], 2 * size_of(i)));
    require(moved != nullptr, "krealloc: no memory left");
    objects[i] = moved;
  }
  Device* const device = make_device();
  require(device->lines() == 1, "new: the object is another");
  const HeapUse use = heap_use();
  for (std::size_t i = 0; i < most_objects; ++i) {
    require_filled(objects[i], size_of(i), i);
    kfree(objects[i]);
  }
  delete device;
  shrink_heap();
  require(heap_use().objects == 0 && page_frames.free_count() == frames_before, "kmalloc: page frames are lost");
  print("kmalloc: ", use.objects, " objects of up to 18 KB in ", use.slabs,
        " slabs and blocks, one of them made by new\n");
}

}  // namespace kernel

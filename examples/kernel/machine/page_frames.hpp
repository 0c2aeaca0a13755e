#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>

#include "examples/kernel/machine/spin_lock.hpp"
#include "examples/kernel/machine/start_info.hpp"

namespace kernel {

/// Of a page frame.
struct PageDescriptor {
  slab::SlabInfo* slab_info = nullptr;  // of the slab to which it belongs: the SlabInfo map
  bool is_free = false;
};

/// The machine's page frames, below 64 MiB. Physical memory lies where it is, so a frame's address is also a pointer.
/// For all processors and in interrupts.
class PageFrames {
 public:
  static constexpr std::size_t frame_size = 4096, most_frames = std::size_t{16384};

  /// Usable memory above the first MiB is free, but the image and the modules. Returns how many frames that are.
  std::size_t read(const StartInfo& info, std::uintptr_t image_end) noexcept;

  /// Adjacent frames, of `size` bytes, at a multiple of `align`; null where there are none. O(frames).
  [[nodiscard]] void* take(std::size_t size, std::size_t align) noexcept;
  void give_back(void* begin, std::size_t size) noexcept;
  [[nodiscard]] std::size_t free_count() noexcept;

  /// Null for an address without a frame.
  [[nodiscard]] PageDescriptor* descriptor_of(std::uintptr_t address) noexcept {
    return address / frame_size < most_frames ? &descriptors_[address / frame_size] : nullptr;
  }

 private:
  /// Whole frames only.
  void set_free(std::uint64_t begin, std::uint64_t end, bool is_free) noexcept;
  /// The first of so many free frames, at a multiple of `step`, from `begin` on; `most_frames`: there are none.
  [[nodiscard]] std::size_t find(std::size_t begin, std::size_t count, std::size_t step) const noexcept;

  SpinLock lock_;
  std::size_t next_ = 0;  // where the last search ended
  std::size_t free_count_ = 0;
  PageDescriptor descriptors_[most_frames] = {};
};

extern constinit PageFrames page_frames;

}  // namespace kernel

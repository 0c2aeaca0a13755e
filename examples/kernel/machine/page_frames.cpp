#include "examples/kernel/machine/page_frames.hpp"

#include "examples/kernel/machine/finish.hpp"

namespace kernel {

constinit PageFrames page_frames;

void PageFrames::set_free(std::uint64_t begin, std::uint64_t end, bool is_free) noexcept {
  // What is free loses a frame that is there in part; what is taken takes it.
  const std::uint64_t first = is_free ? (begin + frame_size - 1) / frame_size : begin / frame_size;
  const std::uint64_t behind = is_free ? end / frame_size : (end + frame_size - 1) / frame_size;
  for (std::uint64_t i = first; i < behind && i < most_frames; ++i) {
    if (descriptors_[i].is_free == is_free) continue;
    descriptors_[i].is_free = is_free;
    free_count_ += is_free ? std::size_t{1} : ~std::size_t{0};
  }
}

std::size_t PageFrames::read(const StartInfo& info, std::uintptr_t image_end) noexcept {
  require(info.magic == StartInfo::right_magic && info.version >= 1, "PVH has left no memory map");
  const auto* const map = reinterpret_cast<const StartInfo::Memory*>(info.memory_map);
  for (std::uint32_t i = 0; i < info.memory_count; ++i)
    if (map[i].type == StartInfo::Memory::usable) set_free(map[i].begin, map[i].begin + map[i].size, true);
  set_free(0, image_end, false);
  const auto* const modules = reinterpret_cast<const StartInfo::Module*>(info.modules);
  for (std::uint32_t i = 0; i < info.module_count; ++i)
    set_free(modules[i].begin, modules[i].begin + modules[i].size, false);
  return free_count_;
}

std::size_t PageFrames::find(std::size_t begin, std::size_t count, std::size_t step) const noexcept {
  begin = (begin + step - 1) / step * step;
  while (begin + count <= most_frames) {
    std::size_t found = 0;
    while (found < count && descriptors_[begin + found].is_free) ++found;
    if (found == count) return begin;
    begin = (begin + found + step) / step * step;  // behind the frame that is taken
  }
  return most_frames;
}

void* PageFrames::take(std::size_t size, std::size_t align) noexcept {
  const std::size_t count = (size + frame_size - 1) / frame_size, step = align / frame_size;
  const Guard guard{lock_};
  std::size_t begin = find(next_, count, step);
  if (begin == most_frames) begin = find(0, count, step);
  if (begin == most_frames) return nullptr;
  for (std::size_t i = begin; i < begin + count; ++i) descriptors_[i].is_free = false;
  free_count_ -= count;
  next_ = begin + count;
  return reinterpret_cast<void*>(begin * frame_size);
}

void PageFrames::give_back(void* begin, std::size_t size) noexcept {
  const std::size_t first = reinterpret_cast<std::uintptr_t>(begin) / frame_size;
  const std::size_t count = (size + frame_size - 1) / frame_size;
  const Guard guard{lock_};
  for (std::size_t i = first; i < first + count; ++i) {
    require(i < most_frames && !descriptors_[i].is_free && !descriptors_[i].slab_info,
            "a frame that was not taken, or is in the map, came back: ", i);
    descriptors_[i].is_free = true;
  }
  free_count_ += count;
}

std::size_t PageFrames::free_count() noexcept {
  const Guard guard{lock_};
  return free_count_;
}

}  // namespace kernel

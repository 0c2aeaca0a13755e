#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// Where everything lies that a program touches, in `size` bytes: the caches, and for each backend its slabs and
/// SlabInfos.
class ArenaLayout {
 public:
  static constexpr std::size_t cache_storage = 4096;                // a cache
  static constexpr std::size_t slab_region = std::size_t{4} << 20;  // a backend
  static constexpr std::size_t info_region = std::size_t{1} << 20;

 private:
  static constexpr std::size_t header = std::size_t{1} << 20;

 public:
  static constexpr std::size_t size = header + 2 * (slab_region + info_region);

  /// Two of the largest pages: then the same slabs are aligned to a page and to nothing more, wherever the arena is.
  static constexpr std::size_t align = std::size_t{2} * 4096;

  /// Requires a base aligned to `align`.
  explicit constexpr ArenaLayout(std::uintptr_t base) : base_{base} {}

  [[nodiscard]] std::uintptr_t cache(std::size_t index) const { return base_ + index * cache_storage; }
  [[nodiscard]] std::uintptr_t slabs(std::size_t backend) const { return base_ + header + backend * slab_region; }
  [[nodiscard]] std::uintptr_t infos(std::size_t backend) const {
    return base_ + header + 2 * slab_region + backend * info_region;
  }
  /// An address as it goes into the event log: relative, or all ones for one outside.
  [[nodiscard]] std::uint64_t relative(std::uintptr_t address) const {
    return address - base_ < size ? address - base_ : ~std::uint64_t{0};
  }

 private:
  std::uintptr_t base_;
};

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// Where everything lies that a program touches: the caches, and for each backend its slabs and SlabInfos. Addresses
/// are the same for all subjects that need no more than a slab cache does.
class ArenaLayout {
 public:
  static constexpr std::size_t cache_storage = 4096;                // a cache
  static constexpr std::size_t slab_region = std::size_t{4} << 20;  // a backend
  static constexpr std::size_t info_region = std::size_t{1} << 20;
  static constexpr std::size_t most_room = std::size_t{1} << 30;

  /// What a subject needs, in bytes: for itself, and to take from its memory source. Each at most `most_room`.
  struct Room {
    std::size_t object = cache_storage, memory = slab_region;
  };

 private:
  static constexpr std::size_t header = std::size_t{1} << 20;

 public:
  /// Of an arena for slab caches.
  static constexpr std::size_t size = header + 2 * (slab_region + info_region);

  /// Two of the largest pages: then the same slabs are aligned to a page and to nothing more, wherever the arena is.
  static constexpr std::size_t align = std::size_t{2} * 4096;

  /// Requires a base aligned to `align`.
  explicit constexpr ArenaLayout(std::uintptr_t base) : ArenaLayout{base, Room{}} {}
  constexpr ArenaLayout(std::uintptr_t base, const Room& room)
      : base_{base},
        cache_bytes_{rounded(room.object, cache_storage)},
        slab_bytes_{rounded(room.memory, slab_region)},
        header_{rounded(2 * cache_bytes_, header)} {}

  [[nodiscard]] constexpr std::size_t bytes() const { return header_ + 2 * (slab_bytes_ + info_region); }
  [[nodiscard]] constexpr std::size_t cache_bytes() const { return cache_bytes_; }  // of each cache
  [[nodiscard]] constexpr std::size_t slab_bytes() const { return slab_bytes_; }    // of each backend
  [[nodiscard]] std::uintptr_t cache(std::size_t index) const { return base_ + index * cache_bytes_; }
  [[nodiscard]] std::uintptr_t slabs(std::size_t backend) const { return base_ + header_ + backend * slab_bytes_; }
  [[nodiscard]] std::uintptr_t infos(std::size_t backend) const {
    return base_ + header_ + 2 * slab_bytes_ + backend * info_region;
  }
  /// An address as it goes into the event log: relative, or all ones for one outside.
  [[nodiscard]] std::uint64_t relative(std::uintptr_t address) const {
    return address - base_ < bytes() ? address - base_ : ~std::uint64_t{0};
  }

 private:
  /// To a multiple of `unit`, at least one.
  static constexpr std::size_t rounded(std::size_t bytes, std::size_t unit) {
    return bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
  }

  std::uintptr_t base_;
  std::size_t cache_bytes_, slab_bytes_, header_;
};

}  // namespace slabproof

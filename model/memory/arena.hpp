#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// One mapping at a fixed address that holds everything a program touches: the caches, and for each
/// backend its slabs and SlabInfos. Fixed, so that a run is the same wherever and whenever it runs.
class Arena {
 public:
  static constexpr std::uintptr_t default_base = 0x2000'0000'0000;
  static constexpr std::size_t cache_storage = 4096;          // a cache
  static constexpr std::size_t slab_region = std::size_t{4} << 20;  // a backend
  static constexpr std::size_t info_region = std::size_t{1} << 20;

  /// Maps the arena; stops the program with a sentence when the address range is taken.
  explicit Arena(std::uintptr_t base = default_base);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

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
  static constexpr std::size_t header = std::size_t{1} << 20;
  static constexpr std::size_t size = header + 2 * (slab_region + info_region);
  std::uintptr_t base_;
};

}  // namespace slabproof

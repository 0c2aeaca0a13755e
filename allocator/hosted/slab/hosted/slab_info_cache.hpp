#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/geometry.hpp>
#include <slab/policy.hpp>

namespace slab::hosted {

/// Memory for SlabInfos on `Slabs`. Up to 4032 bytes they come from SmallSinglePage caches, one for each size class:
/// 63 of the smallest share a slab of 4096 bytes. A larger one has a slab to itself. While it is zeroed memory, as a
/// global is before its constructor, it has none.
template <SlabSource Slabs>
class SlabInfoCache {
 public:
  /// In bytes: the largest of which 63, 31, 15, 8, 6, 4, 3, 2 and 1 fit into a slab.
  static constexpr std::array<std::size_t, 9> sizes = {64, 128, 264, 504, 672, 1008, 1344, 2016, 4032};

  /// Calls no function of `slabs`, which must outlive it.
  explicit SlabInfoCache(Slabs& slabs) noexcept : SlabInfoCache{slabs, std::make_index_sequence<sizes.size()>{}} {}

  /// Null when there is no slab left, and above max_slab_size, which no SlabInfo has. O(1), and a call of `Slabs`.
  [[nodiscard]] void* alloc_slab_info(std::size_t size) noexcept {
    if (size > Geometry::max_slab_size || !slabs_) return nullptr;
    Cache* const cache = cache_for(size);
    return cache ? cache->alloc() : slabs_->alloc_slab(std::bit_ceil(size), slab_size);
  }
  /// What alloc_slab_info() of the same `size` returned, once. O(1).
  void free_slab_info(void* info, std::size_t size) noexcept {
    if (Cache* const cache = cache_for(size))
      cache->free(info);
    else
      slabs_->free_slab(info, std::bit_ceil(size), slab_size);
  }

  /// Bytes of slabs that `count` more SlabInfos of this size take. O(1).
  [[nodiscard]] std::size_t bytes_for(std::size_t count, std::size_t size) noexcept {
    const Cache* const cache = cache_for(size);
    if (!cache) return count * std::bit_ceil(size);
    const std::size_t free = cache->statistics().free_objects, shared = cache->geometry().objects_per_slab();
    return count <= free ? 0 : ((count - free - 1) / shared + 1) * slab_size;
  }

  /// Gives every slab without a SlabInfo back. Returns how many.
  std::size_t shrink() noexcept {
    std::size_t slabs = 0;
    if (!slabs_) return slabs;
    for (Cache& cache : caches_) slabs += cache.shrink();
    return slabs;
  }

 private:
  /// Unchecked: a cache gives back what it was given, once. And SlabInfos of a cache destroyed with
  /// live objects stay here for good, without a second report.
  using Cache = DynamicCache<Row::SmallSinglePage, Slabs, Unchecked>;
  static constexpr std::size_t slab_size = 4096;

  static constexpr Geometry geometry_of(std::size_t size) noexcept {
    return Geometry::make<Unchecked>(slab_size, slab_size, ObjectSizeType::Small, size, 8).value();
  }

  template <std::size_t... I>
  SlabInfoCache(Slabs& slabs, std::index_sequence<I...>) noexcept
      : slabs_{&slabs}, caches_{Cache{geometry_of(sizes[I]), slabs}...} {}

  /// Null for a SlabInfo that has a slab to itself.
  [[nodiscard]] Cache* cache_for(std::size_t size) noexcept {
    const auto found = std::lower_bound(sizes.begin(), sizes.end(), size);
    return found == sizes.end() ? nullptr : &caches_[static_cast<std::size_t>(found - sizes.begin())];
  }

  Slabs* slabs_;
  Cache caches_[sizes.size()];
};

}  // namespace slab::hosted

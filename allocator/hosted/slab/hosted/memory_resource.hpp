#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <utility>

#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/geometry.hpp>
#include <slab/policy.hpp>

namespace slab::hosted {

/// Blocks of up to 4096 bytes from slab caches, one for each size class; larger ones, and those aligned to
/// more than 4096, from `upstream`. Every alignment is honoured. Not for use by several threads at once.
///
/// `slabs` (a Region or a Backend) and `upstream` must outlive it. Unlike the standard's pools it does
/// not track blocks: there is no release(), which would take slabs away from live objects, and what is
/// not deallocated stays. With Checked, destroying it then reports LiveAtDestruction, and a
/// block deallocated twice, or with another size, is reported; with Unchecked neither is.
template <SlabSource Slabs, class Policy = Checked>
class MemoryResource final : public std::pmr::memory_resource {
 public:
  /// The largest block that comes from `slabs`, in bytes.
  static constexpr std::size_t max_size = 4096;
  /// Aligned slabs, whose owner is found by masking: 64 KiB, so that not every header falls into the
  /// same few cache sets, and the largest class still has 15 objects in one.
  static constexpr std::size_t slab_size = 65536;
  /// 8, 16, …, 64, then four steps each time the size doubles: above 64 less than a fifth of a block is unused.
  static constexpr std::size_t size_classes = 8 + 4 * 6;

  /// Takes no memory yet.
  explicit MemoryResource(Slabs& slabs, std::pmr::memory_resource* upstream = std::pmr::get_default_resource()) noexcept
      : MemoryResource{slabs, upstream, std::make_index_sequence<size_classes>{}} {}

  /// What serves the blocks that are too large.
  [[nodiscard]] std::pmr::memory_resource* upstream_resource() const noexcept { return upstream_; }

  /// Gives slabs without a live block back to `slabs`. Returns how many. O(empty slabs).
  std::size_t shrink() noexcept {
    std::size_t slabs = 0;
    for (Cache& cache : caches_) slabs += cache.shrink();
    return slabs;
  }

  /// Bytes of a block of this size class.
  [[nodiscard]] static constexpr std::size_t size_of_class(std::size_t size_class) noexcept {
    if (size_class < 8) return 8 * (size_class + 1);
    return (5 + size_class % 4) << (size_class / 4 + 2);
  }

  /// The smallest class with blocks of at least `bytes`, 1 to max_size. O(1).
  [[nodiscard]] static constexpr std::size_t class_of_size(std::size_t bytes) noexcept {
    if (bytes <= 64) return (bytes - 1) / 8;
    const auto doubling = static_cast<std::size_t>(std::bit_width(bytes - 1));  // of (2^(doubling-1), 2^doubling]
    return 4 * (doubling - 5) + ((bytes - 1) >> (doubling - 3)) % 4;
  }

 private:
  using Cache = DynamicCache<Row::SmallSinglePage, Slabs, Policy>;

  /// A block is aligned to the largest power of two that divides its size.
  static constexpr Geometry geometry_of(std::size_t size_class) noexcept {
    const std::size_t size = size_of_class(size_class);
    return Geometry::make<Policy>(slab_size, slab_size, ObjectSizeType::Small, size, size & -size).value();
  }

  template <std::size_t... I>
  MemoryResource(Slabs& slabs, std::pmr::memory_resource* upstream, std::index_sequence<I...>) noexcept
      : upstream_{upstream}, caches_{Cache{geometry_of(I), slabs}...} {}

  /// Null when upstream serves this. Rounding up to the alignment is enough: the size of a class is
  /// either just that, or a multiple of a step that the alignment divides.
  [[nodiscard]] Cache* cache_for(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > max_size || alignment > max_size) return nullptr;
    const std::size_t rounded = ((bytes == 0 ? 1 : bytes) + alignment - 1) & ~(alignment - 1);
    return &caches_[class_of_size(rounded)];
  }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    Cache* const cache = cache_for(bytes, alignment);
    if (!cache) return upstream_->allocate(bytes, alignment);
    void* const block = cache->alloc();
    if (!block) throw std::bad_alloc{};
    return block;
  }

  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    if (Cache* const cache = cache_for(bytes, alignment))
      cache->free(block);
    else
      upstream_->deallocate(block, bytes, alignment);
  }

  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::pmr::memory_resource* upstream_;
  Cache caches_[size_classes];
};

}  // namespace slab::hosted

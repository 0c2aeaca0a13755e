#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>
#include <slab/policy.hpp>

#include "model/program/guards.hpp"

namespace slabproof {

/// How a backend chooses among returned slabs: the last one first, the first one first, none at all. The values, here
/// and of Placement, are those of the byte form, for good.
enum class Reuse : std::uint8_t { Lifo = 0, Fifo = 1, Never = 2 };
/// Where fresh slabs lie: side by side, with gaps, or aligned to a page and to nothing more.
enum class Placement : std::uint8_t { Adjacent = 0, Scattered = 1, BarelyAligned = 2 };

struct BackendSpec {
  Reuse reuse = Reuse::Lifo;
  Placement placement = Placement::Adjacent;
  std::uint8_t seed = 0;  // of the junk in memory that is handed out, and of the gaps

  /// A seed with which that junk is all ones: what a table of slots says of live slots.
  static constexpr std::uint8_t first_seed_of_ones = 192;
  [[nodiscard]] constexpr bool is_junk_all_ones() const { return seed >= first_seed_of_ones; }
  friend bool operator==(const BackendSpec&, const BackendSpec&) = default;
};

/// What is judged: a slab cache, whose layout and policy are known; any pool of objects of one size; any heap of
/// objects of all sizes.
enum class Shape : std::uint8_t { SlabCache, Pool, Heap };

/// Which sizes a pool or a heap can be asked for, in bytes: multiples of `multiple_of` from `least` to `most`, aligned
/// to powers of two up to `max_align`.
struct SizeLimits {
  std::uint32_t least = 1, most = 4096, multiple_of = 1, max_align = 4096;

  [[nodiscard]] constexpr bool is_consistent() const {
    return least >= 1 && least <= most && most <= most_possible && multiple_of >= 1 && least % multiple_of == 0 &&
           max_align >= 1 && (max_align & (max_align - 1)) == 0 && max_align <= max_align_possible;
  }
  [[nodiscard]] constexpr bool allows_size(std::uint32_t size) const {
    return size >= least && size <= most && size % multiple_of == 0;
  }
  [[nodiscard]] constexpr bool allows_align(std::uint32_t align) const {
    return align >= 1 && align <= max_align && (align & (align - 1)) == 0;
  }
  /// `size`, or an allowed size near it. Requires consistent limits.
  [[nodiscard]] constexpr std::uint32_t nearest(std::uint32_t size) const {
    size = size / multiple_of * multiple_of;
    return size < least ? least : size > most ? most / multiple_of * multiple_of : size;
  }
  friend bool operator==(const SizeLimits&, const SizeLimits&) = default;

  static constexpr std::uint32_t most_possible = 1u << 20, max_align_possible = 4096;
};

/// One cache, or one pool or heap. Sizes in bytes; always a geometry within the limits below. Of a pool only the
/// object's size and alignment have a meaning, of a heap none.
struct CacheSpec {
  std::uint8_t backend = 0;
  bool is_static = false;  // a Cache from model/program/static_caches.hpp, not a DynamicCache
  bool checks = true;
  Guards guards = Guards::None;  // others only of a DynamicCache that checks
  std::uint8_t empty_slabs_kept = 1;
  slab::ObjectSizeType type = slab::ObjectSizeType::Small;
  std::uint32_t slab_size = 4096;
  std::uint32_t page_size = 4096;
  std::uint32_t object_size = 1;
  std::uint32_t object_align = 1;
  Shape shape = Shape::SlabCache;

  [[nodiscard]] constexpr slab::Row row() const {
    if (type == slab::ObjectSizeType::Large) return slab::Row::Large;
    return slab_size == page_size ? slab::Row::SmallSinglePage : slab::Row::SmallMultiPage;
  }
  friend bool operator==(const CacheSpec&, const CacheSpec&) = default;
};

/// The layout of its slabs, as the allocator has it, or why there is none.
constexpr slab::GeometryResult geometry_of(const CacheSpec& cache) {
  if (cache.checks)
    return with_guarded(cache.guards, [&]<class Policy>(Policy) {
      return slab::Geometry::make<Policy>(cache.slab_size, cache.page_size, cache.type, cache.object_size,
                                          cache.object_align);
    });
  return slab::Geometry::make<slab::Unchecked>(cache.slab_size, cache.page_size, cache.type, cache.object_size,
                                               cache.object_align);
}

/// What a program may ask for. A trace that goes beyond is refused; bytes cannot.
struct Limits {
  static constexpr std::uint32_t max_page_size = 4096;
  static constexpr std::uint32_t max_pages_per_slab = 16;
  static constexpr std::uint8_t max_empty_slabs_kept = 2;
  static constexpr std::size_t max_caches = 2;
  static constexpr std::size_t max_backends = 2;
  static constexpr std::size_t max_live_objects = 1024;
  static constexpr std::uint32_t max_operations = 65536;  // bursts count as single operations
  static constexpr std::uint32_t max_ordinal = 65535;
  static constexpr std::uint32_t max_size = SizeLimits::most_possible;  // of an object of a pool or a heap
  static constexpr std::size_t max_file_size = std::size_t{1} << 20;
};

/// What a program runs on.
struct Setup {
  std::uint8_t backend_count = 1;
  std::uint8_t cache_count = 1;
  BackendSpec backends[Limits::max_backends];
  CacheSpec caches[Limits::max_caches];

  friend bool operator==(const Setup&, const Setup&) = default;
};

}  // namespace slabproof

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

/// One cache. Sizes in bytes; always a geometry within the limits below.
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

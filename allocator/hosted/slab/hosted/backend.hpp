#pragma once

#include <cstddef>
#include <optional>

#include <slab/backend.hpp>
#include <slab/geometry.hpp>
#include <slab/hosted/page_map.hpp>
#include <slab/hosted/region.hpp>
#include <slab/hosted/slab_info_cache.hpp>

/// For programs with an operating system: Backend and MemoryResource, and the parts of the former.
namespace slab::hosted {

/// A backend for caches of every row, of all sizes at once, in a program with an operating system.
/// Must outlive them; its destructor gives all of its memory back. A slab that a cache gives back is
/// kept for the next one, until trim(). No function throws; out of room is null or false.
///
/// It may be a global that constructors of other files use: what they ask for before its own is refused.
/// `Region` and `PageMap` are BasicRegion and BasicPageMap of a System, or classes derived from them.
template <class Region, class PageMap>
class BasicBackend : public Region, public PageMap, public SlabInfoCache<Region> {
  using SlabInfos = SlabInfoCache<Region>;

 public:
  using Region::min_page_size;

  /// `size` bytes of address space for all slabs and SlabInfos together, rounded down to a multiple of
  /// 4096, and 1/200 more for data about pages. None of it takes memory before it is used. If this
  /// fails, error() says why, and every function answers null or false.
  explicit BasicBackend(std::size_t size) noexcept
      : Region{size}, PageMap{Region::begin(), Region::size()}, SlabInfos{static_cast<Region&>(*this)} {
    if (this->capacity() == 0) Region::close();
  }

  /// Why no cache of this geometry can be served, however much room there is: PageSizeTooSmall below 4096 bytes.
  /// None: it can be.
  [[nodiscard]] static constexpr std::optional<GeometryError> refusal(const Geometry& geometry) noexcept {
    return geometry.page_size() < min_page_size ? std::optional{GeometryError::PageSizeTooSmall} : std::nullopt;
  }

  /// Region::can_make_slabs(), with room for their SlabInfos in a Large geometry. O(1).
  [[nodiscard]] bool can_make_slabs(const Geometry& geometry, std::size_t count) noexcept {
    if (!Region::can_make_slabs(geometry, count)) return false;
    const std::size_t slabs = count * geometry.slab_size();
    return geometry.row() != Row::Large ||
           this->bytes_for(count, geometry.slab_info_size()) <= Region::free_bytes() - slabs;
  }

  /// Region::trim(), the slabs of unused SlabInfos included.
  std::size_t trim() noexcept {
    SlabInfos::shrink();
    return Region::trim();
  }
};

using Backend = BasicBackend<Region, PageMap>;
static_assert(MemoryBackend<Backend, Row::SmallSinglePage> && MemoryBackend<Backend, Row::SmallMultiPage> &&
              MemoryBackend<Backend, Row::Large>);

}  // namespace slab::hosted

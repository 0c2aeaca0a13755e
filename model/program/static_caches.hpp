#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>

namespace slabproof {

/// The geometries that programs can also use with `Cache`, whose geometry is a constant. Their event logs must equal
/// those of the DynamicCache of the same geometry. The order is part of the program format: append only, at most eight
/// a row.
struct StaticGeometry {
  std::uint32_t slab_size, page_size, object_size, object_align;
};

constexpr StaticGeometry static_single_page[] = {{4096, 4096, 16, 8}, {4096, 4096, 2048, 8}, {256, 256, 20, 4}};
constexpr StaticGeometry static_multi_page[] = {{8192, 4096, 24, 8}, {16384, 4096, 5000, 8}, {1024, 256, 31, 1}};
constexpr StaticGeometry static_large[] = {{4096, 4096, 4096, 64}, {8192, 4096, 2048, 8}, {512, 64, 17, 1}};
constexpr std::size_t static_geometries_per_row = 3;

constexpr const StaticGeometry& static_geometry(slab::Row row, std::size_t index) {
  switch (row) {
    case slab::Row::SmallSinglePage: return static_single_page[index % static_geometries_per_row];
    case slab::Row::SmallMultiPage: return static_multi_page[index % static_geometries_per_row];
    case slab::Row::Large: break;
  }
  return static_large[index % static_geometries_per_row];
}

}  // namespace slabproof

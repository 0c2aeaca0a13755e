#pragma once

#include <cstdint>

#include "model/program/layout.hpp"
#include "model/program/policy_kind.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The smallest slabs of the row with exactly `objects` objects, in the smallest pages: one page in SmallSinglePage,
/// else at least two. The objects are the largest that fit, less one byte, so that there is padding.
constexpr CacheSpec small_geometry(slab::Row row, std::uint32_t objects, const PolicyKind& policy = {},
                                   std::uint32_t least_slab_size = 0) {
  CacheSpec spec;
  spec.checks = policy.checks;
  spec.guards = policy.guards;
  spec.type = row == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
  constexpr std::uint32_t page_size = slab::Geometry::min_page_size;
  for (spec.slab_size = row == slab::Row::SmallSinglePage ? page_size : 2 * page_size;; spec.slab_size *= 2) {
    spec.page_size = row == slab::Row::SmallSinglePage ? spec.slab_size : page_size;
    if (spec.slab_size < least_slab_size) continue;
    for (spec.object_size = spec.slab_size; spec.object_size > 0; spec.object_size -= 8)
      if (layout_of(spec).objects_per_slab == objects) return --spec.object_size, spec;
  }
}

static_assert(small_geometry(slab::Row::SmallSinglePage, 3).slab_size == 128);
static_assert(small_geometry(slab::Row::Large, 3).object_size == 39);

/// One backend, and caches on it with slabs of one size: the first with `objects` objects a slab, the second, if there
/// are two, with one object less, but at least one.
constexpr Setup small_setup(slab::Row row, std::uint32_t objects, std::uint8_t caches, const PolicyKind& policy,
                            std::uint8_t empty_slabs_kept) {
  Setup setup;
  setup.cache_count = caches;
  setup.caches[0] = small_geometry(row, objects, policy);
  setup.caches[1] = small_geometry(row, objects > 1 ? objects - 1 : 1, policy, setup.caches[0].slab_size);
  for (CacheSpec& cache : setup.caches) cache.empty_slabs_kept = empty_slabs_kept;
  return setup;
}

}  // namespace slabproof

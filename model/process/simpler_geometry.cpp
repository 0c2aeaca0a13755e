#include "model/process/simpler_geometry.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "model/program/layout.hpp"

namespace slabproof {
namespace {

constexpr std::uint32_t largest_count = 9;  // objects a slab, of the counts that are tried besides the program's own

std::size_t waste_of(const CacheSpec& cache, const Layout& layout) {
  return layout.slab_info_offset - layout.objects_per_slab * cache.object_size;
}

/// How much a reader must keep in mind about a geometry; less is simpler.
auto weight(const CacheSpec& cache) {
  const Layout layout = layout_of(cache);
  return std::tuple{cache.row(),        layout.objects_per_slab, cache.slab_size,  cache.slab_size / cache.page_size,
                    cache.object_align, waste_of(cache, layout), cache.object_size};
}

bool is_possible(const CacheSpec& cache) {
  return layout_of(cache).objects_per_slab > 0 &&  // whatever Geometry::make says
         cache.page_size <= Limits::max_page_size && cache.slab_size <= cache.page_size * Limits::max_pages_per_slab &&
         geometry_of(cache).ok();
}

/// The object size that leaves the least of a slab unused by `count` objects; 0 when they do not fit.
std::uint32_t filling_size(const CacheSpec& cache, std::uint32_t count) {
  const std::uint32_t entry_size = !cache.checks ? 0 : count <= 254 ? 1 : 2;
  const std::uint32_t info = cache.type == slab::ObjectSizeType::Small ? slab_info_bytes(count, entry_size) : 0;
  const auto added = static_cast<std::uint32_t>(facts_of(cache.guards).added_bytes());
  const std::uint32_t slot = cache.slab_size < info ? 0 : (cache.slab_size - info) / count / 8 * 8;
  return slot < added ? 0 : slot - added;
}

}  // namespace

std::vector<CacheSpec> simpler_geometries(const CacheSpec& cache) {
  std::vector<CacheSpec> result;
  const auto add = [&](CacheSpec other) {
    if (is_possible(other) && weight(other) < weight(cache)) result.push_back(other);
  };
  const auto objects = static_cast<std::uint32_t>(layout_of(cache).objects_per_slab);
  if (objects == 0) return result;
  std::set<std::uint32_t> counts{objects};
  for (std::uint32_t count = 1; count <= largest_count && count < objects; ++count) counts.insert(count);
  for (const auto type : {slab::ObjectSizeType::Small, slab::ObjectSizeType::Large})
    for (const std::uint32_t count : counts)
      for (const std::uint32_t pages : {1u, 2u}) {
        // The smallest slab of so many objects.
        CacheSpec other = cache;
        other.type = type;
        other.object_align = 1;
        for (other.slab_size = 64 * pages; filling_size(other, count) == 0; other.slab_size *= 2) {}
        other.page_size = other.slab_size / pages;
        other.object_size = filling_size(other, count);
        add(other);
      }
  const auto with = [&](auto change) {
    CacheSpec other = cache;
    change(other);
    add(other);
  };
  with([](CacheSpec& other) { other.slab_size /= 2; });
  with([](CacheSpec& other) { other.slab_size /= 2, other.page_size /= 2; });
  with([](CacheSpec& other) { other.page_size *= 2; });
  with([](CacheSpec& other) { other.object_align = 1; });
  with([](CacheSpec& other) { other.object_align /= 2; });
  with([&](CacheSpec& other) { other.object_size = filling_size(other, objects); });
  with([&](CacheSpec& other) { other.object_size = filling_size(other, objects), other.slab_size /= 2; });
  with([](CacheSpec& other) { other.object_size = (other.object_size + 7) / 8 * 8; });
  with([](CacheSpec& other) { other.object_size += 1; });
  with([](CacheSpec& other) { other.object_size = other.object_size / 2 / 8 * 8, other.slab_size /= 2; });
  std::sort(result.begin(), result.end(), [](const CacheSpec& a, const CacheSpec& b) { return weight(a) < weight(b); });
  return result;
}

}  // namespace slabproof

#include "properties/machines/setup_generator.hpp"

#include <algorithm>
#include <iterator>
#include <ostream>
#include <vector>

#include "model/program/byte_format.hpp"
#include "model/program/decoder.hpp"
#include "model/program/layout.hpp"
#include "model/program/static_caches.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

using Choices = std::vector<std::uint32_t>;
constexpr std::size_t choices_per_cache = 12, choices_per_setup = 8;

/// `slab_size` is the size to share with another cache, if the row can have it; 0 for any.
void choose_geometry(CacheSpec& cache, slab::Row row, const std::uint32_t* choice, std::uint32_t slab_size) {
  cache.type = row == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
  const std::uint32_t pages_shift = row == slab::Row::SmallSinglePage  ? 0
                                    : row == slab::Row::SmallMultiPage ? 1 + choice[1] % 4
                                                                       : choice[1] % 5;
  const bool is_single_page = row == slab::Row::SmallSinglePage;  // which has no room in 64 bytes
  const std::uint32_t smallest = is_single_page ? 128 : 64;
  cache.page_size = slab_size ? std::clamp(slab_size >> pages_shift, smallest, 4096u)
                              : smallest << choice[0] % (is_single_page ? 6 : 7);
  cache.slab_size = cache.page_size << pages_shift;
  cache.object_align = choice[2] % 4 != 3 ? 1u << choice[3] % 5 : cache.page_size >> choice[3] % 4;
  while (largest_object(cache, 1) == 0) cache.object_align /= 2;

  const std::uint32_t largest = largest_object(cache, 1);
  if (choice[4] % 4 == 3) {
    cache.object_size = 1 + choice[5] % largest;
    return;
  }
  const std::size_t counts[] = {1, 2, 3, 1 + choice[5] % 8};
  const std::uint32_t boundary = largest_object(cache, counts[choice[4] % 3 + (choice[6] & 1)]);
  cache.object_size = std::clamp(boundary + choice[7] % 3, 2u, largest + 1) - 1;
}

CacheSpec cache_from(MachineKind kind, const std::uint32_t* choice, std::uint32_t slab_size = 0) {
  CacheSpec cache;
  cache.checks = kind.checks;
  cache.empty_slabs_kept = kind.empty_slabs_kept;
  if (kind.has_guards) {
    const format::GuardedOptions& options = format::guarded_options[choice[8] % std::size(format::guarded_options)];
    cache.guards = options.guards;
    cache.empty_slabs_kept = options.empty_slabs_kept;
  }
  cache.is_static = choice[8] % 8 == 7 && kind.empty_slabs_kept <= 1 && !kind.has_guards;
  choose_geometry(cache, kind.row, choice, slab_size);
  if (cache.is_static) {
    const StaticGeometry& geometry = static_geometry(kind.row, choice[9]);
    cache.slab_size = geometry.slab_size;
    cache.page_size = geometry.page_size;
    cache.object_size = geometry.object_size;
    cache.object_align = geometry.object_align;
  }
  return cache;
}

Setup setup_from(MachineKind kind, const Choices& choice) {
  Setup setup;
  setup.cache_count = choice[0] % 2 == 1 ? 2 : 1;
  setup.backend_count = choice[1] % 4 == 3 ? 2 : 1;
  for (std::size_t i = 0; i < setup.backend_count; ++i)
    setup.backends[i] = {static_cast<Reuse>(choice[2 + 2 * i] % 3), static_cast<Placement>(choice[3 + 2 * i] % 3),
                         static_cast<std::uint8_t>(choice[6])};
  setup.caches[0] = cache_from(kind, &choice[choices_per_setup]);
  if (setup.cache_count == 2) {
    const std::uint32_t* const own = &choice[choices_per_setup + choices_per_cache];
    // Half of the time the same row, and then often slabs of the same size: caches are mixed up most easily there.
    if (own[10] % 2 == 0) kind.row = static_cast<slab::Row>(own[11] % 3);
    const bool same_slabs = own[9] % 2 == 0;
    setup.caches[1] = cache_from(kind, own, same_slabs ? setup.caches[0].slab_size : 0);
    setup.caches[1].backend = static_cast<std::uint8_t>(own[10] / 2 % setup.backend_count);
    if (same_slabs && kind.row == setup.caches[0].row()) setup.caches[1] = setup.caches[0];
  }
  return setup;
}

}  // namespace

rc::Gen<Setup> setups(const Language& language) {
  return rc::gen::map(
      rc::gen::container<std::vector<std::uint8_t>>(format::header_size, rc::gen::arbitrary<std::uint8_t>()),
      [language](const std::vector<std::uint8_t>& header) {
        return decode_setup(header.data(), header.size(), language);
      });
}

rc::Gen<Setup> setups(MachineKind kind) {
  return rc::gen::map(
      rc::gen::container<Choices>(choices_per_setup + 2 * choices_per_cache, rc::gen::inRange<std::uint32_t>(0, 65536)),
      [kind](const Choices& choices) { return setup_from(kind, choices); });
}

std::ostream& operator<<(std::ostream& out, const Setup& setup) { return out << to_text(setup); }

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <slab/statistics.hpp>

#include "model/program/layout.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// For people.
inline std::string describe(const slab::CacheStatistics& s) {
  return std::to_string(s.full_slabs) + " full, " + std::to_string(s.partial_slabs) + " partial, " +
         std::to_string(s.empty_slabs) + " empty, " + std::to_string(s.allocated_objects) + " allocated, " +
         std::to_string(s.free_objects) + " free";
}

/// The judge's model of one cache: how many slabs are in which state, and which one is current. Every statistic follows
/// from it.
class CacheModel {
 public:
  static constexpr std::size_t bins = 8;  // docs/policy.md

  explicit CacheModel(const CacheSpec& of = {}) : spec{of}, layout{layout_of(of)} {}

  CacheSpec spec;
  Layout layout;
  std::uintptr_t current = 0;  // the slab that the last allocation came from, while it exists
  std::size_t reserved_slabs = 0;  // what the last reserve since the last shrink asked for

  [[nodiscard]] std::size_t slabs() const { return full_ + partial_ + empty_; }
  [[nodiscard]] std::size_t empty_slabs() const { return empty_; }
  [[nodiscard]] std::size_t partial_slabs() const { return partial_; }
  [[nodiscard]] std::size_t live_objects() const { return live_; }
  [[nodiscard]] std::size_t free_objects() const { return slabs() * layout.objects_per_slab - live_; }
  [[nodiscard]] std::size_t kept_slabs() const {
    return reserved_slabs > spec.empty_slabs_kept ? reserved_slabs : spec.empty_slabs_kept;
  }
  [[nodiscard]] slab::CacheStatistics statistics() const { return {full_, partial_, empty_, live_, free_objects()}; }
  /// Pages a slab has in the SlabInfo map: none in SmallSinglePage.
  [[nodiscard]] std::size_t mapped_pages() const {
    return spec.row() == slab::Row::SmallSinglePage ? 0 : spec.slab_size / spec.page_size;
  }

  /// The bin of a partial slab.
  [[nodiscard]] std::size_t bin_of(std::size_t used) const {
    unsigned shift = 0;  // the smallest that gives every used count below N a bin
    while (bins << shift < layout.objects_per_slab) ++shift;
    return used >> shift;
  }
  /// The highest bin that has a slab; requires one.
  [[nodiscard]] std::size_t fullest_bin() const {
    std::size_t bin = bins - 1;
    while (bin > 0 && in_bin_[bin] == 0) --bin;
    return bin;
  }

  /// As when the cache had just been made.
  void clear() { *this = CacheModel{spec, layout}; }
  void slab_made() { ++empty_; }
  void slab_released(std::size_t used) {
    uncount(used);
    live_ -= used;
  }
  void used_changed(std::size_t before, std::size_t after) {
    uncount(before);
    (after == 0 ? empty_ : after == layout.objects_per_slab ? full_ : partial_) += 1;
    if (after != 0 && after != layout.objects_per_slab) ++in_bin_[bin_of(after)];
    live_ = live_ - before + after;
  }

 private:
  CacheModel(const CacheSpec& of, const Layout& with) : spec{of}, layout{with} {}

  void uncount(std::size_t used) {
    (used == 0 ? empty_ : used == layout.objects_per_slab ? full_ : partial_) -= 1;
    if (used != 0 && used != layout.objects_per_slab) --in_bin_[bin_of(used)];
  }

  std::size_t full_ = 0, partial_ = 0, empty_ = 0, live_ = 0;
  std::size_t in_bin_[bins] = {};
};

}  // namespace slabproof

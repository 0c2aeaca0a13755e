#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/geometry.hpp>
#include <slab/seal.hpp>
#include <slab/slab_info.hpp>
#include <slab/slab_list.hpp>

namespace slab::detail {

/// Slabs of a Checked cache that were found damaged. Their slots are neither free nor allocated, and they are never
/// given back.
template <bool Checks>
struct SetAside {
  AllSlabs<Checks> slabs;
  std::size_t count = 0;               // with those that no sound link leads to any more
  std::uint16_t key = first_seal_key;  // of the cache's seals; what a repair has not reached keeps an old one
  [[nodiscard]] bool has_unreached() const noexcept { return count != slabs.size(); }
};
template <>
struct SetAside<false> {
  static constexpr std::size_t count = 0;
};

/// Takes damaged slabs out of a Checked cache and puts the others in order again.
template <class Core>
class CacheRepair {
 public:
  explicit CacheRepair(Core& cache) noexcept : cache_{cache}, key_{cache.set_aside_.key} {}

  /// Sets `damaged` aside, and what else is found damaged. Returns how many, the first of cache.set_aside_.slabs.
  /// Partial and empty slabs are then listed anew, those first that were made first. O(slabs).
  std::size_t run(SlabInfo& damaged) noexcept {
    auto& all = cache_.all_slabs_;
    auto& aside = cache_.set_aside_;
    const auto gap = take_off(all, damaged), old_gap = take_off(aside.slabs, damaged);
    aside.count += gap.size;
    // What no sound link leads to gets no new seal, and so is damaged from now on.
    aside.key = next_seal_key(aside.key);
    aside.slabs.for_each([&](SlabInfo& info) { seal_anew(info); });
    SlabInfo* const found[] = {old_gap.first, old_gap.last, gap.first, gap.last, &damaged};
    for (SlabInfo* const& info : found) {
      if (&info == found + 2) found_ = 0;  // those before have been reported
      if (info && !is_set_aside(*info, aside.key)) retire(*info);
    }
    cache_.partial_.clear();
    cache_.empty_.clear();
    cache_.allocated_elsewhere_ = 0;
    bool has_current = false;
    all.for_each([&](SlabInfo& info) {
      has_current |= &info == cache_.current_;
      list_anew(info);
    });
    if (cache_.current_ && !has_current) cache_.forget_current();
    return found_;
  }

  /// Whether `info` is a slab of the cache, damaged or not. O(slabs).
  [[nodiscard]] bool knows(const SlabInfo& info) const noexcept {
    const auto is_in = [&](const AllSlabs<true>& slabs) {
      bool is_found = false;
      const auto gap = slabs.for_each_sound(key_, [&](SlabInfo& one) { is_found |= &one == &info; });
      return is_found || gap.first == &info || gap.last == &info;
    };
    return is_in(cache_.all_slabs_) || is_in(cache_.set_aside_.slabs);
  }

  /// Whether a slab, whose slots are sound, was set aside.
  [[nodiscard]] static bool is_set_aside(const SlabInfo& info, std::uint16_t key) noexcept {
    return info.tabled.slots.used == mark && has_sound_slots(info, key);
  }

 private:
  /// What `used` is in a slab that was set aside.
  static constexpr std::uint32_t mark = UINT32_MAX;

  /// Takes `damaged`, if it is here, and all that can no longer be reached off a list. `size` tells how many.
  auto take_off(AllSlabs<true>& list, SlabInfo& damaged) noexcept {
    const std::size_t size = list.size();
    bool is_here = false;
    list.for_each_sound(key_, [&](SlabInfo& info) { is_here |= &info == &damaged; });
    if (is_here) list.remove(damaged);
    auto gap = list.for_each_sound(key_, [](SlabInfo&) {});
    list.close(gap);
    gap.size = size - list.size();
    return gap;
  }

  /// From the key that was to the present one. A wrong seal stays wrong.
  void seal_anew(SlabInfo& info) const noexcept {
    const auto change = static_cast<std::uint16_t>(key_ ^ cache_.set_aside_.key);
    info.tabled.links_seal ^= change;
    info.tabled.slots_seal ^= change;
  }

  void list_anew(SlabInfo& info) noexcept {
    seal_anew(info);
    set_member<true, &SlabInfo::next>(info, nullptr);
    set_member<true, &SlabInfo::previous>(info, nullptr);
    if (&info == cache_.current_) return;
    if (!has_sound_slots(info, cache_.set_aside_.key)) {
      cache_.all_slabs_.remove(info);
      ++cache_.set_aside_.count;
      return retire(info);
    }
    const std::size_t used = info.tabled.slots.used;
    cache_.allocated_elsewhere_ += used;
    if (used == 0)
      cache_.empty_.push_front(info);
    else if (used != cache_.objects_per_slab())
      cache_.partial_.push_front(info);
  }

  /// Writes a SlabInfo of a slab of which nothing is free or allocated.
  void retire(SlabInfo& info) noexcept {
    std::byte* const slab = reinterpret_cast<std::byte*>(cache_.base_of(info));
    ::new (static_cast<void*>(&info)) SlabInfo;
    info.owner = cache_.tag();
    info.slab = slab;
    info.tabled.slots = {.free_head = no_slot(cache_.geometry().entry_size()), .used = mark};
    seal(info, cache_.set_aside_.key);
    cache_.set_aside_.slabs.push_front(info);
    ++found_;
  }

  Core& cache_;
  std::uint16_t key_;  // before the repair
  std::size_t found_ = 0;
};

}  // namespace slab::detail

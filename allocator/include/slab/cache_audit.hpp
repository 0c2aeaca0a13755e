#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>
#include <slab/slab_info.hpp>
#include <slab/slab_list.hpp>
#include <slab/slots.hpp>

namespace slab {

/// The invariant of docs/invariants.md that find_audit_failure() found broken.
enum class AuditFailure : std::uint8_t {
  None,
  ListMembership,  ///< L1: a slab on a list that its used count does not name, or one of which the cache does not know
  ListLinks,  ///< L2: links not symmetric, or a list's length wrong
  FreeList,  ///< L3: free list + uncarved rest != N - used, or an entry out of place
  KeptSlabs,  ///< L6: fewer empty slabs may stay than the policy says
  Owner,  ///< L8: a slab of another cache on a list, or its base misplaced
  DamagedSlabInfo,  ///< L9: a SlabInfo that is not what the cache wrote
  Overlap,  ///< L10: memory of one slab, or of its SlabInfo, is memory of another
  WrittenRedZone,  ///< bytes behind a live object that are not as the cache wrote them
  WrittenAfterFree,  ///< the same of a freed slot
};

namespace detail {

/// Looks for an internal invariant of a cache that does not hold. Reads the cache and its slabs, and nothing else.
template <class Core>
class CacheAudit {
  using SlabInfo = typename Core::Info;

 public:
  explicit CacheAudit(const Core& cache) noexcept : cache_{cache} {}

  /// O(slots + slabs²).
  [[nodiscard]] AuditFailure find_failure() const noexcept {
    const SlabInfo* const current = cache_.current_;
    if constexpr (Core::checks) {
      if (cache_.all_slabs_.goes_on(cache_.set_aside_.key)) return AuditFailure::ListLinks;
      if (cache_.find_damaged()) return AuditFailure::DamagedSlabInfo;
    }
    if (const auto failure = audit_current(current); failure != AuditFailure::None) return failure;
    std::size_t slabs = 0, full = 0, allocated = 0, quarantined = 0;
    bool has_current = current == nullptr;
    const SlabInfo* before = nullptr;
    for (const SlabInfo* info = cache_.all_slabs_.front(); info; before = info, info = info->next_slab) {
      if (info->previous_slab != before || ++slabs > cache_.all_slabs_.size()) return AuditFailure::ListLinks;
      if (const auto failure = audit_slab(*info); failure != AuditFailure::None) return failure;
      quarantined += cache_.quarantined_in(*info);
      has_current |= info == current;
      if (info == current) continue;
      const std::size_t used = cache_.slots_of(*info).used;
      allocated += used;
      if (used < cache_.objects_per_slab()) continue;
      ++full;
      if (info->next || info->previous) return AuditFailure::ListLinks;
    }
    if (!has_current || !cache_.all_slabs_.ends_with(before)) return AuditFailure::ListLinks;
    const std::size_t partial = cache_.partial_.size(), empty = cache_.empty_.size();
    if (const auto failure = audit_list(cache_.partial_, true); failure != AuditFailure::None) return failure;
    if (const auto failure = audit_list(cache_.empty_, false); failure != AuditFailure::None) return failure;
    const bool is_counted = slabs == cache_.all_slabs_.size() && allocated == cache_.allocated_elsewhere_ &&
                            slabs == full + partial + empty + (current != nullptr);
    if (!is_counted) return AuditFailure::ListLinks;
    if (quarantined != cache_.quarantined()) return AuditFailure::FreeList;
    if constexpr (Core::PolicyType::empty_slabs_kept != 0)
      if (cache_.kept_slabs_ < Core::PolicyType::empty_slabs_kept) return AuditFailure::KeptSlabs;
    if constexpr (Core::row != Row::SmallSinglePage)  // where each slab is a page of its own
      if (has_overlap()) return AuditFailure::Overlap;
    return AuditFailure::None;
  }

  /// Whether the list of free slots of a slab, whose SlabInfo is sound, holds each carved slot that is not used, and no
  /// other. O(its slots).
  [[nodiscard]] bool has_sound_free_list(const SlabInfo& info) const noexcept {
    return has_sound_free_list(info, cache_.slots_of(info));
  }

 private:
  struct Range {
    std::uintptr_t begin = 0;
    std::size_t size = 0;
    [[nodiscard]] bool meets(const Range& other) const noexcept {
      return size > 0 && other.size > 0 && (begin - other.begin < other.size || other.begin - begin < size);
    }
  };
  [[nodiscard]] Range slab_of(const SlabInfo& info) const noexcept {
    return {cache_.base_of(info), cache_.geometry().slab_size()};
  }
  /// What a SlabInfo has besides its slab: nothing in Small rows.
  [[nodiscard]] Range memory_of(const SlabInfo& info) const noexcept {
    if constexpr (Core::row != Row::Large) return {};
    return {Core::address(cache_.table_of(info)), cache_.geometry().slab_info_size()};
  }
  /// Whether two slabs, or in Large rows memory of SlabInfos, have an address in common. O(slabs²).
  [[nodiscard]] bool has_overlap() const noexcept
    requires(Core::row != Row::SmallSinglePage)
  {
    for (const SlabInfo* one = cache_.all_slabs_.front(); one; one = one->next_slab) {
      const Range slab = slab_of(*one), memory = memory_of(*one);
      if (slab.meets(memory)) return true;
      for (const SlabInfo* other = one->next_slab; other; other = other->next_slab) {
        const Range others[] = {slab_of(*other), memory_of(*other)};
        for (const Range& range : others)
          if (slab.meets(range) || memory.meets(range)) return true;
      }
    }
    return false;
  }

  /// What the cache keeps in itself of the current slab, or says when there is none.
  [[nodiscard]] AuditFailure audit_current(const SlabInfo* current) const noexcept {
    if (cache_.slab_ != (current ? Core::address(current->slab) : Core::no_slab)) return AuditFailure::Owner;
    if (!current) {
      if (Core::checks && cache_.table_ != nullptr) return AuditFailure::Owner;
      return is_same(cache_.slots_, cache_.no_slots()) ? AuditFailure::None : AuditFailure::FreeList;
    }
    if (Core::checks && cache_.table_ != cache_.table_of(*current)) return AuditFailure::Owner;
    return current->next || current->previous ? AuditFailure::ListLinks : AuditFailure::None;
  }

  /// Whether it is a slab of the cache, of which the list of all slabs is whole. O(slabs).
  [[nodiscard]] bool knows(const SlabInfo* slab) const noexcept {
    const SlabInfo* info = cache_.all_slabs_.front();
    while (info && info != slab) info = info->next_slab;
    return info != nullptr;
  }

  template <class List>
  [[nodiscard]] AuditFailure audit_list(const List& list, bool is_partial) const noexcept {
    const SlabInfo* before = nullptr;
    std::size_t seen = 0;
    for (const SlabInfo* info = list.front(); info; before = info, info = info->next) {
      if (!knows(info)) return AuditFailure::ListMembership;
      if (info->previous != before || ++seen > list.size() || info == cache_.current_) return AuditFailure::ListLinks;
      const std::size_t used = cache_.slots_of(*info).used;
      if (is_partial ? used == 0 || used == cache_.objects_per_slab() : used != 0) return AuditFailure::ListMembership;
    }
    return seen == list.size() ? AuditFailure::None : AuditFailure::ListLinks;
  }

  [[nodiscard]] AuditFailure audit_slab(const SlabInfo& info) const noexcept {
    const std::uintptr_t base = Core::address(info.slab);
    if (info.owner != cache_.tag() || base == 0 || (base & (cache_.geometry().page_size() - 1)) != 0)
      return AuditFailure::Owner;
    if (Core::row != Row::Large && base != cache_.base_of(info)) return AuditFailure::Owner;
    const auto& slots = cache_.slots_of(info);
    if (slots.used > slots.carved || slots.carved > cache_.objects_per_slab()) return AuditFailure::FreeList;
    if (!has_sound_free_list(info, slots)) return AuditFailure::FreeList;
    if constexpr (Core::guards) return audit_contents(info, slots);
    return AuditFailure::None;
  }

  /// What lies in the slots and belongs to no object.
  [[nodiscard]] AuditFailure audit_contents(const SlabInfo& info, const TabledSlots& slots) const noexcept {
    return with_table(cache_.table_of(info), cache_.geometry().entry_size(), [&](auto table) {
      for (std::size_t i = 0; i < slots.carved; ++i) {
        const typename Core::Guard guard{cache_.geometry(), info.slab + i * cache_.geometry().stride()};
        if (!table.is_live(i) && guard.find_write_after_free().size != 0) return AuditFailure::WrittenAfterFree;
        if (table.is_live(i) && guard.find_write_beyond_object().size != 0) return AuditFailure::WrittenRedZone;
      }
      return AuditFailure::None;
    });
  }

  /// Whether the list of free slots holds each carved slot that is not used, and no other but those in quarantine,
  /// which count as used. A list that ends after that many entries has visited none twice. Where it ends must be no
  /// slot, neither one that may yet be carved nor what the entry of a live one says.
  template <class Slots>
  [[nodiscard]] bool has_sound_free_list(const SlabInfo& info, const Slots& slots) const noexcept {
    std::size_t length = 0;
    const std::size_t free = slots.carved - slots.used;
    if constexpr (Core::checks) {
      return with_table(cache_.table_of(info), cache_.geometry().entry_size(), [&](auto table) {
        std::size_t i = slots.free_head, live = 0;
        for (; i < slots.carved; i = table.next(i))
          if (++length > free) return false;
        if (length != free || i != no_slot(cache_.geometry().entry_size())) return false;
        for (i = 0; i < slots.carved; ++i) live += table.is_live(i);
        return live + cache_.quarantined_in(info) == slots.used;
      });
    } else {
      for (const void* slot = slots.free_head; slot; slot = slots.next(slot)) {
        const auto at = cache_.geometry_.locate(Core::address(slot) - cache_.base_of(info));
        if (++length > free || at.index >= slots.carved || !at.is_at_slot()) return false;
      }
      return length == free;
    }
  }

  const Core& cache_;
};

}  // namespace detail
}  // namespace slab

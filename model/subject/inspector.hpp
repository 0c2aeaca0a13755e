#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/cache_core.hpp>

#include "model/memory/sanitizer.hpp"
#include "model/subject/cache_members.hpp"

namespace slab {

/// Reads and writes the members of a cache and of a SlabInfo, which befriend it, by name.
class Inspector {
 public:
  template <class GeometrySource, class Backend, class Policy>
  [[nodiscard]] static slabproof::CacheMembers members_of(
      const detail::CacheCore<GeometrySource, Backend, Policy>& cache) {
    static_assert(sizeof(cache) == sizeof(KnownMembers<GeometrySource, Backend, Policy>), "a member is not known here");
    slabproof::CacheMembers members{.free_head = number(cache.slots_.free_head),
                                    .used = cache.slots_.used,
                                    .carved = cache.slots_.carved,
                                    .slab = number(cache.slab_),
                                    .slab_bytes = cache.slab_bytes_,
                                    .slab_info = number(cache.current_),
                                    .backend_is_running = cache.supply_.busy_,
                                    .lists = {},
                                    .slabs = cache.slabs_,
                                    .empty_slabs = cache.empty_slabs_,
                                    .reserved_slabs = cache.reserved_slabs_};
    for (std::size_t i = 0; i < members.list_count; ++i) members.lists[i] = number(cache.lists_[i].front_);
    return members;
  }
  template <class GeometrySource, class Backend, class Policy>
  static void set_members_of(detail::CacheCore<GeometrySource, Backend, Policy>& cache,
                             const slabproof::CacheMembers& members) {
    cache.slots_ = {.free_head = pointer<void>(members.free_head), .used = members.used, .carved = members.carved};
    cache.slab_ = pointer<std::byte>(members.slab);
    cache.slab_bytes_ = members.slab_bytes;
    cache.current_ = pointer<SlabInfo>(members.slab_info);
    cache.supply_.busy_ = members.backend_is_running != 0;
    for (std::size_t i = 0; i < members.list_count; ++i) cache.lists_[i].front_ = pointer<SlabInfo>(members.lists[i]);
    cache.slabs_ = members.slabs;
    cache.empty_slabs_ = members.empty_slabs;
    cache.reserved_slabs_ = members.reserved_slabs;
  }

  // Not sanitized: a defect may have given the SlabInfo back too early.
  SLABPROOF_NOT_SANITIZED static slabproof::SlabInfoMembers info_at(std::uintptr_t address) {
    const SlabInfo& info = *pointer<SlabInfo>(address);
    return {.free_head = number(info.free_head),
            .used = info.used,
            .carved = info.carved,
            .owner = number(info.owner),
            .next = number(info.next),
            .previous = number(info.previous),
            .slab = number(info.slab),
            .allocated = *info.word(0)};
  }
  SLABPROOF_NOT_SANITIZED static void set_info_at(std::uintptr_t address, const slabproof::SlabInfoMembers& members) {
    SlabInfo& info = *pointer<SlabInfo>(address);
    info.free_head = pointer<void>(members.free_head);
    info.used = members.used;
    info.carved = members.carved;
    info.owner = pointer<void>(members.owner);
    info.next = pointer<SlabInfo>(members.next);
    info.previous = pointer<SlabInfo>(members.previous);
    info.slab = pointer<std::byte>(members.slab);
    *info.word(0) = members.allocated;
  }

 private:
  /// A cache has these members, in whatever order, and no others.
  template <class GeometrySource, class Backend, class Policy>
  struct KnownMembers {
    using Core = detail::CacheCore<GeometrySource, Backend, Policy>;
    [[no_unique_address]] decltype(Core::geometry_) geometry;
    decltype(Core::slots_) slots;
    decltype(Core::slab_) slab;
    decltype(Core::slab_bytes_) slab_bytes;
    decltype(Core::current_) current;
    decltype(Core::supply_) supply;
    decltype(Core::lists_) lists;
    decltype(Core::slabs_) slabs;
    decltype(Core::empty_slabs_) empty_slabs;
    decltype(Core::reserved_slabs_) reserved_slabs;
    static_assert(Core::list_count == slabproof::CacheMembers::list_count);
  };

  static std::uintptr_t number(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }
  template <class T>
  static T* pointer(std::uintptr_t address) {
    return reinterpret_cast<T*>(address);
  }
};

}  // namespace slab

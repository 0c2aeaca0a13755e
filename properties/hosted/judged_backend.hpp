#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>
#include <slab/hosted/backend.hpp>

#include "properties/hosted/judged_region.hpp"

namespace slabproof::hosted {

/// A Backend of judged parts, whose SlabInfos are compared with a list of them: R6.
template <std::size_t Pages, std::size_t MostInfos>
class JudgedBackend : public slab::hosted::BasicBackend<JudgedRegion<Pages>, JudgedPageMap<Pages>> {
  using Region = JudgedRegion<Pages>;
  using Map = JudgedPageMap<Pages>;
  using Backend = slab::hosted::BasicBackend<Region, Map>;

 public:
  /// `entered`: the system is there.
  explicit JudgedBackend(std::nullptr_t entered) noexcept : Backend{Pages * Region::page_size} {
    static_cast<void>(entered);
  }

  [[nodiscard]] void* alloc_slab_info(std::size_t size) noexcept {
    if (size > slab::Geometry::max_slab_size) return refuse_info(size);
    const std::size_t promised = this->bytes_for(1, size), taken = this->taken(), refusals = this->refusals();
    const Sharing sharing = sharing_of(size);
    std::size_t slabs = 0, used = 0;
    for (const Info& info : infos_) used += info.begin && info.size <= most_shared && sharing_of(info.size) == sharing;
    for (const SharedSlab& slab : slabs_) slabs += slab.begin && slab.sharing == sharing;
    const std::size_t free = slabs * sharing.count - used;
    for (const std::size_t count : {std::size_t{0}, std::size_t{2}, std::size_t{100}})
      require(this->bytes_for(count, size) == bytes_for_model(count, size, free));
    require(promised == bytes_for_model(1, size, free));

    const Owner owner = this->set_owner(Owner::SlabInfos);
    auto* const given = static_cast<std::byte*>(Backend::alloc_slab_info(size));
    this->set_owner(owner);
    const std::size_t bytes = this->taken() - taken;
    if (this->size() == 0) return require(!given && bytes == 0), given;
    if (!given) return require(this->refusals() != refusals && bytes == 0), given;
    require(bytes == promised);
    std::byte* const slab = this->slab_of(given);
    require(slab && this->owner_of(given) == Owner::SlabInfos && reinterpret_cast<std::uintptr_t>(given) % 8 == 0);
    if (!slab || !is_sound()) return given;
    const std::size_t room = this->slab_bytes_at(slab) - static_cast<std::size_t>(given - slab);
    require(size <= most_shared ? size <= room : given == slab && std::bit_ceil(size) == this->slab_bytes_at(slab));
    if (size <= most_shared && bytes != 0) add_shared(slab, sharing);
    for (const Info& info : infos_)
      require(!info.begin || info.begin >= given + size || given >= info.begin + info.size);
    for (const SharedSlab& shared : slabs_)
      require(shared.begin != slab || (size <= most_shared && shared.sharing == sharing));
    for (Info& info : infos_)
      if (!info.begin) return info = {given, size}, given;
    require(false);  // more than there can be
    return given;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    Info* const freed = find(info);
    require(freed && freed->size == size);
    if (!is_sound()) return;
    *freed = {};
    Backend::free_slab_info(info, size);
    forget_slabs();
  }
  std::size_t shrink() noexcept {
    const std::size_t before = this->free_bytes(), shared = count_shared();
    const std::size_t slabs = Backend::shrink();
    require(this->free_bytes() - before == slabs * Region::page_size);
    forget_slabs();
    require(shared - count_shared() == slabs);
    for (const SharedSlab& slab : slabs_) require(!slab.begin || has_info(slab.begin));
    return slabs;
  }
  std::size_t trim() noexcept {
    const std::size_t trimmed = Backend::trim();
    forget_slabs();
    for (const SharedSlab& slab : slabs_) require(!slab.begin || has_info(slab.begin));
    return trimmed;
  }

  void check() noexcept {
    Region::check();
    Map::check();
    require(!alloc_slab_info(slab::Geometry::max_slab_size + 1) && !alloc_slab_info(~std::size_t{0}));
  }
  /// R6: whether there is room for slabs and for their SlabInfos, if it lies well.
  template <class Geometry>
  void check_room(const Geometry& geometry) noexcept {
    if (this->size() == 0) return;
    const std::size_t free = this->free_pages() * Region::page_size;
    for (std::size_t count = 0; count < Pages; ++count) {
      const std::size_t slabs = count * geometry.slab_size();
      const bool is_large = geometry.row() == slab::Row::Large;
      const std::size_t infos = is_large ? this->bytes_for(count, geometry.slab_info_size()) : 0;
      const bool has_room = slabs <= free && infos <= free - slabs;
      Simulated::memory->require(this->can_make_slabs(geometry, count) == has_room, Invariant::R4);
    }
  }
  /// Of a live SlabInfo, as asked for; else 0.
  [[nodiscard]] std::size_t info_size(const void* info) {
    const Info* const found = find(info);
    return found ? found->size : 0;
  }

 private:
  static constexpr std::size_t most_shared = 4032;
  /// How many SlabInfos share a slab.
  struct Sharing {
    std::size_t count = 0;
    friend bool operator==(const Sharing&, const Sharing&) = default;
  };
  struct Info {
    std::byte* begin = nullptr;
    std::size_t size = 0;
  };
  struct SharedSlab {
    std::byte* begin = nullptr;
    Sharing sharing;
  };

  static Sharing sharing_of(std::size_t size) {
    for (const std::size_t count : {63u, 31u, 15u, 8u, 6u, 4u, 3u, 2u, 1u})
      if (size <= most_shared / count / 8 * 8) return {count};
    return {};
  }
  static std::size_t bytes_for_model(std::size_t count, std::size_t size, std::size_t free) {
    if (size > most_shared) return count * std::bit_ceil(size);
    const std::size_t shared = sharing_of(size).count, missing = count < free ? 0 : count - free;
    return (missing + shared - 1) / shared * Region::page_size;
  }
  [[nodiscard]] void* refuse_info(std::size_t size) noexcept {
    void* const given = Backend::alloc_slab_info(size);
    return require(!given), given;
  }
  static void require(bool holds) { Simulated::memory->require(holds, Invariant::R6); }
  static bool is_sound() { return Simulated::memory->failed() == Invariant::None; }

  Info* find(const void* begin) {
    for (Info& info : infos_)
      if (info.begin && info.begin == begin) return &info;
    return nullptr;
  }
  [[nodiscard]] bool has_info(const std::byte* slab) const {
    for (const Info& info : infos_)
      if (info.begin && this->slab_of(info.begin) == slab) return true;
    return false;
  }
  void add_shared(std::byte* slab, Sharing sharing) {
    for (SharedSlab& shared : slabs_)
      if (!shared.begin) return void(shared = {slab, sharing});
  }
  /// Those that went back.
  void forget_slabs() {
    for (SharedSlab& slab : slabs_)
      if (slab.begin && this->owner_of(slab.begin) != Owner::SlabInfos) slab = {};
  }
  [[nodiscard]] std::size_t count_shared() const {
    std::size_t count = 0;
    for (const SharedSlab& slab : slabs_) count += slab.begin != nullptr;
    return count;
  }

  std::array<Info, MostInfos> infos_ = {};
  std::array<SharedSlab, Pages> slabs_ = {};
};

}  // namespace slabproof::hosted

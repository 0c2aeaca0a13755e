#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <slab/geometry.hpp>
#include <slab/hosted/page_map.hpp>
#include <slab/hosted/region.hpp>
#include <slab/slab_info.hpp>

#include "properties/hosted/region_model.hpp"
#include "properties/hosted/simulated_system.hpp"

namespace slabproof::hosted {

/// Whom a slab was made for.
enum class Owner : std::uint8_t { Nobody, SlabInfos, Program, Run, SinglePage, MultiPage, Large, LargeInfos, Resource };

/// A Region each of whose answers is compared with the model's: R1 to R4.
template <std::size_t Pages>
class JudgedRegion : public slab::hosted::BasicRegion<Simulated>, public DiscardObserver {
  using Region = slab::hosted::BasicRegion<Simulated>;
  using Model = RegionModel<Pages>;
  using State = typename Model::State;

 public:
  static constexpr std::size_t page_size = 4096;

  explicit JudgedRegion(std::size_t size) noexcept : Region{size} {}

  [[nodiscard]] void* alloc_slab(std::size_t slab_size, std::size_t page_bytes) noexcept {
    if (size() == 0) return require(!Region::alloc_slab(slab_size, page_bytes), Invariant::R8), nullptr;
    const std::size_t before = kept_bytes();
    auto* const slab = static_cast<std::byte*>(Region::alloc_slab(slab_size, page_bytes));
    if (!is_slab(slab_size, page_bytes)) return require(!slab && kept_bytes() == before, Invariant::R2), slab;
    const std::size_t pages = slab_size / page_size, align = std::bit_ceil(slab_size);
    const bool has_room = model_.has_room(pages);
    const std::size_t page = slab ? page_of(slab) : Model::none;
    const std::size_t offset = offset_of(slab);
    const bool lies_well = !slab || (contains(slab) && slab_size <= size() - offset && offset % align == 0);
    require(lies_well && reinterpret_cast<std::uintptr_t>(slab) % align == 0, Invariant::R1);
    require(has_room == (slab != nullptr), Invariant::R2);
    const std::size_t expected = model_.take(pages, page);
    require(expected == page, slab && !lies_well                 ? Invariant::R1
                              : !slab || expected == Model::none ? Invariant::R2
                                                                 : Invariant::R3);
    if (slab && expected == page) {
      owners_[page] = owner_;
      taken_ += slab_size;
    }
    refusals_ += !slab;
    compare();
    return slab;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_bytes) noexcept {
    const std::size_t page = page_of(slab);
    require(contains(slab) && model_.is_live(page) && model_.pages_at(page) * page_size == slab_size, Invariant::R1);
    if (memory().failed() != Invariant::None) return;  // which would stop the program
    model_.give(page);
    owners_[page] = Owner::Nobody;
    Region::free_slab(slab, slab_size, page_bytes);
    compare();
  }
  std::size_t trim() noexcept {
    const std::size_t kept = model_.pages_of(State::Kept) * page_size;
    asked_ = given_ = 0;
    Simulated::observer = this;
    const std::size_t trimmed = Region::trim();
    Simulated::observer = nullptr;
    require(asked_ == kept && trimmed == given_, Invariant::R4);
    compare();
    return trimmed;
  }
  void discarded(const void* begin, std::size_t bytes, bool is_done) override {
    require(contains(begin) && model_.discard(page_of(begin), bytes / page_size, is_done), Invariant::R4);
    asked_ += bytes;
    if (is_done) given_ += bytes;
  }

  /// R1 to R4 of what it says without doing anything.
  void check() noexcept {
    compare();
    require(Region::audit(), Invariant::R1);
    const auto holds = [this](std::size_t offset) {
      return contains(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(begin()) + offset));
    };
    require(!contains(this) && !holds(size()) && !holds(~std::size_t{0}), Invariant::R4);
    require(size() == 0 || (!contains(nullptr) && holds(0) && holds(size() - 1)), Invariant::R4);
    // What is no slab, or would be one if a check were missing.
    constexpr std::size_t wrong[][2] = {{page_size, page_size / 2},
                                        {3 * page_size, 2 * page_size},
                                        {3 * page_size + page_size / 2, page_size},
                                        {page_size, 2 * page_size},
                                        {2 * page_size, 3072},
                                        {0, page_size},
                                        {page_size, 0},
                                        {page_size / 2, page_size / 2},
                                        {std::size_t{1} << 40, page_size}};
    for (const auto& [slab_size, page_bytes] : wrong) static_cast<void>(alloc_slab(slab_size, page_bytes));
  }
  /// Of a live slab's first byte; 0 elsewhere.
  [[nodiscard]] std::size_t slab_bytes_at(const void* slab) const {
    return contains(slab) && model_.is_live(page_of(slab)) && model_.block_of(page_of(slab)) == page_of(slab)
               ? model_.pages_at(page_of(slab)) * page_size
               : 0;
  }
  /// The live slab that an address lies in, and whom it was made for.
  [[nodiscard]] std::byte* slab_of(const void* address) const {
    if (!contains(address)) return nullptr;
    const std::size_t page = model_.block_of(page_of(address));
    return page == Model::none || !model_.is_live(page)
               ? nullptr
               : static_cast<std::byte*>(const_cast<void*>(begin())) + page * page_size;
  }
  [[nodiscard]] Owner owner_of(const void* address) const {
    const std::byte* const slab = slab_of(address);
    return slab ? owners_[page_of(slab)] : Owner::Nobody;
  }

  /// For whom the following slabs are.
  Owner set_owner(Owner owner) { return std::exchange(owner_, owner); }
  /// Bytes of slabs handed out, and slabs refused, since forget_counts().
  [[nodiscard]] std::size_t taken() const { return taken_; }
  [[nodiscard]] std::size_t refusals() const { return refusals_; }
  void forget_counts() { asked_ = given_ = taken_ = refusals_ = 0; }
  [[nodiscard]] std::size_t free_pages() const { return Pages - model_.pages_of(State::Live); }

 protected:
  static SimulatedMemory& memory() { return *Simulated::memory; }
  static void require(bool holds, Invariant invariant) { memory().require(holds, invariant); }

 private:
  static bool is_slab(std::size_t slab_size, std::size_t page_bytes) {
    return std::has_single_bit(page_bytes) && page_bytes >= page_size && slab_size % page_bytes == 0 &&
           slab_size >= page_bytes && slab_size <= slab::Geometry::max_slab_size;
  }
  [[nodiscard]] std::size_t offset_of(const void* address) const {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(begin());
  }
  [[nodiscard]] std::size_t page_of(const void* address) const { return offset_of(address) / page_size; }
  void compare() {
    if (size() == 0) return;
    require(free_bytes() == free_pages() * page_size && kept_bytes() == model_.pages_of(State::Kept) * page_size,
            Invariant::R4);
  }

  Model model_;
  Owner owners_[Pages] = {};  // by the first page
  Owner owner_ = Owner::Program;
  std::size_t asked_ = 0, given_ = 0, taken_ = 0, refusals_ = 0;
};

/// A PageMap that is compared with an array: R5.
template <std::size_t Pages>
class JudgedPageMap : public slab::hosted::BasicPageMap<Simulated> {
  using Map = slab::hosted::BasicPageMap<Simulated>;

 public:
  JudgedPageMap(const void* begin, std::size_t size) noexcept
      : Map{begin, size}, begin_{reinterpret_cast<std::uintptr_t>(begin)} {}

  [[nodiscard]] bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    const bool is_saved = Map::save_slab_info(page_addr, info);
    require(is_saved == (capacity() != 0 && is_inside(page_addr) && (page_addr - begin_) % page == 0));
    if (is_saved) infos_[(page_addr - begin_) / page] = info;
    return is_saved;
  }
  [[nodiscard]] slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    slab::SlabInfo* const info = Map::get_slab_info(page_addr);
    require(info == (is_inside(page_addr) ? infos_[(page_addr - begin_) / page] : nullptr));
    return info;
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    Map::delete_slab_info(page_addr);
    if (is_inside(page_addr)) infos_[(page_addr - begin_) / page] = nullptr;
  }

  /// Every page, those around the range, and one that would share an entry.
  void check() noexcept {
    for (const std::uintptr_t outside : {std::uintptr_t{0}, begin_ - page, begin_ + Pages * page,
                                         ~std::uintptr_t{0} & ~(page - 1), begin_ + page / 2}) {
      static_cast<void>(save_slab_info(outside, reinterpret_cast<slab::SlabInfo*>(this)));
      if (outside % page == 0) delete_slab_info(outside);
    }
    for (std::size_t i = 0; i < Pages + 4; ++i) static_cast<void>(get_slab_info(begin_ + (i - 2) * page));
  }

 private:
  static constexpr std::size_t page = 4096;
  static void require(bool holds) { Simulated::memory->require(holds, Invariant::R5); }
  [[nodiscard]] bool is_inside(std::uintptr_t page_addr) const { return page_addr - begin_ < Pages * page; }

  std::uintptr_t begin_;
  slab::SlabInfo* infos_[Pages] = {};
};

}  // namespace slabproof::hosted

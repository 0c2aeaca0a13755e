#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <vector>

#include <slab/geometry.hpp>
#include <slab/slab_info.hpp>

#include "properties/locked/judge.hpp"
#include "properties/locked/program.hpp"

namespace turns {

/// An object of the program.
struct Object {
  std::uintptr_t at;
  std::size_t size;
  std::size_t name;
};

/// Slabs and SlabInfos from a few fixed places, and a map of their pages.
class TurnBackend {
 public:
  static constexpr std::size_t slabs = 32;

  explicit TurnBackend(const TurnProgram& program) : program_{program} {}

  void* alloc_slab(std::size_t slab_size, std::size_t) noexcept {
    Judge::now->begin_unlocked("no lock is held while a slab is made");
    void* const slab = take(is_made_, memory_);
    return slab ? std::memset(slab, junk, slab_size) : nullptr;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t) noexcept {
    Judge& judge = *Judge::now;
    judge.begin_unlocked("no lock is held while a slab is taken back");
    const std::size_t i = (address(slab) - address(memory_)) / sizeof memory_[0];
    judge.require(i < slabs && is_made_[i], Invariant::B3, "only a slab that was made is given back, once");
    if (i >= slabs) return;
    for (std::size_t offset = 0; offset < slab_size; offset += least_page_size)
      judge.require(map_[page_of(address(slab) + offset)] == nullptr, Invariant::K6,
                    "a slab has left the map before it goes");
    if (program_.setup.type == slab::ObjectSizeType::Small) require_no_owner(address(slab) + slab_size);
    for (const Object& object : live)
      judge.require(object.at + object.size <= address(slab) || object.at >= address(slab) + slab_size, Invariant::G8,
                    "no slab with a live object goes");
    is_made_[i] = false;
    std::memset(slab, junk_of_returned, slab_size);
    ++judge.state().given_back;
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    Judge::now->begin_unlocked("no lock is held while a SlabInfo is made");
    void* const info = take(is_info_made_, infos_);
    return info ? std::memset(info, junk, size) : nullptr;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    Judge::now->begin_unlocked("no lock is held while a SlabInfo is taken back");
    const std::size_t i = (address(info) - address(infos_)) / sizeof infos_[0];
    Judge::now->require(i < slabs && is_info_made_[i], Invariant::B3, "only a SlabInfo that was made goes back, once");
    if (i >= slabs) return;
    require_no_owner(address(info) + size);
    is_info_made_[i] = false;
    std::memset(info, junk_of_returned, size);
  }
  bool can_make_slabs(const slab::Geometry&, std::size_t) noexcept {
    Judge::now->begin_unlocked("no lock is held while the backend is asked for room");
    return true;
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    Judge::now->begin_locked("the lock is held while the map is changed");
    if (is_refused()) return false;
    map_[page_of(page)] = info;
    return true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    Judge::now->begin_locked("the lock is held while the map is asked");
    return page - address(memory_) < sizeof memory_ ? map_[page_of(page)] : nullptr;
  }
  void delete_slab_info(std::uintptr_t page) noexcept {
    Judge::now->begin_locked("the lock is held while the map is changed");
    map_[page_of(page)] = nullptr;
  }

  [[nodiscard]] bool has_all_back() const {
    const auto is_set = [](auto what) { return static_cast<bool>(what); };
    return std::none_of(is_made_.begin(), is_made_.end(), is_set) &&
           std::none_of(is_info_made_.begin(), is_info_made_.end(), is_set) &&
           std::none_of(std::begin(map_), std::end(map_), is_set);
  }
  /// Calls that may fail, so far.
  [[nodiscard]] std::uint32_t calls() const { return calls_; }

  std::vector<Object> live;

 private:
  static constexpr int junk = 0xA5, junk_of_returned = 0x5A;

  [[nodiscard]] static std::uintptr_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }
  [[nodiscard]] std::size_t page_of(std::uintptr_t page) const { return (page - address(memory_)) / least_page_size; }
  /// One that no cache has had has none: its memory is as alloc_slab() filled it.
  static void require_no_owner(std::uintptr_t end_of_info) {
    std::uintptr_t owner, none;
    std::memset(&none, junk, sizeof none);
    const std::size_t offset = offsetof(slab::SlabInfo, owner);
    std::memcpy(&owner, reinterpret_cast<void*>(end_of_info - sizeof(slab::SlabInfo) + offset), sizeof owner);
    Judge::now->require(owner == 0 || owner == none, Invariant::K6, "a slab has lost its owner before it goes");
  }
  template <class Places>
  void* take(std::array<bool, slabs>& is_taken, Places& places) {
    if (is_refused()) return nullptr;
    const auto free = std::find(is_taken.begin(), is_taken.end(), false);
    if (free == is_taken.end()) return Judge::now->state().was_refused = true, nullptr;
    *free = true;
    return places[free - is_taken.begin()];
  }
  [[nodiscard]] bool is_refused() {
    if (!Judge::now->is_run) return false;
    const std::uint32_t call = calls_++;
    const bool is = program_.refused_after &&
                    (call == *program_.refused_after || (program_.are_all_refused && call > *program_.refused_after));
    if (is) Judge::now->state().was_refused = true;
    return is;
  }

  const TurnProgram& program_;
  std::uint32_t calls_ = 0;
  alignas(most_slab_size) std::byte memory_[slabs][most_slab_size];
  alignas(8) std::byte infos_[slabs][128];
  std::array<bool, slabs> is_made_{}, is_info_made_{};
  slab::SlabInfo* map_[slabs * most_slab_size / least_page_size] = {};
};

}  // namespace turns

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <new>
#include <string>
#include <unordered_set>
#include <vector>

#include <slab/geometry.hpp>
#include <slab/slab_info.hpp>

#include "model/memory/sanitizer.hpp"

namespace slabproof {

constexpr std::size_t max_slabs = 3, largest_slab = 256, largest_info = 128, largest_cache = 512, max_slots = 6;
constexpr std::byte returned{0xDB}, fresh{0xEE};  // memory that nobody has, and a slot without an object

/// The cache's memory and what its backend knows, at one address and without pointers to elsewhere: its bytes are the
/// state. Memory that nobody has holds a pattern, and so do free slots; a live slot holds its number.
struct Place {
  alignas(64) std::byte cache[largest_cache];
  alignas(4096) std::byte slabs[max_slabs][largest_slab];
  alignas(64) std::byte infos[max_slabs][largest_info];
  slab::SlabInfo* pages[max_slabs * largest_slab / 64];
  bool is_slab_taken[max_slabs], is_info_taken[max_slabs];
  bool live[max_slabs][max_slots];
  std::uint8_t next;  // of the free places: which alloc_slab gives first
  std::uint8_t room;  // slabs
};
inline Place place;

struct Backend {
  static std::uintptr_t number(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }
  static std::size_t page_index(std::uintptr_t page) { return (page - number(place.slabs)) / 64; }

  void* alloc_slab(std::size_t size, std::size_t) noexcept {
    for (std::size_t i = 0; i < place.room; ++i) {
      const std::size_t at = (place.next + i) % place.room;
      if (place.is_slab_taken[at]) continue;
      place.is_slab_taken[at] = true;
      return std::memset(slab_at(at, size), static_cast<int>(fresh), size);
    }
    return nullptr;
  }
  void free_slab(void* slab, std::size_t size, std::size_t) noexcept {
    place.is_slab_taken[(number(slab) - number(place.slabs)) / size] = false;
    std::memset(slab, static_cast<int>(returned), size);
  }
  bool save_slab_info(std::uintptr_t page, slab::SlabInfo* info) noexcept {
    return place.pages[page_index(page)] = info, true;
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page) noexcept {
    const std::size_t at = page_index(page);
    return at < std::size(place.pages) ? place.pages[at] : nullptr;
  }
  void delete_slab_info(std::uintptr_t page) noexcept { place.pages[page_index(page)] = nullptr; }
  void* alloc_slab_info(std::size_t size) noexcept {
    for (std::size_t i = 0; i < place.room; ++i)
      if (!place.is_info_taken[i]) {
        place.is_info_taken[i] = true;
        return std::memset(place.infos[i], static_cast<int>(fresh), size);
      }
    return nullptr;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    place.is_info_taken[(number(info) - number(place.infos)) / largest_info] = false;
    std::memset(info, static_cast<int>(returned), size);
  }
  static std::byte* slab_at(std::size_t index, std::size_t size) { return place.slabs[0] + index * size; }
};
inline Backend backend;

/// The states of the place that were come upon, each once, in their order.
class PlaceStates {
 public:
  /// What the cache has closed to others is open to what saves and returns to states.
  static void open() {
    if (has_asan) permit(&place, sizeof place);
  }
  /// Memory that nobody has, of so many slabs, and a new cache, which is the first state.
  template <class Cache, class BackendType>
  void begin(const slab::Geometry& geometry, BackendType& of_cache, std::size_t slabs) {
    static_assert(sizeof(Cache) <= largest_cache);
    open();
    std::memset(static_cast<void*>(&place), 0, sizeof place);
    std::memset(place.slabs, static_cast<int>(returned), sizeof place.slabs);
    std::memset(place.infos, static_cast<int>(returned), sizeof place.infos);
    place.room = static_cast<std::uint8_t>(slabs);
    ::new (static_cast<void*>(place.cache)) Cache{geometry, of_cache};
    remember();
  }
  void remember() {
    open();
    place.next = 0;
    const auto [known, is_new] = known_.emplace(reinterpret_cast<const char*>(&place), sizeof place);
    if (is_new) in_order_.push_back(&*known);
  }
  void go_to(std::size_t state) const {
    open();
    std::memcpy(static_cast<void*>(&place), in_order_[state]->data(), sizeof place);
  }
  [[nodiscard]] std::size_t size() const { return in_order_.size(); }

 private:
  std::unordered_set<std::string> known_;
  std::vector<const std::string*> in_order_;
};

}  // namespace slabproof

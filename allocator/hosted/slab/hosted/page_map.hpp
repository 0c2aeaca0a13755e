#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/backend.hpp>
#include <slab/hosted/mapping.hpp>

namespace slab::hosted {

/// A SlabInfo map for the pages of one address range: an array with an entry for each 4096-byte page, so
/// every function is a bounds check and a load or store. It has eight bytes of address space for each
/// page; only entries of pages ever saved take memory. docs/decisions/hosted-slab-info-map.md compares others.
///
/// While it is zeroed memory, as a global is before its constructor, it answers as one of no pages.
template <class System>
class BasicPageMap {
 public:
  /// Pages that share no entry, in bytes.
  static constexpr std::size_t min_page_size = BasicMapping<System>::page_size;

  /// For the pages of `size` bytes from `begin`, both multiples of 4096. capacity() is 0 when the
  /// system refuses the array.
  BasicPageMap(const void* begin, std::size_t size) noexcept
      : entries_{BasicMapping<System>::round_up(size / min_page_size * sizeof(SlabInfo*))},
        begin_{reinterpret_cast<std::uintptr_t>(begin)},
        capacity_{entries_.size() == 0 ? 0 : size / min_page_size} {}

  /// False for a page outside of the range, and for one that is no multiple of 4096: pages below 4096
  /// bytes would share an entry.
  [[nodiscard]] bool save_slab_info(std::uintptr_t page_addr, SlabInfo* info) noexcept {
    SlabInfo** const entry = find(page_addr);
    if (!entry || page_addr % min_page_size != 0) return false;
    *entry = info;
    return true;
  }

  /// Null for a page that has not been saved, or lies outside of the range.
  [[nodiscard]] SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    const std::size_t index = index_of(page_addr);
    return index < capacity_ ? entries()[index] : nullptr;
  }

  /// Nothing happens for a page outside of the range.
  void delete_slab_info(std::uintptr_t page_addr) noexcept {
    if (SlabInfo** const entry = find(page_addr)) *entry = nullptr;
  }

  /// Pages that have an entry.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  [[nodiscard]] SlabInfo** entries() const noexcept { return reinterpret_cast<SlabInfo**>(entries_.begin()); }
  [[nodiscard]] std::size_t index_of(std::uintptr_t page_addr) const noexcept {
    return (page_addr - begin_) / min_page_size;  // wraps below the range: then too large
  }
  [[nodiscard]] SlabInfo** find(std::uintptr_t page_addr) const noexcept {
    const std::size_t index = index_of(page_addr);
    return index < capacity_ ? entries() + index : nullptr;
  }

  BasicMapping<System> entries_;
  std::uintptr_t begin_;
  std::size_t capacity_;
};

using PageMap = BasicPageMap<System>;
static_assert(SlabInfoMap<PageMap> && !SlabSource<PageMap>);

}  // namespace slab::hosted

#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/backend.hpp>
#include <slab/geometry.hpp>
#include <slab/slab_info.hpp>

namespace slab::detail {

/// A cache's side of the contract with its backend (docs/backend.md): slabs are made whole or not at
/// all, and given back with everything that belongs to them.
template <Row R, class Backend>
class SlabSupply {
  static_assert(require_backend<Backend, R>());

 public:
  explicit constexpr SlabSupply(Backend& backend) noexcept : backend_{&backend} {}

  /// A new slab of `owner`, all slots uncarved, on no list; null with everything given back. What the backend has given
  /// before, as `is_ours` and its map say, is left alone and is then `given_before`, if the cache `Checks`. O(pages).
  template <bool Checks, class IsOurs>
  [[nodiscard]] SlabInfo* make(const Geometry& geometry, std::uintptr_t owner, IsOurs is_ours,
                               const void*& given_before) noexcept {
    void* const slab = hidden(backend_->alloc_slab(geometry.slab_size(), geometry.page_size()));
    if (!slab) return nullptr;
    if ((reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) != 0) return give_back(geometry, slab);
    if (Checks && has_known_page(geometry, slab)) return given_before = slab, nullptr;
    std::byte* const memory = alloc_info(geometry, slab);
    if (!memory) return give_back(geometry, slab);
    void* const place = memory + geometry.slab_info_size() - sizeof(SlabInfo);
    if constexpr (Checks && R != Row::SmallMultiPage) {
      if (is_ours(*static_cast<const SlabInfo*>(place))) {
        if constexpr (R == Row::Large) give_back(geometry, slab);
        return given_before = memory, nullptr;
      }
    }
    SlabInfo* const info = ::new (place) SlabInfo;
    if (!save_pages(geometry, slab, *info)) {
      free_info(geometry, info);
      return give_back(geometry, slab);
    }
    info->owner = owner;
    info->slab = static_cast<std::byte*>(slab);
    return info;
  }

  /// False if the backend says that it can not hold so many more slabs; it need not know.
  [[nodiscard]] bool can_make([[maybe_unused]] const Geometry& geometry, [[maybe_unused]] std::size_t count) noexcept {
    if constexpr (HasCanMakeSlabs<Backend>)
      return backend_->can_make_slabs(geometry, count);
    else
      return true;
  }

  /// Gives back `info` and its slab, none of which may be poisoned. It clears the owner, since the memory's next user
  /// need not overwrite it, and a Checked SmallSinglePage cache reads the owner of any page.
  void give_back(const Geometry& geometry, SlabInfo& info) noexcept {
    void* const slab = info.slab;
    info.owner = 0;
    delete_pages(geometry, slab, geometry.slab_size());
    free_info(geometry, &info);
    give_back(geometry, slab);
  }

  /// What the SlabInfo map says of a page; null if nothing.
  [[nodiscard]] SlabInfo* look_up(std::uintptr_t page_addr) noexcept
    requires(R != Row::SmallSinglePage)
  {
    return backend_->get_slab_info(page_addr);
  }

 private:
  /// The same pointer, of which the compiler does not know that nothing was written there yet: g++ would warn.
  [[nodiscard]] static void* hidden(void* memory) noexcept {
    __asm__("" : "+r"(memory));
    return memory;
  }

  std::nullptr_t give_back(const Geometry& geometry, void* slab) noexcept {
    backend_->free_slab(slab, geometry.slab_size(), geometry.page_size());
    return nullptr;
  }

  /// Memory for a SlabInfo and what belongs to it, in Small rows in the slab; null if there is none.
  [[nodiscard]] std::byte* alloc_info(const Geometry& geometry, [[maybe_unused]] void* slab) noexcept {
    if constexpr (R != Row::Large) {
      return static_cast<std::byte*>(slab) + geometry.slab_info_offset();
    } else {
      const std::size_t size = geometry.slab_info_size();
      void* const memory = hidden(backend_->alloc_slab_info(size));
      if (reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) == 0) return static_cast<std::byte*>(memory);
      backend_->free_slab_info(memory, size);
      return nullptr;
    }
  }

  void free_info([[maybe_unused]] const Geometry& geometry, [[maybe_unused]] SlabInfo* info) noexcept {
    if constexpr (R == Row::Large) {
      const std::size_t size = geometry.slab_info_size();
      backend_->free_slab_info(reinterpret_cast<std::byte*>(info + 1) - size, size);
    }
  }

  /// Whether the map has an entry for a page of a new slab.
  [[nodiscard]] bool has_known_page([[maybe_unused]] const Geometry& geometry, [[maybe_unused]] void* slab) noexcept {
    if constexpr (R != Row::SmallSinglePage) {
      for (std::size_t offset = 0; offset < geometry.slab_size(); offset += geometry.page_size())
        if (backend_->get_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset)) return true;
    }
    return false;
  }

  /// Saves the slab's pages, each once; false with none of them saved.
  [[nodiscard]] bool save_pages([[maybe_unused]] const Geometry& geometry, [[maybe_unused]] void* slab,
                                [[maybe_unused]] SlabInfo& info) noexcept {
    if constexpr (R != Row::SmallSinglePage) {
      for (std::size_t offset = 0; offset < geometry.slab_size(); offset += geometry.page_size()) {
        if (backend_->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset, &info)) continue;
        delete_pages(geometry, slab, offset);
        return false;
      }
    }
    return true;
  }

  /// Deletes the entries of the pages in the first `size` bytes.
  void delete_pages([[maybe_unused]] const Geometry& geometry, [[maybe_unused]] void* slab,
                    [[maybe_unused]] std::size_t size) noexcept {
    if constexpr (R != Row::SmallSinglePage)
      for (std::size_t offset = 0; offset < size; offset += geometry.page_size())
        backend_->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset);
  }

  friend Inspector;

  Backend* backend_;
};

}  // namespace slab::detail

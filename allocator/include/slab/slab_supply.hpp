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

  /// A new slab of `owner`, all slots uncarved, on no list; null with everything given back.
  [[nodiscard]] SlabInfo* make(const Geometry& geometry, const void* owner) noexcept {
    void* const slab = backend_->alloc_slab(geometry.slab_size(), geometry.page_size());
    if (!slab) return nullptr;
    SlabInfo* info = nullptr;
    if ((reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) == 0) info = make_info(geometry, slab);
    if (info && !save_pages(geometry, slab, *info)) {
      free_info(geometry, info);
      info = nullptr;
    }
    if (!info) {
      backend_->free_slab(slab, geometry.slab_size(), geometry.page_size());
      return nullptr;
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
    info.owner = nullptr;
    delete_pages(geometry, slab, geometry.slab_size());
    free_info(geometry, &info);
    backend_->free_slab(slab, geometry.slab_size(), geometry.page_size());
  }

  /// What the SlabInfo map says of a page; null if nothing.
  [[nodiscard]] SlabInfo* look_up(std::uintptr_t page_addr) noexcept
    requires(R != Row::SmallSinglePage)
  {
    return backend_->get_slab_info(page_addr);
  }

 private:
  [[nodiscard]] SlabInfo* make_info(const Geometry& geometry, void* slab) noexcept {
    const std::size_t size = geometry.slab_info_size();
    void* memory = static_cast<std::byte*>(slab) + geometry.slab_info_offset();
    if constexpr (R == Row::Large) {
      memory = backend_->alloc_slab_info(size);
      if (!memory) return nullptr;
      if (reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) != 0) {
        backend_->free_slab_info(memory, size);
        return nullptr;
      }
    }
    return ::new (static_cast<std::byte*>(memory) + size - sizeof(SlabInfo)) SlabInfo;
  }

  void free_info([[maybe_unused]] const Geometry& geometry, [[maybe_unused]] SlabInfo* info) noexcept {
    if constexpr (R == Row::Large) {
      const std::size_t size = geometry.slab_info_size();
      backend_->free_slab_info(reinterpret_cast<std::byte*>(info + 1) - size, size);
    }
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

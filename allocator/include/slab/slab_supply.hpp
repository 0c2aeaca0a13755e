#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/backend.hpp>
#include <slab/geometry.hpp>
#include <slab/slab_info.hpp>

namespace slab::detail {

/// A cache's side of the contract with its backend (docs/backend.md): slabs are made whole or not at
/// all, and given back with everything that belongs to them. Knows when the backend is running.
template <Row R, class Backend, bool Checks>
class SlabSupply {
  static_assert(require_backend<Backend, R>());

 public:
  explicit constexpr SlabSupply(Backend& backend) noexcept : backend_{&backend} {}

  /// Whether a backend function is under way. Always false unless Checks.
  [[nodiscard]] bool busy() const noexcept { return Checks && busy_; }

  /// A new slab of `owner`, all slots uncarved, on no list; null with everything given back.
  [[nodiscard]] SlabInfo* make(const Geometry& geometry, const void* owner) noexcept {
    Call backend{*this};
    void* const slab = backend->alloc_slab(geometry.slab_size(), geometry.page_size());
    if (!slab) return nullptr;
    SlabInfo* info = nullptr;
    if ((reinterpret_cast<std::uintptr_t>(slab) & (geometry.page_size() - 1)) == 0)
      info = make_info(backend, geometry, slab);
    if (info && !save_pages(backend, geometry, slab, *info)) {
      free_info(backend, geometry, info);
      info = nullptr;
    }
    if (!info) {
      backend->free_slab(slab, geometry.slab_size(), geometry.page_size());
      return nullptr;
    }
    info->owner = owner;
    info->slab = static_cast<std::byte*>(slab);
    return info;
  }

  /// Gives back `info` and its slab, none of which may be poisoned. It clears the owner, since the memory's next user
  /// need not overwrite it, and a Checked SmallSinglePage cache reads the owner of any page.
  void give_back(const Geometry& geometry, SlabInfo& info) noexcept {
    void* const slab = info.slab;
    info.owner = nullptr;
    Call backend{*this};
    delete_pages(backend, geometry, slab, geometry.slab_size());
    free_info(backend, geometry, &info);
    backend->free_slab(slab, geometry.slab_size(), geometry.page_size());
  }

  /// What the SlabInfo map says of a page; null if nothing.
  [[nodiscard]] SlabInfo* look_up(std::uintptr_t page_addr) noexcept
    requires(R != Row::SmallSinglePage)
  {
    Call backend{*this};
    return backend->get_slab_info(page_addr);
  }

 private:
  /// The backend counts as running while one of these exists.
  class Call {
   public:
    explicit Call(SlabSupply& supply) noexcept : supply_{supply} { set(true); }
    ~Call() { set(false); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    Backend* operator->() const noexcept { return supply_.backend_; }

   private:
    void set(bool busy) noexcept {
      if constexpr (Checks) supply_.busy_ = busy;
    }
    SlabSupply& supply_;
  };

  [[nodiscard]] static SlabInfo* make_info([[maybe_unused]] Call& backend, const Geometry& geometry,
                                           void* slab) noexcept {
    const std::size_t size = geometry.slab_info_size();
    void* memory = static_cast<std::byte*>(slab) + geometry.slab_info_offset();
    if constexpr (R == Row::Large) {
      memory = backend->alloc_slab_info(size);
      if (!memory) return nullptr;
      if (reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) != 0) {
        backend->free_slab_info(memory, size);
        return nullptr;
      }
    }
    return ::new (static_cast<std::byte*>(memory) + size - sizeof(SlabInfo)) SlabInfo;
  }

  static void free_info([[maybe_unused]] Call& backend, [[maybe_unused]] const Geometry& geometry,
                        [[maybe_unused]] SlabInfo* info) noexcept {
    if constexpr (R == Row::Large) {
      const std::size_t size = geometry.slab_info_size();
      backend->free_slab_info(reinterpret_cast<std::byte*>(info + 1) - size, size);
    }
  }

  /// Saves the slab's pages, each once; false with none of them saved.
  [[nodiscard]] static bool save_pages([[maybe_unused]] Call& backend, [[maybe_unused]] const Geometry& geometry,
                                       [[maybe_unused]] void* slab, [[maybe_unused]] SlabInfo& info) noexcept {
    if constexpr (R != Row::SmallSinglePage) {
      for (std::size_t offset = 0; offset < geometry.slab_size(); offset += geometry.page_size()) {
        if (backend->save_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset, &info)) continue;
        delete_pages(backend, geometry, slab, offset);
        return false;
      }
    }
    return true;
  }

  /// Deletes the entries of the pages in the first `size` bytes.
  static void delete_pages([[maybe_unused]] Call& backend, [[maybe_unused]] const Geometry& geometry,
                           [[maybe_unused]] void* slab, [[maybe_unused]] std::size_t size) noexcept {
    if constexpr (R != Row::SmallSinglePage)
      for (std::size_t offset = 0; offset < size; offset += geometry.page_size())
        backend->delete_slab_info(reinterpret_cast<std::uintptr_t>(slab) + offset);
  }

  friend Inspector;

  Backend* backend_;
  bool busy_ = false;
};

}  // namespace slab::detail

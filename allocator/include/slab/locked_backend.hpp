#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/backend.hpp>

namespace slab::detail {

/// One call of a Locked cache: what it needs of the backend, and has for it, while the lock is not held.
struct LockedCall {
  enum class Wants : std::uint8_t { Nothing, Slab, SlabInfo };

  Wants wants = Wants::Nothing;  // what the cache has asked for in vain
  bool is_answered = false;  // the backend was asked for a slab: `slab`, which may be null
  bool is_info_answered = false;  // and for memory of a SlabInfo: `info`
  bool is_unknown = false;  // the map knew no page of `slab`
  void* slab = nullptr;
  void* info = nullptr;
  void* taken = nullptr;  // the slab that the cache makes its own, or tried to
  bool is_deferring = false;  // no slab is to be given back; the cache then keeps all, and as many as before afterwards
  std::size_t kept_slabs = 0;
  // What the cache has given back, and the backend not got yet: slabs that were the cache's, the first of them first,
  // then one that it did not want, each with the memory of its SlabInfo (Large).
  struct Returned {
    Returned* next;
    void* info;
  };
  Returned *first = nullptr, *last = nullptr;
  void *rejected = nullptr, *rejected_info = nullptr;
};

/// The backend as a cache sees it that holds its lock: slabs come from the call under way, which asks for them later
/// and without the lock, and calls again; and go to it. Outside of any call, at destruction, they go to the backend.
template <class Backend>
class LockedBackend {
 public:
  explicit constexpr LockedBackend(Backend& from) noexcept : source{&from} {}

  void* alloc_slab(std::size_t, std::size_t) noexcept {
    if (!under_way->is_answered) return under_way->wants = LockedCall::Wants::Slab, nullptr;
    under_way->is_answered = false;
    under_way->taken = under_way->slab;
    return under_way->taken;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    if (!under_way) return source->free_slab(slab, slab_size, page_size);
    void* const info = under_way->rejected_info;
    under_way->rejected_info = nullptr;
    if (slab != under_way->taken) {
      auto* const returned = ::new (slab) LockedCall::Returned{nullptr, info};
      (under_way->last ? under_way->last->next : under_way->first) = returned;
      under_way->last = returned;
      return;
    }
    if (under_way->wants != LockedCall::Wants::SlabInfo) {
      under_way->rejected = slab;
      under_way->rejected_info = info;
      return;
    }
    under_way->slab = slab;  // it comes back with a SlabInfo
    under_way->is_answered = under_way->is_unknown = true;
  }
  void* alloc_slab_info(std::size_t) noexcept
    requires SlabInfoSource<Backend>
  {
    if (!under_way->is_info_answered) return under_way->wants = LockedCall::Wants::SlabInfo, nullptr;
    under_way->is_info_answered = false;
    void* const info = under_way->info;
    under_way->info = nullptr;
    return info;
  }
  void free_slab_info(void* info, std::size_t size) noexcept
    requires SlabInfoSource<Backend>
  {
    if (!under_way) return source->free_slab_info(info, size);
    under_way->rejected_info = info;  // its slab comes next
  }
  bool save_slab_info(std::uintptr_t page_addr, SlabInfo* info) noexcept
    requires SlabInfoMap<Backend>
  {
    return source->save_slab_info(page_addr, info);
  }
  SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept
    requires SlabInfoMap<Backend>
  {
    return under_way->is_unknown ? nullptr : source->get_slab_info(page_addr);
  }
  void delete_slab_info(std::uintptr_t page_addr) noexcept
    requires SlabInfoMap<Backend>
  {
    source->delete_slab_info(page_addr);
  }

  Backend* source;
  LockedCall* under_way = nullptr;  // the lock is held for it
};

}  // namespace slab::detail

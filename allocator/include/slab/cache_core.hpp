#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/backend.hpp>
#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>
#include <slab/policy.hpp>
#include <slab/slab_info.hpp>
#include <slab/slab_list.hpp>
#include <slab/statistics.hpp>

namespace slab {

/// What find_audit_failure() found, by the invariant of docs/invariants.md that does not hold.
enum class AuditFailure : std::uint8_t {
  None,
  ListMembership,  // L1: a slab on a list that its used count does not name
  ListLinks,       // L2: links not symmetric, or a list's length wrong
  FreeList,        // L3: free list + uncarved rest != N - used, or an entry out of place
  Owner,           // L8: a slab of another cache on a list, or its base misplaced
};

namespace detail {

/// The algorithm of both caches; Cache and DynamicCache differ in `GeometrySource` only, which has
/// `static constexpr Row row` and `const Geometry& get() const`. Trivially destructible: the caches
/// call destroy(), Immortal does not.
///
/// Every slab but the current one is on the list that its used count names:
///
///              alloc                        alloc                  alloc
///   empty_ ------------> partial_[bin(used)] ---> partial_[bin + 1] ---> full_
///   (used == 0)  <------------ free                    <--- free
///
/// alloc() serves from the current slab while that has a free slot, then makes the first slab of the
/// highest non-empty bin current, then an empty one, then a new one (docs/policy.md).
template <class GeometrySource, class Backend, class Policy>
class CacheCore {
  static constexpr Row row = GeometrySource::row;
  static constexpr bool checks = Policy::checks;
  static_assert(require_backend<Backend, row>());

 public:
  CacheCore(const CacheCore&) = delete;
  CacheCore& operator=(const CacheCore&) = delete;

  /// One object of geometry().object_size() bytes, uninitialised, aligned to object_align().
  /// Null when the backend refuses a slab, a SlabInfo or a map entry, or hands out misaligned
  /// memory; the cache is then as it was (B15). O(1), plus at most one slab from the backend.
  /// Slab layout after Bonwick, USENIX Summer 1994, section 3.
  [[nodiscard]] void* alloc() noexcept {
    if (reentered(nullptr)) return nullptr;
    SlabInfo* info = pick_slab();
    if (!info) info = make_slab();
    return info ? take_slot(*info) : nullptr;
  }

  /// Like alloc(), but never calls the backend: null when no slab has a free object. O(1).
  [[nodiscard]] void* alloc_no_grow() noexcept {
    if (reentered(nullptr)) return nullptr;
    SlabInfo* info = pick_slab();
    return info ? take_slot(*info) : nullptr;
  }

  /// Makes slabs until `n` objects can be allocated without the backend, and keeps as many empty
  /// slabs as `n` objects need until the next reserve() or shrink(). False when the backend refuses;
  /// the cache is then as it was. O(slabs).
  [[nodiscard]] bool reserve(std::size_t n) noexcept {
    if (reentered(nullptr)) return false;
    const std::size_t per_slab = geometry().objects_per_slab();
    std::size_t made = 0;
    for (std::size_t available = statistics().free_objects; available < n; available += per_slab, ++made) {
      if (make_slab()) continue;
      for (; made > 0; --made) release(*empty_.front());
      return false;
    }
    reserved_slabs_ = n / per_slab + (n % per_slab != 0);
    trim();
    return true;
  }

  /// Gives `object`, which alloc() of this cache returned, back; null does nothing. Checked: anything
  /// else is reported and ignored. Unchecked: undefined. O(1), plus at most one slab given back and,
  /// in rows with a SlabInfo map, one look-up.
  void free(void* object) noexcept {
    if (!object || reentered(object)) return;
    SlabInfo* info = find_owner(object);
    if constexpr (checks) {
      Misuse kind;
      if (find_misuse(info, object, kind)) return report(kind, object);
    }
    put_slot(*info, object);
    if (info->used == 0) trim();
  }

  /// Gives every empty slab back and forgets reserve(). Returns how many. O(empty slabs).
  std::size_t shrink() noexcept {
    if (reentered(nullptr)) return 0;
    reserved_slabs_ = 0;
    return release_empty_slabs(0);
  }

  /// Derived when asked for. O(partial slabs).
  [[nodiscard]] CacheStatistics statistics() const noexcept {
    const std::size_t per_slab = geometry().objects_per_slab();
    CacheStatistics result{.full_slabs = full_.size(), .empty_slabs = empty_.size()};
    result.allocated_objects = full_.size() * per_slab;
    const auto count = [&](const SlabInfo& info) {
      (info.used == 0 ? result.empty_slabs : info.used == per_slab ? result.full_slabs : result.partial_slabs) += 1;
      result.allocated_objects += info.used;
    };
    if (current_) count(*current_);
    for (const SlabList& bin : partial_)
      for (const SlabInfo* info = bin.front(); info; info = info->next) count(*info);
    const std::size_t slabs = result.full_slabs + result.partial_slabs + result.empty_slabs;
    result.free_objects = slabs * per_slab - result.allocated_objects;
    return result;
  }

  /// Calls `visit(void*)` with each allocated object, in no particular order. `visit` must not call
  /// the cache. O(slots ever used).
  template <class F>
  void for_each_live(F visit) const
    requires(checks)
  {
    for_each_slab([&](const SlabInfo& info) {
      for (std::size_t i = 0; i < info.carved; ++i)
        if (info.is_allocated(i)) visit(static_cast<void*>(slot_at(info, i)));
    });
  }

  /// Whether every internal invariant holds; never calls the backend, may be called from one of its
  /// functions. O(slots).
  [[nodiscard]] bool audit() const noexcept { return find_audit_failure() == AuditFailure::None; }

  /// The first internal invariant that does not hold. O(slots).
  [[nodiscard]] AuditFailure find_audit_failure() const noexcept {
    if (current_) {
      if (current_->next || current_->previous) return AuditFailure::ListLinks;
      if (const auto failure = audit_slab(*current_); failure != AuditFailure::None) return failure;
    }
    if (const auto failure = audit_list(empty_, 0, 0); failure != AuditFailure::None) return failure;
    const auto per_slab = static_cast<std::uint32_t>(geometry().objects_per_slab());
    if (const auto failure = audit_list(full_, per_slab, per_slab); failure != AuditFailure::None) return failure;
    for (std::size_t bin = 0; bin < bins; ++bin) {
      const std::uint32_t low = bin == 0 ? 1 : static_cast<std::uint32_t>(bin) << bin_shift();
      const std::uint32_t high = (static_cast<std::uint32_t>(bin + 1) << bin_shift()) - 1;
      const std::uint32_t last = high < per_slab ? high : per_slab - 1;
      if (const auto failure = audit_list(partial_[bin], low, last); failure != AuditFailure::None) return failure;
    }
    return AuditFailure::None;
  }

  [[nodiscard]] constexpr const Geometry& geometry() const noexcept { return geometry_.get(); }

 protected:
  constexpr CacheCore(GeometrySource geometry, Backend& backend) noexcept : geometry_{geometry}, backend_{&backend} {}
  ~CacheCore() = default;

  /// Reports every live object, leaves their slabs alone and gives the empty ones back. The slabs
  /// that stay have no owner any more: another cache may come to live at this address.
  void destroy() noexcept {
    if constexpr (checks) for_each_live([this](void* object) { report(Misuse::LiveAtDestruction, object); });
    release_empty_slabs(0);
    for_each_slab([](SlabInfo& info) { info.owner = nullptr; });
  }

 private:
  static constexpr std::size_t bins = 8;

  /// While this lives the backend runs, and a call of this cache is reported.
  class BackendCall {
   public:
    explicit BackendCall(CacheCore& cache) noexcept : cache_{cache} { set(true); }
    ~BackendCall() { set(false); }
    BackendCall(const BackendCall&) = delete;
    BackendCall& operator=(const BackendCall&) = delete;
    Backend* operator->() const noexcept { return cache_.backend_; }

   private:
    void set(bool busy) noexcept {
      if constexpr (checks) cache_.in_backend_ = busy;
    }
    CacheCore& cache_;
  };

  [[nodiscard]] bool reentered(const void* object) noexcept {
    if constexpr (checks) {
      if (in_backend_) report(Misuse::ReentrantCall, object);
      return in_backend_;
    }
    return false;
  }

  void report(Misuse kind, const void* pointer) noexcept { Policy::on_misuse(MisuseReport{kind, pointer, this}); }

  // Choosing and finding slabs.

  /// Slabs whose used counts agree but for the lowest bin_shift() bits share a bin: eight bins or
  /// fewer, since used < N <= 8 << bin_shift().
  [[nodiscard]] constexpr unsigned bin_shift() const noexcept {
    const auto width = static_cast<unsigned>(std::bit_width(geometry().objects_per_slab() - 1));
    return width > 3 ? width - 3 : 0;
  }

  [[nodiscard]] SlabList& list_of(const SlabInfo& info) noexcept {
    if (info.used == 0) return empty_;
    if (info.used == geometry().objects_per_slab()) return full_;
    return partial_[info.used >> bin_shift()];
  }

  /// The slab that the next object comes from, or null when none has a free slot. Changes nothing.
  [[nodiscard]] SlabInfo* pick_slab() const noexcept {
    if (current_ && current_->used < geometry().objects_per_slab()) return current_;
    for (std::size_t bin = bins; bin-- > 0;)
      if (SlabInfo* info = partial_[bin].front()) return info;
    return empty_.front();
  }

  void make_current(SlabInfo& info) noexcept {
    if (&info == current_) return;
    list_of(info).remove(info);
    if (current_) list_of(*current_).push_front(*current_);
    current_ = &info;
  }

  /// The SlabInfo of the slab that `object` points into; null for a page that the map does not know.
  [[nodiscard]] SlabInfo* find_owner(void* object) noexcept {
    const auto page = reinterpret_cast<std::uintptr_t>(object) & ~std::uintptr_t{geometry().page_size() - 1};
    if constexpr (row == Row::SmallSinglePage)
      return reinterpret_cast<SlabInfo*>(page + geometry().page_size() - sizeof(SlabInfo));
    else
      return BackendCall{*this}->get_slab_info(page);
  }

  // Slots.

  [[nodiscard]] std::byte* slot_at(const SlabInfo& info, std::size_t index) const noexcept {
    return info.slab + index * geometry().stride();
  }

  [[nodiscard]] std::size_t offset_in(const SlabInfo& info, const void* pointer) const noexcept {
    return reinterpret_cast<std::uintptr_t>(pointer) - reinterpret_cast<std::uintptr_t>(info.slab);
  }

  /// Null when the slab's free list is damaged (Checked; reported, nothing changed).
  [[nodiscard]] void* take_slot(SlabInfo& info) noexcept {
    void* slot = info.free_head;
    void* next = slot ? load_link(slot) : nullptr;
    if constexpr (checks) {
      // The list holds exactly the carved slots that are not used: so a link may be null in the last
      // of them only, and one that leads back to its own slot would hand that out twice.
      const bool is_last = info.carved - info.used == 1;
      if (slot && (is_last != (next == nullptr) || next == slot || !is_free_link(info, next))) {
        report(Misuse::CorruptedFreeList, slot);
        return nullptr;
      }
    }
    make_current(info);
    if (slot) {
      info.free_head = next;
    } else {
      slot = slot_at(info, info.carved++);
    }
    ++info.used;
    if constexpr (checks) info.set_allocated(offset_in(info, slot) / geometry().stride());
    unpoison(slot, geometry().object_size());
    return slot;
  }

  void put_slot(SlabInfo& info, void* slot) noexcept {
    poison(slot, geometry().stride());
    store_link(slot, info.free_head);
    const bool listed = &info != current_;
    if (listed) list_of(info).remove(info);
    info.free_head = slot;
    --info.used;
    if constexpr (checks) info.clear_allocated(offset_in(info, slot) / geometry().stride());
    if (listed) list_of(info).push_front(info);
  }

  /// Whether a free list of `info` may go on at `link`: at its end, or at a carved, free slot.
  [[nodiscard]] bool is_free_link(const SlabInfo& info, const void* link) const noexcept {
    if (!link) return true;
    const std::size_t offset = offset_in(info, link);  // wraps below the slab: then too large
    const std::size_t index = offset / geometry().stride();
    return offset % geometry().stride() == 0 && index < info.carved && !(checks && info.is_allocated(index));
  }

  /// Reads only; `kind` is set when there is one.
  [[nodiscard]] bool find_misuse(const SlabInfo* info, const void* pointer, Misuse& kind) const noexcept {
    if (!info) return kind = Misuse::ForeignPointer, true;
    if (info->owner != this) return kind = Misuse::OtherCache, true;
    const std::size_t offset = offset_in(*info, pointer);
    const std::size_t index = offset / geometry().stride();
    if (offset >= geometry().slab_info_offset()) return kind = Misuse::SlabInfoPointer, true;
    if (index >= geometry().objects_per_slab()) return kind = Misuse::TailWastePointer, true;
    if (offset % geometry().stride() != 0) return kind = Misuse::InteriorPointer, true;
    if (index >= info->carved) return kind = Misuse::NeverAllocated, true;
    if (!info->is_allocated(index)) return kind = Misuse::DoubleFree, true;
    return false;
  }

  // Making and giving back slabs.

  /// A new slab, on empty_, or null with everything given back.
  [[nodiscard]] SlabInfo* make_slab() noexcept {
    const std::size_t slab_size = geometry().slab_size(), page_size = geometry().page_size();
    BackendCall backend{*this};
    void* const slab = backend->alloc_slab(slab_size, page_size);
    if (!slab) return nullptr;
    SlabInfo* info = nullptr;
    if (reinterpret_cast<std::uintptr_t>(slab) % page_size == 0) info = make_slab_info(backend, slab);
    if (info && !save_pages(backend, *info)) {
      free_slab_info(backend, info);
      info = nullptr;
    }
    if (!info) {
      backend->free_slab(slab, slab_size, page_size);
      return nullptr;
    }
    poison(slab, geometry().slab_info_offset());
    empty_.push_front(*info);
    return info;
  }

  [[nodiscard]] SlabInfo* make_slab_info(BackendCall& backend, void* slab) noexcept {
    const std::size_t size = geometry().slab_info_size();
    void* memory = static_cast<std::byte*>(slab) + geometry().slab_info_offset();
    if constexpr (row == Row::Large) {
      memory = backend->alloc_slab_info(size);
      if (!memory) return nullptr;
      if (reinterpret_cast<std::uintptr_t>(memory) % alignof(SlabInfo) != 0) {
        backend->free_slab_info(memory, size);
        return nullptr;
      }
    }
    auto* info = ::new (static_cast<std::byte*>(memory) + size - sizeof(SlabInfo)) SlabInfo;
    info->owner = this;
    info->slab = static_cast<std::byte*>(slab);
    return info;
  }

  void free_slab_info([[maybe_unused]] BackendCall& backend, [[maybe_unused]] SlabInfo* info) noexcept {
    if constexpr (row == Row::Large) {
      const std::size_t size = geometry().slab_info_size();
      backend->free_slab_info(reinterpret_cast<std::byte*>(info + 1) - size, size);
    }
  }

  /// Saves the slab's pages, each once; false with none of them saved.
  [[nodiscard]] bool save_pages([[maybe_unused]] BackendCall& backend, [[maybe_unused]] SlabInfo& info) noexcept {
    if constexpr (row != Row::SmallSinglePage) {
      const auto begin = reinterpret_cast<std::uintptr_t>(info.slab);
      const std::size_t page_size = geometry().page_size();
      for (std::size_t offset = 0; offset < geometry().slab_size(); offset += page_size) {
        if (backend->save_slab_info(begin + offset, &info)) continue;
        delete_pages(backend, begin, offset);
        return false;
      }
    }
    return true;
  }

  void delete_pages([[maybe_unused]] BackendCall& backend, std::uintptr_t begin, std::size_t size) noexcept {
    if constexpr (row != Row::SmallSinglePage)
      for (std::size_t offset = 0; offset < size; offset += geometry().page_size())
        backend->delete_slab_info(begin + offset);
  }

  /// Gives an empty slab back. Unlinked first: the backend may audit the cache.
  void release(SlabInfo& info) noexcept {
    if (&info == current_)
      current_ = nullptr;
    else
      empty_.remove(info);
    void* const slab = info.slab;
    unpoison(slab, geometry().slab_size());
    BackendCall backend{*this};
    delete_pages(backend, reinterpret_cast<std::uintptr_t>(slab), geometry().slab_size());
    free_slab_info(backend, &info);
    backend->free_slab(slab, geometry().slab_size(), geometry().page_size());
  }

  /// Gives empty slabs back until `kept` are left, the current one last. Returns how many.
  std::size_t release_empty_slabs(std::size_t kept) noexcept {
    const bool current_is_empty = current_ && current_->used == 0;
    const std::size_t empty = empty_.size() + current_is_empty;
    for (std::size_t left = empty; left > kept; --left) release(empty_.front() ? *empty_.front() : *current_);
    return empty > kept ? empty - kept : 0;
  }

  void trim() noexcept {
    const std::size_t kept = Policy::empty_slabs_kept;
    release_empty_slabs(kept > reserved_slabs_ ? kept : reserved_slabs_);
  }

  // Auditing.

  template <class F>
  void for_each_slab(F visit) const {
    const auto walk = [&](const SlabList& list) {
      for (SlabInfo* info = list.front(); info; info = info->next) visit(*info);
    };
    if (current_) visit(*current_);
    walk(full_);
    for (const SlabList& bin : partial_) walk(bin);
  }

  [[nodiscard]] AuditFailure audit_list(const SlabList& list, std::uint32_t low, std::uint32_t high) const noexcept {
    std::size_t length = 0;
    const SlabInfo* previous = nullptr;
    for (const SlabInfo* info = list.front(); info; previous = info, info = info->next) {
      if (info->previous != previous || ++length > list.size() || info == current_) return AuditFailure::ListLinks;
      if (info->used < low || info->used > high) return AuditFailure::ListMembership;
      if (const auto failure = audit_slab(*info); failure != AuditFailure::None) return failure;
    }
    return length == list.size() ? AuditFailure::None : AuditFailure::ListLinks;
  }

  [[nodiscard]] AuditFailure audit_slab(const SlabInfo& info) const noexcept {
    const auto base = reinterpret_cast<std::uintptr_t>(info.slab);
    if (info.owner != this || base == 0 || base % geometry().page_size() != 0) return AuditFailure::Owner;
    if (row != Row::Large && base + geometry().slab_size() != reinterpret_cast<std::uintptr_t>(&info + 1))
      return AuditFailure::Owner;
    if (info.used > info.carved || info.carved > geometry().objects_per_slab()) return AuditFailure::FreeList;
    // A list that ends after `free` entries has visited none twice.
    const std::size_t free = info.carved - info.used;
    std::size_t length = 0;
    for (const void* slot = info.free_head; slot; slot = load_link(slot))
      if (++length > free || !is_free_link(info, slot)) return AuditFailure::FreeList;
    if (length != free) return AuditFailure::FreeList;
    if constexpr (checks) {
      std::size_t allocated = 0;
      for (std::size_t i = 0; i < info.carved; ++i) allocated += info.is_allocated(i);
      if (allocated != info.used) return AuditFailure::FreeList;
    }
    return AuditFailure::None;
  }

  [[no_unique_address]] GeometrySource geometry_;
  Backend* backend_;
  SlabInfo* current_ = nullptr;
  SlabList partial_[bins];
  SlabList full_;
  SlabList empty_;
  std::size_t reserved_slabs_ = 0;
  bool in_backend_ = false;
};

}  // namespace detail
}  // namespace slab

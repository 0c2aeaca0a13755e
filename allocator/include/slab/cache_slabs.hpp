#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/cache_audit.hpp>
#include <slab/cache_guards.hpp>
#include <slab/cache_repair.hpp>
#include <slab/cache_state.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>
#include <slab/seal.hpp>
#include <slab/slab_info.hpp>
#include <slab/slots.hpp>

namespace slab::detail {

/// How the slabs of a cache come and go: makes them, has one be current, gives them back and, Checked, sets damaged
/// ones aside.
template <class GeometrySource, class Backend, class Policy>
class CacheSlabs : public CacheState<GeometrySource, Backend, Policy> {
  using State = CacheState<GeometrySource, Backend, Policy>;
  using State::address, State::base_of, State::caller_or, State::checks, State::count_empty, State::describe;
  using State::all_slabs_, State::allocated_elsewhere_, State::busy_, State::current_, State::empty_, State::geometry_;
  using State::forget_current, State::guards, State::holds, State::is_sound, State::new_slots;
  using State::guards_, State::kept_slabs_, State::partial_, State::set_aside_, State::slots_, State::supply_;
  using State::objects_per_slab, State::quarantined_in, State::report, State::row, State::set_current;
  using State::slots_in, State::slots_of, State::tag, State::tell, State::write_slots;
  using typename State::Audit, typename State::Repair, typename State::Slots;

 public:
  using State::geometry, State::statistics;

 private:
  template <class, class, class>
  friend class CacheCore;
  template <class, class>
  friend class LockedCache;

  enum class Growth : std::uint8_t { Allowed, Forbidden };

  constexpr CacheSlabs(GeometrySource source, Backend& backend) noexcept : State{source, backend} {}
  ~CacheSlabs() = default;

  // Which slab is current.

  /// The slab that the next object comes from, the first of its list; null if there is none.
  [[nodiscard]] SlabInfo* next_slab(Growth growth, const void* caller) noexcept {
    if (SlabInfo* const info = partial_.front()) return info;
    if (SlabInfo* const info = empty_.front()) return info;
    return growth == Growth::Allowed ? make_slab(caller, SIZE_MAX) : nullptr;
  }

  /// Makes a slab current that is on no list; `counted` of its objects are in allocated_elsewhere_. The one that was
  /// current goes to the list that its used count names.
  void make_current(SlabInfo& info, Slots slots, std::size_t counted) noexcept {
    if (current_) {
      write_slots(*current_, copy_of(slots_));
      allocated_elsewhere_ += slots_.used;
      if (slots_.used != objects_per_slab()) (slots_.used == 0 ? empty_ : partial_).push_front(*current_);
    }
    set_current(info, slots);
    allocated_elsewhere_ -= counted;
  }

  // Slabs come and go. `caller` is told where something is reported. on_misuse may call the cache meanwhile.

  /// A new slab on the empty list; null with at most `kept` empty slabs left.
  [[nodiscard]] SlabInfo* make_slab(const void* caller, std::size_t kept) noexcept {
    const void* given_before = nullptr;
    SlabInfo* const info = supply_.template make<checks>(
        geometry(), tag(), [&](const auto& one) { return this->is_ours(one); }, given_before);
    if (!info) return make_none(caller, kept, given_before);
    ::new (static_cast<void*>(&slots_in(*info))) Slots{new_slots()};
    if constexpr (checks) seal(*info, set_aside_.key);
    forbid_slots(info, info->slab, geometry().slab_info_offset());
    all_slabs_.push_front(*info);
    empty_.push_front(*info);
    return info;
  }

  /// The cache is as it was before anybody is told.
  [[gnu::cold, gnu::noinline]] std::nullptr_t make_none(const void* caller, std::size_t kept,
                                                        const void* given_before) noexcept {
    std::size_t released = 0;
    while (!release_empty_slabs(kept, released, caller))
      kept = kept < kept_slabs_ ? kept_slabs_ : kept;  // on_misuse may have called reserve()
    if (checks && given_before) {
      busy_.leave();
      report(Misuse::BackendFault, given_before, caller);
      busy_.enter();
    }
    return nullptr;
  }

  /// How many slabs the objects take that are missing to `n` free ones. O(1).
  [[nodiscard]] std::size_t slabs_missing_to(std::size_t n) const noexcept {
    const std::size_t free_objects = statistics().free_objects;
    if (n <= free_objects) return 0;
    return (n - free_objects - 1) / objects_per_slab() + 1;
  }
  /// Whether there are addresses for so many slabs more. O(1).
  [[nodiscard]] bool has_addresses_for(std::size_t slabs) const noexcept {
    return slabs <= SIZE_MAX / geometry().slab_size() - all_slabs_.size();
  }
  /// Makes as many slabs as `n` free objects take; false with none of them made.
  [[nodiscard]] bool make_slabs_for(std::size_t n, const void* caller) noexcept {
    const std::size_t needed = slabs_missing_to(n);
    if (needed == 0) return true;
    if (!has_addresses_for(needed) || !supply_.can_make(geometry(), needed)) return false;
    const std::size_t empty = count_empty();
    for (std::size_t made = 0; made < needed; ++made)
      if (!make_slab(caller, empty)) return false;
    return true;
  }

  /// Gives an empty slab back. Unlinked first: the backend may audit the cache.
  void release(SlabInfo& info) noexcept {
    if (&info == current_)
      forget_current();
    else
      empty_.remove(info);
    all_slabs_.remove(info);
    permit_slots(&info, info.slab, geometry().slab_info_offset());
    supply_.give_back(geometry(), info);
  }

  /// False after a damaged empty slab was set aside and reported: the operation begins again. O(empty slabs).
  [[nodiscard]] bool verify_empty_slabs([[maybe_unused]] const void* caller) noexcept {
    if constexpr (checks) {
      if (slots_.used == 0 && !verify_empty_slab(*current_, caller)) return false;
      for (SlabInfo* info = empty_.front(); info; info = info->next)
        if (!verify_empty_slab(*info, caller)) return false;
    }
    return true;
  }

  /// Gives empty slabs back until `kept` are left, the current one last, and counts them. False after a damaged one was
  /// set aside and reported: the operation begins again.
  [[nodiscard]] bool release_empty_slabs(std::size_t kept, std::size_t& released,
                                         [[maybe_unused]] const void* caller) noexcept {
    for (std::size_t left = count_empty(); left > kept; --left) {
      SlabInfo& info = empty_.size() > 0 ? *empty_.front() : *current_;
      if (!verify_empty_slab(info, caller)) [[unlikely]]
        return false;
      release(info);
      ++released;
    }
    return true;
  }

  /// Lets as many empty slabs stay as the policy says, or `slabs` if that is more.
  void keep(std::size_t slabs) noexcept {
    kept_slabs_ = slabs > Policy::empty_slabs_kept ? slabs : Policy::empty_slabs_kept;
  }
  /// The same for as many slabs as `n` objects take.
  void keep_for(std::size_t n) noexcept { keep(n / objects_per_slab() + (n % objects_per_slab() != 0)); }
  /// A partial slab has become empty.
  [[gnu::noinline]] void list_as_empty_and_leave(SlabInfo& info) noexcept {
    partial_.remove(info);
    empty_.push_front(info);
    trim_and_leave();
  }
  [[gnu::noinline]] void trim_and_leave() noexcept {
    const void* const caller = caller_or(__builtin_return_address(0));
    std::size_t released = 0;
    while (!release_empty_slabs(kept_slabs_, released, caller)) {}
    if constexpr (guards) guards_.trimmed_slabs += released;
    busy_.leave();
  }

  // Damage and misuse.

  /// Takes `damaged` and all that is found damaged with it out of the cache, and reports each. Leaves.
  [[gnu::cold, gnu::noinline]] void set_aside(SlabInfo& damaged, Misuse kind, const void* caller) noexcept
    requires(checks)
  {
    std::size_t found = Repair{*this}.run(damaged);
    const SlabInfo* info = set_aside_.slabs.front();
    if constexpr (guards) guards_.quarantine.keep_if([&](const FreedObject& freed) { return holds(freed.object); });
    busy_.leave();
    for (; found > 0; --found) {
      const SlabInfo& one = *info;
      info = info->next_slab;
      if (&one == &damaged && kind == Misuse::CorruptedFreeList)
        report(kind, one.slab, caller);
      else
        report(Misuse::CorruptedSlabInfo, &one, caller);
    }
  }
  /// Whether an empty slab is sound. If not, it is set aside.
  [[gnu::always_inline]] bool verify_empty_slab([[maybe_unused]] SlabInfo& info,
                                                [[maybe_unused]] const void* caller) noexcept {
    if constexpr (checks) {
      // What is in quarantine counts as used, unless a damaged table let it be freed twice.
      const bool is_waited_for = quarantined_in(info) != 0;
      if (is_waited_for || !is_sound(info)) [[unlikely]] {
        set_aside_and_go_on(info, is_waited_for ? Misuse::CorruptedFreeList : Misuse::CorruptedSlabInfo, caller);
        return false;
      }
    }
    return true;
  }
  [[gnu::cold, gnu::noinline]] void set_aside_and_go_on(SlabInfo& damaged, Misuse kind, const void* caller) noexcept
    requires(checks)
  {
    set_aside(damaged, kind, caller);
    busy_.enter();
  }

  /// A call while the cache is at work. What on_misuse calls when it is told so is refused without a word.
  [[gnu::cold, gnu::noinline]] std::nullptr_t refuse(const void* object) noexcept {
    if (busy_.begin_refusal()) {
      report(Misuse::ReentrantCall, object, __builtin_return_address(0));
      busy_.end_refusal();
    }
    return nullptr;
  }

  // Of the misused_…() nothing was changed, and the cache is left before on_misuse is called.

  void misused(Misuse kind, const void* object, const void* caller) noexcept {
    const MisuseReport found = describe(kind, object, caller);  // an interrupt may give the slab back
    busy_.leave();
    tell(found);
  }
  /// The backend says that `object` is in no slab of this cache.
  [[gnu::cold, gnu::noinline]] void misused_outside(const void* object, Misuse kind) noexcept {
    const void* const caller = caller_or(__builtin_return_address(0));
    if constexpr (checks) misused(holds(object) ? Misuse::BackendFault : kind, object, caller);
  }
  /// `info` does not name this cache.
  [[gnu::cold, gnu::noinline]] void misused_elsewhere(SlabInfo& info, const void* object) noexcept {
    if constexpr (checks) {
      const void* const caller = caller_or(__builtin_return_address(0));
      if (Repair{*this}.knows(info)) return set_aside(info, Misuse::CorruptedSlabInfo, caller);
      misused(holds(object) ? Misuse::BackendFault : Misuse::OtherCache, object, caller);
    }
  }
  /// There is no allocated object in the slab of `info`, which names this cache.
  [[gnu::cold, gnu::noinline]] void misused_in(SlabInfo& info, const void* object) noexcept {
    if constexpr (checks) {
      const void* const caller = caller_or(__builtin_return_address(0));
      const std::size_t offset = address(object) - base_of(info);
      const bool is_inside = offset < geometry().slab_size(), is_linked = has_sound_links(info, set_aside_.key);
      const bool is_set_aside = &info != current_ && Repair::is_set_aside(info, set_aside_.key);
      // The base that a Large SlabInfo has kept may be damaged.
      if (is_set_aside && (is_inside || !is_linked || row == Row::Large)) return busy_.leave();
      if (!is_linked) return set_aside(info, Misuse::CorruptedSlabInfo, caller);
      if (!is_inside) return misused(Misuse::BackendFault, object, caller);
      const Misuse kind = misuse_at(geometry_, offset, slots_of(info).carved);
      if (kind == Misuse::DoubleFree && !Audit{*this}.has_sound_free_list(info))
        return set_aside(info, Misuse::CorruptedFreeList, caller);
      misused(kind, object, caller);
    }
  }
};

}  // namespace slab::detail

#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <slab/backend.hpp>
#include <slab/cache.hpp>
#include <slab/locked_backend.hpp>
#include <slab/misuse.hpp>
#include <slab/statistics.hpp>

namespace slab {

/// What Locked asks of a lock. A kernel's saves the interrupt flag in lock() and restores it in unlock(), if interrupts
/// call the cache (docs/kernel.md).
template <class L>
concept CacheLock = requires(L& lock) {
  { lock.lock() } noexcept;
  { lock.unlock() } noexcept;
};

namespace detail {

/// Policy, but that the lock is not held while on_misuse is at work.
template <class Policy, class Owner>
struct LockedPolicy : Policy {
  static void on_misuse(const MisuseReport& report) noexcept { Owner::tell(report); }
};

/// The same cache on a LockedBackend.
template <class C, class Owner>
struct LockedCacheOf;
template <Row R, class B, class P, class Owner>
struct LockedCacheOf<DynamicCache<R, B, P>, Owner> {
  using Backend = B;
  using Policy = P;
  using Type = UndestroyedDynamicCache<R, LockedBackend<B>, LockedPolicy<P, Owner>>;
};
template <class T, Config C, class B, class P, class Owner>
struct LockedCacheOf<Cache<T, C, B, P>, Owner> {
  using Backend = B;
  using Policy = P;
  using Type = UndestroyedCache<T, C, LockedBackend<B>, LockedPolicy<P, Owner>>;
};

/// A Locked cache without its destructor: what Immortal holds, and all its members.
template <class C, class L>
class LockedCache : LockedCacheOf<C, LockedCache<C, L>>::Type,
                    LockedBackend<typename LockedCacheOf<C, LockedCache<C, L>>::Backend> {
  using Of = LockedCacheOf<C, LockedCache>;
  using Backend = typename Of::Backend;
  using Policy = typename Of::Policy;
  using Supply = LockedBackend<Backend>;
  using Inner = typename Of::Type;
  using Slabs = typename Inner::Slabs;
  using Core = typename Inner::CacheCore;
  using Inner::row;
  static_assert(CacheLock<L>, "slab: a lock has `void lock() noexcept` and `void unlock() noexcept`");

 public:
  /// What alloc() hands out.
  using Pointer = decltype(std::declval<C&>().alloc());

  /// Calls no function of `backend`, which must outlive this. O(1).
  explicit constexpr LockedCache(Backend& backend) noexcept
    requires std::is_constructible_v<C, Backend&>
      : Inner{static_cast<Supply&>(*this)}, Supply{backend} {}
  /// The same, of a DynamicCache.
  constexpr LockedCache(Geometry of_slabs, Backend& backend) noexcept
    requires std::is_constructible_v<C, Geometry, Backend&>
      : Inner{of_slabs, static_cast<Supply&>(*this)}, Supply{backend} {}
  LockedCache(const LockedCache&) = delete;
  LockedCache& operator=(const LockedCache&) = delete;

  using Inner::geometry;
  /// The lock, which no caller need take.
  [[nodiscard]] L& lock() const noexcept { return lock_; }

  /// CacheCore::alloc(). The lock is taken once; where a slab must be made two or, of Large, three times.
  [[nodiscard]] Pointer alloc() noexcept
    requires(!has_guards<Policy>)
  {
    return alloc_for(nullptr);
  }
  /// The same. Of a policy with guards, a call is never inlined: where it returns to is the caller.
  [[nodiscard, gnu::noinline]] Pointer alloc() noexcept
    requires has_guards<Policy>
  {
    return alloc_for(__builtin_return_address(0));
  }
  /// CacheCore::alloc_no_grow(): never calls the backend, so an interrupt may. The lock is taken once.
  [[nodiscard]] Pointer alloc_no_grow() noexcept
    requires(!has_guards<Policy>)
  {
    return alloc_no_grow_for(nullptr);
  }
  /// The same.
  [[nodiscard, gnu::noinline]] Pointer alloc_no_grow() noexcept
    requires has_guards<Policy>
  {
    return alloc_no_grow_for(__builtin_return_address(0));
  }
  /// CacheCore::free(). The lock is taken once, and once more for each empty slab too many that free_deferred() left; a
  /// call that empties a slab itself takes all of them off the cache at once.
  void free(Pointer object) noexcept
    requires(!has_guards<Policy>)
  {
    free_for(object, nullptr);
  }
  /// The same.
  [[gnu::noinline]] void free(Pointer object) noexcept
    requires has_guards<Policy>
  {
    free_for(object, __builtin_return_address(0));
  }
  /// The same, but gives no slab back, which the next free() or shrink() does: so an interrupt may. Of the backend it
  /// calls get_slab_info alone. The lock is taken once. O(1).
  void free_deferred(Pointer object) noexcept
    requires(!has_guards<Policy>)
  {
    free_deferred_for(object, nullptr);
  }
  /// The same.
  [[gnu::noinline]] void free_deferred(Pointer object) noexcept
    requires has_guards<Policy>
  {
    free_deferred_for(object, __builtin_return_address(0));
  }

  /// CacheCore::reserve(). The lock is taken for each slab. Slabs that are made meanwhile for other callers count too.
  [[nodiscard, gnu::noinline]] bool reserve(std::size_t n) noexcept {
    const void* const caller = __builtin_return_address(0);
    std::size_t empty, needed;
    {
      LockedCall call;
      const Section section{*this, call};
      if (this->busy_.is_set()) [[unlikely]]
        return this->refuse(nullptr), false;
      verify_empty_slabs(caller);
      empty = this->count_empty();
      needed = this->slabs_missing_to(n);
      if (!this->has_addresses_for(needed)) return false;
    }
    if constexpr (HasCanMakeSlabs<Backend>)
      if (needed > 0 && !Supply::source->can_make_slabs(geometry(), needed)) return false;
    while (needed > 0) {
      if (!make_slab(n, needed, caller)) return release_down_to([empty] { return empty; }, caller), false;
    }
    {
      LockedCall call;
      const Section section{*this, call};
      this->keep_for(n);
    }
    release_down_to([this] { return this->kept_slabs_; }, caller);
    return true;
  }

  /// CacheCore::shrink(). The lock is taken for each slab.
  [[gnu::noinline]] std::size_t shrink() noexcept {
    const void* const caller = __builtin_return_address(0);
    LockedCall call;
    std::size_t released = release_quarantine(caller);
    {
      const Section section{*this, call};
      if (this->busy_.is_set()) [[unlikely]]
        return this->refuse(nullptr), 0;
      released += this->enter_without_quarantine(caller);
      this->keep(0);
      this->busy_.leave();
    }
    give_back(call);
    return released + release_down_to([] { return std::size_t{0}; }, caller);
  }

  /// Of one moment. O(1).
  [[nodiscard]] CacheStatistics statistics() const noexcept {
    return inside([&] { return Inner::statistics(); });
  }
  /// CacheCore::audit(). Not to be called by the backend.
  [[nodiscard]] bool audit() const noexcept { return find_audit_failure() == AuditFailure::None; }
  /// CacheCore::find_audit_failure(). The same.
  [[nodiscard]] AuditFailure find_audit_failure() const noexcept {
    return inside([&] { return Inner::find_audit_failure(); });
  }
  /// CacheCore::for_each_live(). The lock is held while `visit` is called, which so may not call this.
  template <class F>
  void for_each_live(F visit) const
    requires(Policy::checks)
  {
    inside([&] { Inner::for_each_live(visit); });
  }

 protected:
  /// CacheCore::destroy(), for which nobody else may call it any more: the lock is not taken.
  void destroy() noexcept { Inner::destroy(); }

 private:
  template <class, class>
  friend struct LockedPolicy;

  /// The lock is held, and what the cache asks of the backend is the call's.
  class Section {
   public:
    Section(LockedCache& cache, LockedCall& call) noexcept : cache_{cache} { cache_.enter(call); }
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;
    ~Section() { cache_.leave(); }

   private:
    LockedCache& cache_;
  };
  void enter(LockedCall& call) noexcept {
    lock_.lock();
    Supply::under_way = &call;
    if (!call.is_deferring) return;
    call.kept_slabs = this->kept_slabs_;
    this->kept_slabs_ = SIZE_MAX;
  }
  void leave() noexcept {
    if (Supply::under_way->is_deferring) this->kept_slabs_ = Supply::under_way->kept_slabs;
    Supply::under_way = nullptr;
    lock_.unlock();
  }
  /// f() with the lock, which calls the backend never.
  template <class F>
  decltype(auto) inside(F f) const noexcept {
    struct Held {
      explicit Held(L& held) noexcept : lock{held} { lock.lock(); }
      Held(const Held&) = delete;
      Held& operator=(const Held&) = delete;
      ~Held() { lock.unlock(); }
      L& lock;
    };
    const Held held{lock_};
    return f();
  }

  // The public functions. `caller` is where they return to, if the policy has guards.

  [[gnu::always_inline]] Pointer alloc_for(const void* caller) noexcept {
    LockedCall call;
    for (;;) {
      Pointer object;
      {
        const Section section{*this, call};
        object = static_cast<Pointer>(Core::alloc(Core::Growth::Allowed, caller));
        if (call.is_answered && object) keep_for_later(call, __builtin_return_address(0));
      }
      give_back(call);
      if (object || call.wants == LockedCall::Wants::Nothing) return object;
      ask(call);
    }
  }
  [[gnu::always_inline]] Pointer alloc_no_grow_for(const void* caller) noexcept {
    LockedCall call;
    const Section section{*this, call};
    return static_cast<Pointer>(Core::alloc(Core::Growth::Forbidden, caller));
  }
  [[gnu::always_inline]] void free_for(Pointer object, const void* caller) noexcept {
    if (!object) return;
    LockedCall call;
    bool is_trimmed;
    {
      const Section section{*this, call};
      Core::free(object, caller);
      is_trimmed = this->count_empty() <= this->kept_slabs_;
    }
    give_back(call);
    if (!is_trimmed) release_down_to([this] { return this->kept_slabs_; }, __builtin_return_address(0));
  }
  [[gnu::always_inline]] void free_deferred_for(Pointer object, const void* caller) noexcept {
    if (!object) return;
    LockedCall call;
    call.is_deferring = true;
    const Section section{*this, call};
    Core::free(object, caller);
  }

  /// Tells on_misuse, which may call the cache, or leave the call for good.
  static void tell(const MisuseReport& report) noexcept {
    auto* const slabs = static_cast<Slabs*>(const_cast<void*>(report.cache));
    auto& cache = static_cast<LockedCache&>(static_cast<Inner&>(*slabs));
    LockedCall* const call = cache.Supply::under_way;
    if (!call) return Policy::on_misuse(report);
    cache.leave();
    cache.give_back(*call);
    Policy::on_misuse(report);
    cache.enter(*call);
  }

  // Without the lock.

  /// Asks the backend for what the cache did without.
  void ask(LockedCall& call) noexcept {
    if (call.wants == LockedCall::Wants::Slab) {
      call.slab = Supply::source->alloc_slab(geometry().slab_size(), geometry().page_size());
      call.is_answered = true;
      call.is_unknown = false;
    } else if constexpr (row == Row::Large) {
      call.info = Supply::source->alloc_slab_info(geometry().slab_info_size());
      call.is_info_answered = true;
    }
    call.wants = LockedCall::Wants::Nothing;
  }
  /// Gives the backend what the cache has given back.
  void give_back(LockedCall& call) noexcept {
    while (call.first) {
      void *const slab = call.first, *const info = call.first->info;
      call.first = call.first->next;
      give_back(slab, info);
    }
    call.last = nullptr;
    if (call.rejected) give_back(call.rejected, call.rejected_info);
    call.rejected = call.rejected_info = nullptr;
  }
  void give_back(void* slab, [[maybe_unused]] void* info) noexcept {
    if constexpr (row == Row::Large)
      if (info) Supply::source->free_slab_info(info, geometry().slab_info_size());
    Supply::source->free_slab(slab, geometry().slab_size(), geometry().page_size());
  }
  /// Makes a slab for a reserve(n), if it still needs one; `needed` is then how many more it needs. False if the
  /// backend refuses.
  bool make_slab(std::size_t n, std::size_t& needed, const void* caller) noexcept {
    LockedCall call;
    call.wants = LockedCall::Wants::Slab;
    bool is_made;
    do {
      ask(call);
      {
        const Section section{*this, call};
        is_made = this->slabs_missing_to(n) == 0 || adopt(caller);
        needed = this->slabs_missing_to(n);
        if (call.is_answered && call.wants == LockedCall::Wants::Nothing) reject(call);
      }
      give_back(call);
    } while (call.wants != LockedCall::Wants::Nothing);
    return is_made;
  }
  /// Lets as many objects leave the quarantine as it holds at most, each with the lock, so that their slabs go back one
  /// by one. Returns how many.
  std::size_t release_quarantine([[maybe_unused]] const void* caller) noexcept {
    std::size_t released = 0;
    if constexpr (Policy::quarantine_objects != 0)
      for (std::size_t i = 0; i < Policy::quarantine_objects; ++i) {
        LockedCall call;
        {
          const Section section{*this, call};
          if (this->quarantined() == 0) return released;
          this->busy_.enter();
          this->guards_.trimmed_slabs = 0;
          this->guards_.caller = caller;
          Core::free_leaving(this->guards_.quarantine.pop());
          released += this->guards_.trimmed_slabs;
        }
        give_back(call);
      }
    return released;
  }
  /// Gives empty slabs back while there are more than `kept()`, unless the cache is being destroyed. Returns how many.
  template <class F>
  std::size_t release_down_to(F kept, const void* caller) noexcept {
    std::size_t released = 0;
    for (bool is_done = false; !is_done;) {
      LockedCall call;
      {
        const Section section{*this, call};
        if (this->busy_.is_set()) break;
        this->busy_.enter();
        if (const std::size_t empty = this->count_empty(); empty > kept())
          static_cast<void>(this->release_empty_slabs(empty - 1, released, caller));
        is_done = this->count_empty() <= kept();
        this->busy_.leave();
      }
      give_back(call);
    }
    return released;
  }

  // With the lock.

  /// Makes the call's slab one of the cache's.
  bool adopt(const void* caller) noexcept {
    this->busy_.enter();
    const bool is_made = Inner::make_slab(caller, SIZE_MAX) != nullptr;
    this->busy_.leave();
    return is_made;
  }
  /// The call's slab was made in vain: others have freed objects meanwhile. It is kept if an empty one may be.
  void keep_for_later(LockedCall& call, const void* caller) noexcept {
    if (this->count_empty() < this->kept_slabs_) static_cast<void>(adopt(caller));
    if (call.is_answered) reject(call);
  }
  void reject(LockedCall& call) noexcept {
    call.rejected = call.slab;
    call.rejected_info = call.info;
  }
  void verify_empty_slabs(const void* caller) noexcept {
    this->busy_.enter();
    while (!Inner::verify_empty_slabs(caller)) {}
    this->busy_.leave();
  }

  mutable L lock_{};
};

}  // namespace detail

/// A cache for several CPUs, threads, or a program and its interrupts: `C`, a Cache or a DynamicCache, behind a lock.
/// The lock is not held while the backend makes a slab or a SlabInfo, or takes one back, nor while on_misuse is called;
/// it is while the backend's map is asked or changed, so that lock of the map comes after this one, and a map must not
/// wait for memory. Members: see detail::LockedCache.
template <class C, class L>
class Locked : public detail::LockedCache<C, L> {
 public:
  /// This without its destructor.
  using Undestroyed = detail::LockedCache<C, L>;
  using Undestroyed::Undestroyed;
  /// As the cache's own. Nobody may call it any more.
  ~Locked() { this->destroy(); }
};

}  // namespace slab

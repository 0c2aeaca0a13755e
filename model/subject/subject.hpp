#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>

#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/statistics.hpp>

#include "model/judge/invariant.hpp"
#include "model/memory/recording_backend.hpp"
#include "model/program/layout.hpp"
#include "model/program/setup.hpp"
#include "model/subject/cache_members.hpp"

namespace slabproof {

/// What a subject can do besides alloc and free. Operations that need more are skipped. Abilities are claimed, not
/// detected: a subject that claims an ability and lacks the function does not compile.
///
/// A subject without `layout` is another kind of pool, of which only the objects are judged: aligned, disjoint, not
/// written to. With `takes_memory` it gets its memory from RecordingBackend::take_memory(), which fails as the program
/// says: its objects must lie in that memory, alloc may return null only when memory was refused, and all of it must
/// come back at the end. Without `takes_memory` it has memory of its own and may run out.
struct Abilities {
  bool no_grow = false;         // void* alloc_no_grow()
  bool reserve = false;         // bool reserve(size_t n)
  bool shrink = false;          // size_t shrink()
  bool statistics = false;      // slab::CacheStatistics statistics() const
  bool audit = false;           // Invariant audit() const: the one that failed, or None
  bool layout = false;          // Layout layout() const: slots lie in the backend's slabs as docs/invariants.md says
  bool follows_policy = false; // docs/policy.md: which slab comes next, the empty slabs kept
  bool detects_misuse = false;  // reports through model/subject/report_log.hpp, state unchanged
  bool has_guards = false;      // those that the program asks for
  bool poisons = false;         // tells ASan which bytes are objects (allocator/include/slab/poison.hpp)
  bool owns_live_slabs = false; // may be destroyed while objects live
  bool takes_memory = false;    // see above
  bool inspectable = false;  // CacheMembers members() const, void set_members(const CacheMembers&); with has_guards
                             // GuardMembers guard_members() const, void set_guard_members(const GuardMembers&)
  std::size_t max_align = ~std::size_t{0};  // objects of a larger alignment get this one

  /// Abilities that are judged by the slabs require `layout`.
  [[nodiscard]] constexpr bool consistent() const {
    return layout ? !takes_memory
                  : !(no_grow || reserve || shrink || statistics || follows_policy || detects_misuse || has_guards);
  }
};

template <class S>
concept Subject = requires(S s, const S c, void* pointer, std::size_t n) {
  { S::abilities } -> std::convertible_to<Abilities>;
  requires S::abilities.consistent();
  { s.alloc() } -> std::same_as<void*>;
  s.free(pointer);
  requires !S::abilities.no_grow || requires {
    { s.alloc_no_grow() } -> std::same_as<void*>;
  };
  requires !S::abilities.reserve || requires {
    { s.reserve(n) } -> std::same_as<bool>;
  };
  requires !S::abilities.shrink || requires {
    { s.shrink() } -> std::same_as<std::size_t>;
  };
  requires !S::abilities.statistics || requires {
    { c.statistics() } -> std::same_as<slab::CacheStatistics>;
  };
  requires !S::abilities.audit || requires {
    { c.audit() } -> std::same_as<Invariant>;
  };
  requires !S::abilities.layout || requires {
    { c.layout() } -> std::same_as<Layout>;
  };
  requires !S::abilities.inspectable || requires(const CacheMembers members) {
    { c.members() } -> std::same_as<CacheMembers>;
    s.set_members(members);
  };
  requires !(S::abilities.inspectable && S::abilities.has_guards) || requires(const GuardMembers members) {
    { c.guard_members() } -> std::same_as<GuardMembers>;
    s.set_guard_members(members);
  };
};

/// A subject behind one type, for the runner. Destroyed in place: subjects live in the arena.
class AnySubject {
 public:
  explicit AnySubject(const Abilities& abilities) : abilities_{abilities} {}
  virtual ~AnySubject() = default;
  [[nodiscard]] const Abilities& abilities() const { return abilities_; }
  [[nodiscard]] virtual void* alloc() = 0;
  virtual void free(void* object) = 0;
  [[nodiscard]] virtual void* alloc_no_grow() = 0;
  [[nodiscard]] virtual bool reserve(std::size_t n) = 0;
  virtual std::size_t shrink() = 0;
  [[nodiscard]] virtual slab::CacheStatistics statistics() const = 0;
  [[nodiscard]] virtual Invariant audit() const = 0;
  [[nodiscard]] virtual Layout layout() const = 0;
  /// Of one that is inspectable.
  [[nodiscard]] virtual CacheMembers members() const { return {}; }
  virtual void set_members(const CacheMembers&) {}
  [[nodiscard]] virtual GuardMembers guard_members() const { return {}; }  // of one that has guards besides
  virtual void set_guard_members(const GuardMembers&) {}
  /// What misuse reports name as the cache.
  [[nodiscard]] virtual const void* identity() const = 0;
  /// The size of this object in bytes.
  [[nodiscard]] virtual std::size_t size() const = 0;

 private:
  const Abilities& abilities_;
};

template <Subject S>
class SubjectBox final : public AnySubject {
 public:
  template <class... Args>
  explicit SubjectBox(Args&&... args) : AnySubject{S::abilities}, subject_(static_cast<Args&&>(args)...) {}

  [[nodiscard]] void* alloc() override { return subject_.alloc(); }
  void free(void* object) override { subject_.free(object); }
  [[nodiscard]] void* alloc_no_grow() override {
    if constexpr (S::abilities.no_grow) return subject_.alloc_no_grow();
    return nullptr;
  }
  [[nodiscard]] bool reserve([[maybe_unused]] std::size_t n) override {
    if constexpr (S::abilities.reserve) return subject_.reserve(n);
    return false;
  }
  std::size_t shrink() override {
    if constexpr (S::abilities.shrink) return subject_.shrink();
    return 0;
  }
  [[nodiscard]] slab::CacheStatistics statistics() const override {
    if constexpr (S::abilities.statistics) return subject_.statistics();
    return {};
  }
  [[nodiscard]] Invariant audit() const override {
    if constexpr (S::abilities.audit) return subject_.audit();
    return Invariant::None;
  }
  [[nodiscard]] Layout layout() const override {
    if constexpr (S::abilities.layout) return subject_.layout();
    return {};
  }
  [[nodiscard]] CacheMembers members() const override {
    if constexpr (S::abilities.inspectable) return subject_.members();
    return {};
  }
  void set_members([[maybe_unused]] const CacheMembers& members) override {
    if constexpr (S::abilities.inspectable) subject_.set_members(members);
  }
  [[nodiscard]] GuardMembers guard_members() const override {
    if constexpr (S::abilities.inspectable && S::abilities.has_guards) return subject_.guard_members();
    return {};
  }
  void set_guard_members([[maybe_unused]] const GuardMembers& members) override {
    if constexpr (S::abilities.inspectable && S::abilities.has_guards) subject_.set_guard_members(members);
  }
  [[nodiscard]] const void* identity() const override { return &subject_; }
  [[nodiscard]] std::size_t size() const override { return sizeof *this; }

 private:
  S subject_;
};

/// Makes the subject for a cache in `storage` (Arena::cache_storage bytes, page-aligned), on `backend`.
using MakeSubject = AnySubject* (*)(void* storage, const CacheSpec& spec, RecordingBackend& backend);

template <Subject S, class... Args>
AnySubject* make_subject_in(void* storage, Args&&... args) {
  static_assert(sizeof(SubjectBox<S>) <= Arena::cache_storage);
  return ::new (storage) SubjectBox<S>(static_cast<Args&&>(args)...);
}

}  // namespace slabproof

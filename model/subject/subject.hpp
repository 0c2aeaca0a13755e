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
#include "model/program/language.hpp"
#include "model/program/layout.hpp"
#include "model/program/setup.hpp"
#include "model/subject/abilities.hpp"
#include "model/subject/cache_members.hpp"
#include "model/subject/how_it_ends.hpp"

namespace slabproof {

/// What a slab cache promises. Whether it can be inspected is another matter.
constexpr Abilities abilities_of_slab_cache(bool detects_misuse) {
  return {.owns_live_objects = true,
          .layout = true,
          .no_grow = true,
          .reserve = true,
          .shrink = true,
          .statistics = true,
          .audit = true,
          .follows_policy = true,
          .detects_misuse = detects_misuse,
          .has_guards = true,
          .poisons = true};
}

/// The programs that a subject with these abilities is asked to run.
constexpr Language language_for(const Abilities& abilities) {
  Language language{.shape = abilities.shape(), .instances = abilities.instances, .sizes = abilities.accepts};
  if (abilities.layout) return slab_language;
  language.add(language.allocation());
  language.add(OperationKind::Free);
  if (abilities.zeroed) language.add(OperationKind::AllocateZeroed);
  if (abilities.resizes) language.add(OperationKind::Reallocate);
  if (abilities.usable_size) language.add(OperationKind::UsableSize);
  if (abilities.frees_null) language.add(OperationKind::FreeNull);
  if (abilities.trims) language.add(OperationKind::Shrink);
  if (abilities.owns_live_objects || abilities.resets || abilities.may_fail_to_construct)
    language.add(OperationKind::Destroy);
  if (abilities.detects.double_free) language.add(OperationKind::DoubleFree);
  if (abilities.detects.interior) language.add(OperationKind::FreeInterior);
  if (abilities.detects.foreign) language.add(OperationKind::FreeForeign);
  if (abilities.detects.wrong_size) language.add(OperationKind::FreeWrongSize);
  if (abilities.takes_memory || abilities.refuses_memory) {
    language.add(OperationKind::Fail);
    language.add(OperationKind::Recover);
  }
  return language;
}

template <class S>
concept Subject = requires(S s, const S c, void* pointer, std::size_t n) {
  { S::abilities } -> std::convertible_to<Abilities>;
  requires S::abilities.contradiction() == nullptr;
  requires S::abilities.sizes || requires {
    { s.alloc() } -> std::same_as<void*>;
  };
  requires !S::abilities.sizes || requires {
    { s.allocate(n, n) } -> std::same_as<void*>;
  };
  requires !S::abilities.zeroed || requires {
    { s.allocate_zeroed(n, n) } -> std::same_as<void*>;
  };
  requires !S::abilities.resizes || requires {
    { s.reallocate(pointer, n) } -> std::same_as<void*>;
  };
  requires !S::abilities.usable_size || requires {
    { s.usable_size(pointer) } -> std::convertible_to<std::size_t>;
  };
  requires !S::abilities.sized_free || requires { s.free(pointer, n); } || requires { s.free(pointer, n, n); };
  requires S::abilities.sized_free || requires { s.free(pointer); };
  requires !S::abilities.refuses_memory || requires { s.refuse_memory(true); };
  requires !S::abilities.counts_live || requires {
    { c.live_objects() } -> std::convertible_to<std::size_t>;
  };
  requires !S::abilities.knows_its_own || requires {
    { c.owns(pointer) } -> std::same_as<bool>;
  };
  requires !S::abilities.resets || requires { s.reset(); };
  requires !S::abilities.trims || requires {
    { s.trim() } -> std::same_as<std::size_t>;
  };
  requires S::abilities.detects.by != DetectedMisuse::By::Report || requires {
    { c.misuses() } -> std::convertible_to<std::size_t>;
  };
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
  // Of a pool or a slab cache.
  [[nodiscard]] virtual void* alloc() = 0;
  // Of a heap.
  [[nodiscard]] virtual void* allocate(std::size_t, std::size_t) { return nullptr; }
  [[nodiscard]] virtual void* allocate_zeroed(std::size_t, std::size_t) { return nullptr; }
  [[nodiscard]] virtual void* reallocate(void*, std::size_t) { return nullptr; }
  [[nodiscard]] virtual std::size_t usable_size(void*) { return 0; }
  /// The size and alignment that were asked for; 0 bytes for null.
  virtual void free(void* object, std::size_t size = 0, std::size_t align = 1) = 0;
  virtual void refuse_memory(bool) {}
  [[nodiscard]] virtual std::size_t live_objects() const { return 0; }
  [[nodiscard]] virtual bool owns(const void*) const { return false; }
  virtual void reset() {}
  [[nodiscard]] virtual std::size_t misuses() const { return 0; }
  /// Frees what may not be freed. Whether it tells, in the way that it claims.
  [[nodiscard]] virtual bool tells_of_free(void*, std::size_t, std::size_t) { return false; }
  [[nodiscard]] virtual void* alloc_no_grow() = 0;
  [[nodiscard]] virtual bool reserve(std::size_t n) = 0;
  virtual std::size_t shrink() = 0;  // trim(), of a pool or a heap
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

/// What it claims in this process: as much as its class, or less where it has claims().
template <class S>
const Abilities& claims_of() {
  if constexpr (requires { S::claims(); })
    return S::claims();
  else
    return S::abilities;
}

/// An exception that leaves the subject ends the process there, as in a caller that expects none.
template <Subject S>
class SubjectBox final : public AnySubject {
 public:
  template <class... Args>
  explicit SubjectBox(Args&&... args) : AnySubject{claims_of<S>()}, subject_(static_cast<Args&&>(args)...) {}

  [[nodiscard]] void* alloc() noexcept override {
    if constexpr (!S::abilities.sizes) return subject_.alloc();
    return nullptr;
  }
  [[nodiscard]] void* allocate([[maybe_unused]] std::size_t size,
                               [[maybe_unused]] std::size_t align) noexcept override {
    if constexpr (S::abilities.sizes) return subject_.allocate(size, align);
    return nullptr;
  }
  [[nodiscard]] void* allocate_zeroed([[maybe_unused]] std::size_t count,
                                      [[maybe_unused]] std::size_t size) noexcept override {
    if constexpr (S::abilities.zeroed) return subject_.allocate_zeroed(count, size);
    return nullptr;
  }
  [[nodiscard]] void* reallocate([[maybe_unused]] void* object, [[maybe_unused]] std::size_t size) noexcept override {
    if constexpr (S::abilities.resizes) return subject_.reallocate(object, size);
    return nullptr;
  }
  [[nodiscard]] std::size_t usable_size([[maybe_unused]] void* object) noexcept override {
    if constexpr (S::abilities.usable_size) return subject_.usable_size(object);
    return 0;
  }
  void free(void* object, std::size_t size, std::size_t align) noexcept override {
    free_in_subject(object, size, align);
  }
  void refuse_memory([[maybe_unused]] bool is_refused) noexcept override {
    if constexpr (S::abilities.refuses_memory) subject_.refuse_memory(is_refused);
  }
  [[nodiscard]] std::size_t live_objects() const noexcept override {
    if constexpr (S::abilities.counts_live) return subject_.live_objects();
    return 0;
  }
  [[nodiscard]] bool owns([[maybe_unused]] const void* object) const noexcept override {
    if constexpr (S::abilities.knows_its_own) return subject_.owns(object);
    return false;
  }
  void reset() noexcept override {
    if constexpr (S::abilities.resets) subject_.reset();
  }
  [[nodiscard]] std::size_t misuses() const noexcept override {
    if constexpr (S::abilities.detects.by == DetectedMisuse::By::Report) return subject_.misuses();
    return 0;
  }
  [[nodiscard]] bool tells_of_free([[maybe_unused]] void* object, [[maybe_unused]] std::size_t size,
                                   [[maybe_unused]] std::size_t align) noexcept override {
    constexpr DetectedMisuse::By by = S::abilities.detects.by;
    if constexpr (by == DetectedMisuse::By::Abort) return aborts([&] { free_in_subject(object, size, align); });
    if constexpr (by == DetectedMisuse::By::Exception) return throws([&] { free_in_subject(object, size, align); });
    if constexpr (by == DetectedMisuse::By::Report) {
      const std::size_t before = misuses();
      free(object, size, align);
      return misuses() == before + 1;
    }
    return false;
  }
  [[nodiscard]] void* alloc_no_grow() noexcept override {
    if constexpr (S::abilities.no_grow) return subject_.alloc_no_grow();
    return nullptr;
  }
  [[nodiscard]] bool reserve([[maybe_unused]] std::size_t n) noexcept override {
    if constexpr (S::abilities.reserve) return subject_.reserve(n);
    return false;
  }
  std::size_t shrink() noexcept override {
    if constexpr (S::abilities.shrink) return subject_.shrink();
    if constexpr (S::abilities.trims) return subject_.trim();
    return 0;
  }
  [[nodiscard]] slab::CacheStatistics statistics() const noexcept override {
    if constexpr (S::abilities.statistics) return subject_.statistics();
    return {};
  }
  [[nodiscard]] Invariant audit() const noexcept override {
    if constexpr (S::abilities.audit) return subject_.audit();
    return Invariant::None;
  }
  [[nodiscard]] Layout layout() const noexcept override {
    if constexpr (S::abilities.layout) return subject_.layout();
    return {};
  }
  [[nodiscard]] CacheMembers members() const noexcept override {
    if constexpr (S::abilities.inspectable) return subject_.members();
    return {};
  }
  void set_members([[maybe_unused]] const CacheMembers& members) noexcept override {
    if constexpr (S::abilities.inspectable) subject_.set_members(members);
  }
  [[nodiscard]] GuardMembers guard_members() const noexcept override {
    if constexpr (S::abilities.inspectable && S::abilities.has_guards) return subject_.guard_members();
    return {};
  }
  void set_guard_members([[maybe_unused]] const GuardMembers& members) noexcept override {
    if constexpr (S::abilities.inspectable && S::abilities.has_guards) subject_.set_guard_members(members);
  }
  [[nodiscard]] const void* identity() const noexcept override { return &subject_; }
  [[nodiscard]] std::size_t size() const noexcept override { return sizeof *this; }

 private:
  void free_in_subject(void* object, [[maybe_unused]] std::size_t size, [[maybe_unused]] std::size_t align) {
    if constexpr (S::abilities.sized_free && requires { subject_.free(object, size, align); })
      subject_.free(object, size, align);
    else if constexpr (S::abilities.sized_free)
      subject_.free(object, size);
    else
      subject_.free(object);
  }

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

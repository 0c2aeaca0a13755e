#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

#include "model/judge/invariant.hpp"
#include "model/memory/memory_source.hpp"
#include "model/subject/abilities.hpp"
#if !defined(SLABPROOF_IN_A_TEST)
#include "model/subject/subject.hpp"
#include "model/subject/tested_subject.hpp"
#endif

/// Anybody's allocator under the harness: write a class that has alloc and free, say in its `abilities` what it
/// promises (model/subject/abilities.hpp), and name it in SLABPROOF_SUBJECT. docs/subjects.md goes through it with an
/// example. With SLABPROOF_IN_A_TEST defined, as in the tests that --as-test writes, nothing of the harness is
/// compiled, and SLABPROOF_SUBJECT only names the class.
namespace slabproof {

/// What a pool is for: objects of `size` bytes, aligned to `align`, within what its abilities accept.
struct Objects {
  std::size_t size = 1, align = 1;
};

/// Where a subject that `takes_memory` gets it. A copy is the same source.
class Memory {
 public:
  explicit Memory(MemorySource& source) : source_{&source} {}
  /// A block of `size` bytes aligned to `align`, a power of two; null when memory is refused, which a program may ask
  /// for at any time.
  [[nodiscard]] void* take(std::size_t size, std::size_t align = alignof(std::max_align_t)) const {
    return source_->take_memory(size, align);
  }
  /// Requires a block of take() that was not given back.
  void give(void* block) const { source_->give_memory(block); }

 private:
  MemorySource* source_;
};

namespace detail {

// What its free and its constructor take.
template <class S>
concept frees_with_align =
    S::abilities.sized_free && requires(S s, void* object, std::size_t n) { s.free(object, n, n); };
template <class S>
constexpr bool takes_both = std::is_constructible_v<S, Objects, Memory>;
template <class S>
constexpr bool takes_source = takes_both<S> || std::is_constructible_v<S, Memory>;
template <class S>
constexpr bool takes_objects = takes_both<S> || (!takes_source<S> && std::is_constructible_v<S, Objects>);

// A claim that cannot be, and a function that is missing or of another type, is said in a sentence, not in the words of
// a concept.
template <class S>
constexpr bool check_abilities() {
  constexpr Abilities a = S::abilities;
  static_assert(!a.layout, "slabproof: `layout` is for slab caches, which this door does not take");
  static_assert(!(a.no_grow || a.reserve || a.shrink || a.statistics || a.follows_policy || a.detects_misuse ||
                  a.has_guards || a.poisons || a.inspectable),
                "slabproof: no_grow, reserve, shrink, statistics, follows_policy, detects_misuse, has_guards, poisons "
                "and inspectable are judged by slabs, and only a slab cache has them");
  static_assert(a.sizes || !(a.zeroed || a.resizes || a.usable_size || a.sized_free),
                "slabproof: zeroed, resizes, usable_size and sized_free need `sizes`: objects of any size");
  static_assert(a.memory <= Arena::most_room, "slabproof: `memory` is at most 1 GiB");
  static_assert(a.takes_memory || a.memory == 0,
                "slabproof: `memory` needs `takes_memory`: how much there is to take from slabproof::Memory");
  static_assert(a.takes_memory || !a.keeps_memory, "slabproof: `keeps_memory` needs `takes_memory`");
  static_assert(!(a.takes_memory && a.refuses_memory),
                "slabproof: `takes_memory` is refused memory already; `refuses_memory` is for memory of its own");
  static_assert(a.resizes || !(a.resizes_null || a.resizes_to_zero),
                "slabproof: `resizes_null` and `resizes_to_zero` need `resizes`");
  static_assert(a.takes_memory || !a.may_fail_to_construct, "slabproof: `may_fail_to_construct` needs `takes_memory`");
  static_assert(a.detects.is_any() == (a.detects.by != DetectedMisuse::By::Nobody),
                "slabproof: `detects` says by what, and which of double_free, interior, foreign and wrong_size");
  static_assert(a.sized_free || !a.detects.wrong_size, "slabproof: `detects.wrong_size` needs `sized_free`");
  static_assert(a.detects.by != DetectedMisuse::By::Abort || a.instances == 2,
                "slabproof: what is detected by abort() leaves it in any state, so it may not live in globals: "
                "`instances` is 2");
  static_assert(a.instances == 1 || a.instances == 2, "slabproof: `instances` is 1 or 2");
  static_assert(a.accepts.is_consistent(),
                "slabproof: `accepts` is wrong: 1 <= least <= most <= 1 MiB, least a multiple of multiple_of, and "
                "max_align a power of two up to 4096");
  static_assert(a.contradiction() == nullptr, "slabproof: the abilities contradict each other");
  return true;
}

template <class S>
constexpr bool check_functions() {
  constexpr Abilities a = S::abilities;
  using By = DetectedMisuse::By;
  static_assert(
      a.sizes || requires(S s) {
        { s.alloc() } -> std::same_as<void*>;
      }, "slabproof: a pool has void* alloc(); a heap claims `sizes`");
  static_assert(
      !a.sizes || requires(S s, std::size_t n) {
        { s.allocate(n, n) } -> std::same_as<void*>;
      }, "slabproof: `sizes` is claimed, and there is no void* allocate(std::size_t size, std::size_t align)");
  static_assert(
      a.sized_free || requires(S s, void* object) { s.free(object); },
      "slabproof: there is no void free(void* object)");
  static_assert(
      !a.sized_free || requires(S s, void* object, std::size_t n) { s.free(object, n); } ||
          requires(S s, void* object, std::size_t n) { s.free(object, n, n); },
      "slabproof: `sized_free` is claimed, and there is no void free(void* object, std::size_t size), nor one with "
      "std::size_t align besides");
  static_assert(
      !a.zeroed || requires(S s, std::size_t n) {
        { s.allocate_zeroed(n, n) } -> std::same_as<void*>;
      }, "slabproof: `zeroed` is claimed, and there is no void* allocate_zeroed(std::size_t count, std::size_t size)");
  static_assert(
      !a.resizes || requires(S s, void* object, std::size_t n) {
        { s.reallocate(object, n) } -> std::same_as<void*>;
      }, "slabproof: `resizes` is claimed, and there is no void* reallocate(void* object, std::size_t size)");
  static_assert(
      !a.usable_size || requires(S s, void* object) {
        { s.usable_size(object) } -> std::convertible_to<std::size_t>;
      }, "slabproof: `usable_size` is claimed, and there is no std::size_t usable_size(void* object)");
  static_assert(
      !a.refuses_memory || requires(S s) { s.refuse_memory(true); },
      "slabproof: `refuses_memory` is claimed, and there is no void refuse_memory(bool is_refused)");
  static_assert(
      !a.counts_live || requires(const S s) {
        { s.live_objects() } -> std::convertible_to<std::size_t>;
      }, "slabproof: `counts_live` is claimed, and there is no std::size_t live_objects() const");
  static_assert(
      !a.knows_its_own || requires(const S s, const void* object) {
        { s.owns(object) } -> std::same_as<bool>;
      }, "slabproof: `knows_its_own` is claimed, and there is no bool owns(const void* object) const");
  static_assert(
      !a.resets || requires(S s) { s.reset(); }, "slabproof: `resets` is claimed, and there is no void reset()");
  static_assert(
      !a.trims || requires(S s) {
        { s.trim() } -> std::same_as<std::size_t>;
      }, "slabproof: `trims` is claimed, and there is no std::size_t trim()");
  static_assert(
      !a.audit || requires(const S s) {
        { s.audit() } -> std::same_as<Invariant>;
      }, "slabproof: `audit` is claimed, and there is no slabproof::Invariant audit() const");
  static_assert(
      !a.names_globals ||
          requires {
            { *std::begin(S::globals()) } -> std::convertible_to<std::span<std::byte>>;
            std::end(S::globals());
          },
      "slabproof: `names_globals` is claimed, and there is no static function globals() that returns a range of "
      "std::span<std::byte>");
  static_assert(
      a.detects.by != By::Report || requires(const S s) {
        { s.misuses() } -> std::convertible_to<std::size_t>;
      }, "slabproof: misuse is detected by reports, and there is no std::size_t misuses() const");
  static_assert(a.detects.by != By::Exception || !(
                                                     requires(S s, void* object) {
                                                       { s.free(object) } noexcept;
                                                     } ||
                                                     requires(S s, void* object, std::size_t n) {
                                                       { s.free(object, n) } noexcept;
                                                     }),
                "slabproof: misuse is detected by an exception from free(), which is noexcept");
#if !defined(__cpp_exceptions)
  static_assert(a.detects.by != By::Exception && !a.may_fail_to_construct,
                "slabproof: detection by exceptions and `may_fail_to_construct` need exceptions, which this file is "
                "compiled without");
#endif
  return true;
}

template <class S>
constexpr bool check_constructor() {
  constexpr Abilities a = S::abilities;
  static_assert(takes_source<S> || takes_objects<S> || std::is_default_constructible_v<S>,
                "slabproof: the constructor takes (slabproof::Objects, slabproof::Memory), one of them, or nothing");
  static_assert(!a.takes_memory || takes_source<S>,
                "slabproof: `takes_memory` is claimed, and no constructor takes slabproof::Memory");
  static_assert(a.takes_memory || !takes_source<S>,
                "slabproof: its constructor takes slabproof::Memory, and `takes_memory` is not claimed");
  static_assert(!a.may_fail_to_construct || !(std::is_nothrow_constructible_v<S, Objects, Memory> ||
                                              std::is_nothrow_constructible_v<S, Memory>),
                "slabproof: `may_fail_to_construct` is claimed, and its constructor is noexcept");
  return true;
}

template <class S>
constexpr bool check_claims() {
  constexpr bool has_abilities = requires {
    { S::abilities } -> std::convertible_to<Abilities>;
  };
  static_assert(has_abilities, "slabproof: it has no static constexpr slabproof::Abilities abilities, which is public");
  if constexpr (has_abilities) return check_abilities<S>() && check_functions<S>() && check_constructor<S>();
  return has_abilities;
}

}  // namespace detail
}  // namespace slabproof

#if defined(SLABPROOF_IN_A_TEST)
#define SLABPROOF_SUBJECT(...)                            \
  using SlabproofSubject = __VA_ARGS__; /* of the test */ \
  static_assert(slabproof::detail::check_claims<SlabproofSubject>())
#else

namespace slabproof {

/// Makes an S from what its constructor takes: (Objects, Memory), one of them, or nothing.
template <class S>
AnySubject* make_any_subject(void* storage, const CacheSpec& spec, RecordingBackend& source) {
  static_assert(detail::check_claims<S>());
  static_assert(sizeof(SubjectBox<S>) <= Arena::most_room, "slabproof: the subject itself is larger than 1 GiB");
  const Objects objects{spec.object_size, spec.object_align};
  if constexpr (detail::takes_both<S>)
    return ::new (storage) SubjectBox<S>(objects, Memory{source});
  else if constexpr (detail::takes_source<S>)
    return ::new (storage) SubjectBox<S>(Memory{source});
  else if constexpr (detail::takes_objects<S>)
    return ::new (storage) SubjectBox<S>(objects);
  else
    return ::new (storage) SubjectBox<S>();
}

/// The same; null where its constructor may fail and does.
template <class S>
AnySubject* make_subject(void* storage, const CacheSpec& spec, RecordingBackend& source) noexcept {
#if defined(__cpp_exceptions)
  if constexpr (S::abilities.may_fail_to_construct) try {
      return make_any_subject<S>(storage, spec, source);
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
#endif
  return make_any_subject<S>(storage, spec, source);
}

/// What else its state lies in.
template <class S>
std::vector<std::span<std::byte>> globals_of() {
  std::vector<std::span<std::byte>> globals;
  if constexpr (S::abilities.names_globals)
    for (const std::span<std::byte> bytes : S::globals()) globals.push_back(bytes);
  return globals;
}

/// What it needs. Its claims come first: what is wrong with them is said in a sentence.
template <class S>
constexpr ArenaLayout::Room room_for() {
  static_assert(detail::check_claims<S>());
  return {.object = sizeof(SubjectBox<S>), .memory = S::abilities.memory};
}

}  // namespace slabproof

/// Makes a class what this program judges. Once a program, outside of namespaces.
#define SLABPROOF_SUBJECT(...)                                                                   \
  const slabproof::TestedSubject& slabproof::tested_subject() {                                  \
    using SlabproofJudged = __VA_ARGS__;                                                         \
    static constexpr TestedSubject subject{#__VA_ARGS__,                                         \
                                           slabproof::make_subject<SlabproofJudged>,             \
                                           slabproof::language_for(SlabproofJudged::abilities),  \
                                           SlabproofJudged::abilities.capacity,                  \
                                           slabproof::globals_of<SlabproofJudged>,               \
                                           &SlabproofJudged::abilities,                          \
                                           slabproof::detail::takes_objects<SlabproofJudged>,    \
                                           slabproof::detail::takes_source<SlabproofJudged>,     \
                                           slabproof::detail::frees_with_align<SlabproofJudged>, \
                                           slabproof::room_for<SlabproofJudged>(),               \
                                           __BASE_FILE__};                                       \
    return subject;                                                                              \
  }                                                                                              \
  static_assert(true)
#endif

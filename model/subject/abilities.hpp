#pragma once

#include <cstddef>
#include <cstdint>

#include "model/memory/arena.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// Wrong frees that a pool or a heap finds, each of them, and how it tells.
struct DetectedMisuse {
  enum class By : std::uint8_t {
    Nobody,
    Report,     // size_t misuses() const counts them; it goes on as if nothing had been freed
    Exception,  // from free(), of any type; the same
    Abort,      // abort(); a program ends with it
  };
  By by = By::Nobody;
  bool double_free = false;  // of an object whose bytes are no other object's yet
  bool interior = false;     // of a pointer into a live object
  bool foreign = false;      // of a pointer to memory that it never had
  /// Of an object for which `asked` bytes and `align` were asked (1: no alignment), with a size that it must take for
  /// another: whether `told` is such a size. Null: of no size. It needs `sized_free`.
  bool (*wrong_size)(std::size_t asked, std::size_t align, std::size_t told) = nullptr;

  [[nodiscard]] constexpr bool is_any() const { return double_free || interior || foreign || wrong_size; }
};

/// What a subject promises besides alloc and free. Operations that need more are skipped. Promises are made, not
/// detected: a subject that makes one and lacks the function does not compile.
///
/// Of any subject the objects are judged: aligned, disjoint, written to by nobody else. One that hands out objects of
/// any size (`sizes`) is a heap, any other a pool. A slab cache has a `layout`, and is judged by its slabs as well.
struct Abilities {
  // Of a heap, with void* allocate(size_t size, size_t align) in the place of void* alloc().
  bool sizes = false;
  bool zeroed = false;  // void* allocate_zeroed(size_t count, size_t size)
  bool resizes = false;  // void* reallocate(void* object, size_t size)
  bool usable_size = false;  // size_t usable_size(const void* object); all of it may be written to
  /// void free(void* object, size_t size), or with size_t align besides (1: none was asked for), in the place of
  /// void free(void* object).
  bool sized_free = false;
  bool resizes_null = false;  // reallocate(nullptr, size) allocates
  bool resizes_to_zero = false;  // reallocate(object, 0) frees it: null, or what may be freed in its place

  // Of a pool or a heap.
  bool frees_null = false;  // free(nullptr) does nothing
  bool owns_live_objects = false;  // may be destroyed while objects live
  std::uint8_t instances = 2;  // how many there may be at once: 1 where there are globals
  SizeLimits accepts{};  // what may be asked for
  /// What an object of this size is aligned to where no alignment is asked for, or a larger one than `accepts` has.
  std::size_t (*align_of)(std::size_t size) = nullptr;
  /// Its memory comes from Memory::take(), which fails as the program says: its objects must lie in it, an allocation
  /// may be refused only when memory was, and all of it must come back at the end, unless it `keeps_memory`. Without
  /// this it has memory of its own, which may run out: but not while fewer objects live than `capacity`, nor in a pool
  /// while fewer live than once did, nor while none does.
  bool takes_memory = false;
  /// How many bytes there are to take at least, from each source; at most 1 GiB. There are never fewer than 4 MiB, as
  /// many as where nothing is said: 0.
  std::size_t memory = 0;
  bool keeps_memory = false;
  std::size_t capacity = 0;
  /// Memory of its own that can be refused: between refuse_memory(true) and refuse_memory(false) it gets none, which
  /// may be so for any one call of the subject, and for that call alone. An allocation is then null only in such a
  /// call.
  bool refuses_memory = false;
  /// What was freed serves again, at once. Without this, it is asked for no more than its first object.
  bool reuses_memory = true;

  bool counts_live = false;  // size_t live_objects() const: how many of its objects live
  bool knows_its_own = false;  // bool owns(const void*) const: true of live objects; false of null and other memory
  /// static globals(): a range of std::span<std::byte>, all that its state lies in besides its object and the memory
  /// that it took. Then its states can be explored though there are globals.
  bool names_globals = false;
  bool resets = false;  // void reset(): all its objects end at once, and it serves as before
  /// Its constructor takes memory, and throws std::bad_alloc when that is refused. Without this it is not refused
  /// there.
  bool may_fail_to_construct = false;
  /// size_t trim(): gives back what it took and does not need. Its objects stay, and it takes nothing.
  bool trims = false;
  DetectedMisuse detects{};

  // Of a slab cache.
  bool layout = false;  // Layout layout() const: slots lie in the backend's slabs as docs/invariants.md says
  bool no_grow = false;  // void* alloc_no_grow()
  bool reserve = false;  // bool reserve(size_t n)
  bool shrink = false;  // size_t shrink()
  bool statistics = false;  // slab::CacheStatistics statistics() const
  bool audit = false;  // Invariant audit() const: the one that failed, or None; a pool or a heap may have it too
  bool follows_policy = false;  // docs/policy.md: which slab comes next, the empty slabs kept
  bool detects_misuse = false;  // reports through model/subject/report_log.hpp, state unchanged
  bool has_guards = false;  // those that the program asks for
  bool poisons = false;  // tells ASan which bytes are objects (allocator/include/slab/poison.hpp)
  bool inspectable = false;  // CacheMembers members() const, void set_members(const CacheMembers&); with has_guards
                             // GuardMembers guard_members() const, void set_guard_members(const GuardMembers&)

  [[nodiscard]] constexpr Shape shape() const { return layout ? Shape::SlabCache : sizes ? Shape::Heap : Shape::Pool; }
  /// What they contradict each other in, for the compiler's message; null where they do not.
  [[nodiscard]] constexpr const char* contradiction() const {
    if (layout && (sizes || takes_memory || capacity != 0)) return "a slab cache has slabs, and objects of one size";
    if (!layout &&
        (no_grow || reserve || shrink || statistics || follows_policy || detects_misuse || has_guards || poisons))
      return "what is judged by the slabs needs a layout";
    if (!sizes && (zeroed || resizes || usable_size || sized_free)) return "what takes or tells sizes needs `sizes`";
    if (memory > Arena::most_room) return "there is at most 1 GiB of memory to take";
    if (memory != 0 && !takes_memory) return "how much memory there is to take is said of what takes it";
    if (keeps_memory && !takes_memory) return "only memory that was taken can be kept";
    if (refuses_memory && takes_memory) return "memory that it takes is refused already";
    if (layout && refuses_memory) return "a slab cache's memory is refused by its backend";
    if ((resizes_null || resizes_to_zero) && !resizes) return "null and size 0 are special to what `resizes`";
    if (may_fail_to_construct && !takes_memory) return "construction fails when memory that it takes is refused";
    if (detects.is_any() != (detects.by != DetectedMisuse::By::Nobody))
      return "misuse is detected in some way, and a way detects some misuse";
    if (detects.wrong_size && !sized_free) return "a wrong size is told by a free with a size";
    if (detects.by == DetectedMisuse::By::Abort && instances != 2)
      return "what aborts is left in any state, and may not live in globals";
    if (layout &&
        (names_globals || counts_live || knows_its_own || resets || trims || may_fail_to_construct || detects.is_any()))
      return "a slab cache has statistics and misuse reports of its own";
    if (instances != 1 && instances != 2) return "there are one or two instances";
    if (!accepts.is_consistent()) return "the sizes and alignments that are accepted are none";
    return nullptr;
  }
};

}  // namespace slabproof

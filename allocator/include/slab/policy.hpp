#pragma once

#include <cstddef>

#include <slab/misuse.hpp>

#if __STDC_HOSTED__
#include <cstdio>
#include <cstdlib>
#endif

namespace slab {

namespace detail {
/// Ends the program: hosted with `message` on stderr and abort(), freestanding with a trap.
[[noreturn]] inline void stop([[maybe_unused]] const char* message) noexcept {
#if __STDC_HOSTED__
  std::fprintf(stderr, "slab: %s\n", message);
  std::abort();
#else
  __builtin_trap();
#endif
}
}  // namespace detail

/// The default policy: every misuse is found before anything is written, reported once, and the
/// cache left as it was. Derive from it to change a member.
struct Checked {
  /// Whether misuse is detected, for which a slab needs a table of slots.
  static constexpr bool checks = true;
  /// Empty slabs kept for the next alloc instead of being given back at once.
  static constexpr std::size_t empty_slabs_kept = 1;
  /// Told with each misuse, for a program with many caches.
  static constexpr const char* name = "";
  /// Called with each misuse. May return: the cache is intact and goes on. May call the cache, which refuses the call
  /// if it is still at work: with ReentrantCall and LiveAtDestruction. Other reports are the last thing that a call
  /// does, so that on_misuse may also leave it by longjmp. Must not throw: one that may does not compile.
  static void on_misuse([[maybe_unused]] const MisuseReport& report) noexcept {
#if __STDC_HOSTED__
    std::fprintf(stderr, "slab: %s: pointer %p, cache %p%s%s of %zu-byte objects, called from %p\n",
                 to_string(report.kind), report.pointer, report.cache, *report.cache_name ? " " : "", report.cache_name,
                 report.object_size, report.caller);
#endif
    detail::stop("misuse of a cache");
  }
};

/// No checks: misuse is undefined behaviour. Needs no table of slots, and leaves alone one that the geometry has.
struct Unchecked : Checked {
  /// Misuse is not detected.
  static constexpr bool checks = false;
};

}  // namespace slab

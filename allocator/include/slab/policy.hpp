#pragma once

#include <cstddef>
#include <cstdint>

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

/// When a cache zeroes the memory of an object.
enum class Zero : std::uint8_t {
  Never,
  OnAlloc,  ///< so that no object holds what another one held
  OnFree,   ///< so that what it held is gone at once; a slot that was never used is as the backend gave it
};

/// The default policy: every misuse is found before anything is written, reported once, and the
/// cache left as it was. Derive from it to change a member.
struct Checked {
  /// Whether misuse is detected, for which a slab needs a table of slots.
  static constexpr bool checks = true;
  /// Empty slabs kept for the next alloc instead of being given back at once.
  static constexpr std::size_t empty_slabs_kept = 1;
  /// Told with each misuse, for a program with many caches.
  static constexpr const char* name = "";
  // Debug has these; docs/policy.md says what each costs.
  /// Bytes behind each object that nobody may write to, verified by free() and audit().
  static constexpr std::size_t red_zone_bytes = 0;
  /// Whether a freed slot is filled, which is verified by audit() and before it is handed out again.
  static constexpr bool verify_pattern = false;
  /// Freed objects that are not handed out again while there are other free ones. The oldest leaves first.
  static constexpr std::size_t quarantine_objects = 0;
  /// When objects are zeroed.
  static constexpr Zero zero = Zero::Never;
  /// Whether a slot remembers who allocated and who freed it last.
  static constexpr bool track_callers = false;
  /// Called with each misuse. May return: the cache is intact and goes on. May call the cache, which refuses the call
  /// if it is still at work: with ReentrantCall and LiveAtDestruction. Other reports are the last thing that a call
  /// does, so that on_misuse may also leave it by longjmp. Must not throw: one that may does not compile.
  static void on_misuse([[maybe_unused]] const MisuseReport& report) noexcept {
#if __STDC_HOSTED__
    std::fprintf(stderr, "slab: %s: pointer %p, cache %p%s%s of %zu-byte objects, called from %p\n",
                 to_string(report.kind), report.pointer, report.cache, *report.cache_name ? " " : "", report.cache_name,
                 report.object_size, report.caller);
    for (std::size_t i = 0; i < report.changed_bytes && i < sizeof report.found; ++i)
      std::fprintf(stderr, i == 0 ? "slab: byte %zu is %02x" : ", byte %zu %02x", report.offset + i, report.found[i]);
    if (report.changed_bytes != 0) std::fprintf(stderr, ", of %zu changed\n", report.changed_bytes);
    if (report.allocated_by) std::fprintf(stderr, "slab: allocated by %p", report.allocated_by);
    if (report.freed_by) std::fprintf(stderr, ", freed by %p", report.freed_by);
    if (report.allocated_by) std::fprintf(stderr, "\n");
#endif
    detail::stop("misuse of a cache");
  }
};

/// For the day something is wrong: finds writes to freed memory and behind objects, and says who had it. Derive from it
/// to change a member; each works alone.
struct Debug : Checked {
  static constexpr std::size_t red_zone_bytes = 16;  ///< see Checked
  static constexpr bool verify_pattern = true;  ///< see Checked
  static constexpr std::size_t quarantine_objects = 64;  ///< see Checked
  static constexpr bool track_callers = true;  ///< see Checked
};

namespace detail {
/// Whether a policy has one of Debug's members.
template <class Policy>
inline constexpr bool has_guards =
    Policy::red_zone_bytes != 0 || Policy::verify_pattern || Policy::quarantine_objects != 0 ||
    Policy::zero != Zero::Never || Policy::track_callers;
}  // namespace detail

/// No checks: misuse is undefined behaviour. Needs no table of slots, and leaves alone one that the geometry has.
struct Unchecked : Checked {
  /// Misuse is not detected.
  static constexpr bool checks = false;
};

}  // namespace slab

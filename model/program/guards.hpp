#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/policy.hpp>

namespace slabproof {

/// Which of slab::Debug's members the policy of a cache has (docs/policy.md, "Debug"). None: it is Checked or
/// Unchecked.
enum class Guards : std::uint8_t { None, RedZone, Pattern, Quarantine, ZeroOnAlloc, ZeroOnFree, Debug };

/// Those members.
struct GuardFacts {
  std::size_t red_zone_bytes = 0;
  bool verify_pattern = false;
  std::size_t quarantine_objects = 0;
  slab::Zero zero = slab::Zero::Never;
  bool track_callers = false;

  // What is in a slot behind the object and its red zone, in bytes; what a policy adds to a slot; what its slots hold.
  [[nodiscard]] constexpr std::size_t callers_bytes() const { return track_callers ? 16 : 0; }
  [[nodiscard]] constexpr std::size_t added_bytes() const { return red_zone_bytes + callers_bytes(); }
  [[nodiscard]] constexpr std::uint8_t pattern() const { return zero == slab::Zero::OnFree ? 0 : 0xF5; }
  static constexpr std::uint8_t red_zone = 0xBD;

  friend bool operator==(const GuardFacts&, const GuardFacts&) = default;
};

constexpr GuardFacts facts_of(Guards guards) {
  switch (guards) {
    case Guards::None: return {};
    case Guards::RedZone: return {.red_zone_bytes = 5};  // odd, so that padding follows
    case Guards::Pattern: return {.verify_pattern = true};
    case Guards::Quarantine: return {.quarantine_objects = 2};
    case Guards::ZeroOnAlloc: return {.zero = slab::Zero::OnAlloc};
    case Guards::ZeroOnFree: return {.verify_pattern = true, .zero = slab::Zero::OnFree};
    case Guards::Debug:
      return {.red_zone_bytes = 16, .verify_pattern = true, .quarantine_objects = 64, .track_callers = true};
  }
  return {};
}

/// Whether the harness has such a policy with so many empty slabs kept. Each is a class of its own to compile: only
/// where objects leave a quarantine does that number matter to guards.
constexpr bool is_possible(Guards guards, std::uint8_t empty_slabs_kept) {
  if (guards == Guards::None) return true;
  return empty_slabs_kept == 1 || (empty_slabs_kept == 0 && facts_of(guards).quarantine_objects != 0);
}

/// The policy, but for its on_misuse.
template <Guards G>
struct Guarded : slab::Checked {
  static constexpr std::size_t red_zone_bytes = facts_of(G).red_zone_bytes;
  static constexpr bool verify_pattern = facts_of(G).verify_pattern;
  static constexpr std::size_t quarantine_objects = facts_of(G).quarantine_objects;
  static constexpr slab::Zero zero = facts_of(G).zero;
  static constexpr bool track_callers = facts_of(G).track_callers;
};
static_assert(facts_of(Guards::Debug) == GuardFacts{slab::Debug::red_zone_bytes, slab::Debug::verify_pattern,
                                                    slab::Debug::quarantine_objects, slab::Debug::zero,
                                                    slab::Debug::track_callers});

/// Calls `f` with Guarded<guards>{}.
template <class F>
constexpr auto with_guarded(Guards guards, F f) {
  switch (guards) {
    case Guards::RedZone: return f(Guarded<Guards::RedZone>{});
    case Guards::Pattern: return f(Guarded<Guards::Pattern>{});
    case Guards::Quarantine: return f(Guarded<Guards::Quarantine>{});
    case Guards::ZeroOnAlloc: return f(Guarded<Guards::ZeroOnAlloc>{});
    case Guards::ZeroOnFree: return f(Guarded<Guards::ZeroOnFree>{});
    case Guards::Debug: return f(Guarded<Guards::Debug>{});
    case Guards::None: break;
  }
  return f(Guarded<Guards::None>{});
}

}  // namespace slabproof

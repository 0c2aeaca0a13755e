#pragma once

#include <cstddef>

#include <slab/policy.hpp>

#include "properties/locked/judge.hpp"
#include "properties/locked/program.hpp"

namespace turns {

/// A policy of a program, whose reports the judge is told of.
template <class Of, std::size_t Kept>
struct TurnPolicy : Of {
  static constexpr std::size_t empty_slabs_kept = Kept;
  static void on_misuse(const slab::MisuseReport& report) noexcept { Judge::now->note(report); }
};
/// Some of what Debug has: less of it, for slabs as small as these.
struct Guarded : slab::Checked {
  static constexpr std::size_t red_zone_bytes = 8;
  static constexpr bool verify_pattern = true;
  static constexpr std::size_t quarantine_objects = 2;
};

/// f<Policy>(), with that of the setup.
template <class F>
void with_policy(const Setup& setup, F f) {
  switch (setup.policy) {
    case PolicyKind::Checked:
      return setup.empty_slabs_kept == 0 ? f.template operator()<TurnPolicy<slab::Checked, 0>>()
                                         : f.template operator()<TurnPolicy<slab::Checked, 1>>();
    case PolicyKind::Unchecked: return f.template operator()<TurnPolicy<slab::Unchecked, 1>>();
    case PolicyKind::Guarded: break;
  }
  f.template operator()<TurnPolicy<Guarded, 1>>();
}

}  // namespace turns

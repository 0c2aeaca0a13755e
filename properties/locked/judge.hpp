#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include <slab/misuse.hpp>

#include "model/judge/invariant.hpp"
#include "properties/locked/turns.hpp"
#ifdef SLABPROOF_ABLATION
#include "model/judge/ablation.hpp"
#endif

namespace turns {

using slabproof::Invariant;
#ifdef SLABPROOF_ABLATION
using slabproof::is_left_out;
#else
constexpr bool is_left_out(Invariant, const char*) { return false; }
#endif

/// What did not hold: a row of docs/invariants.md, or of a death Invariant::None.
struct Violation {
  Invariant invariant;
  const char* what;
  friend bool operator==(const Violation&, const Violation&) = default;
};

/// A CPU, and what its operation may do. The last one is whoever is at work before the CPUs begin and after they end.
struct CpuState {
  bool has_interrupts = true;  // the interrupt flag
  bool was_refused = false;  // the backend refused a call of the operation
  bool may_ask_backend = true;  // for memory, or give it back
  std::size_t given_back = 0;  // slabs
  std::size_t expected_reports = 0;
};

/// What a run is judged by. The first that does not hold is kept.
struct Judge {
  static inline Judge* now = nullptr;

  explicit Judge(Cpus& of) : cpus{of} {}

  void require(bool holds, Invariant invariant, const char* what) {
    if (!holds && !violation && !is_left_out(invariant, what)) violation = Violation{invariant, what};
  }
  [[nodiscard]] std::size_t cpu() const { return cpus.current() == Cpus::none ? Cpus::most : cpus.current(); }
  [[nodiscard]] CpuState& state() { return states[cpu()]; }
  [[nodiscard]] bool holds_lock() const { return !is_free && holder == cpu(); }

  /// Of a call of the backend that makes a slab or takes one back: the lock is not held, and others may come first.
  void begin_unlocked(const char* what) {
    require(!holds_lock(), Invariant::K1, what);
    require(state().may_ask_backend, Invariant::K9,
            "alloc_no_grow and free_deferred neither make nor give back a slab");
    if (takes_turns_at_calls) cpus.turn();
  }
  void begin_locked(const char* what) { require(!is_run || holds_lock(), Invariant::K2, what); }

  /// A misuse is reported. on_misuse calls the cache, of which an operation on two CPUs would not notice.
  void note(const slab::MisuseReport& report) {
    require(!holds_lock(), Invariant::K1, "the lock is not held while on_misuse is called");
    const bool is_expected = state().expected_reports > 0 && report.kind == slab::Misuse::InteriorPointer;
    require(is_expected, Invariant::K8, "nothing is reported where nothing is misused");
    if (!is_expected) return;
    --state().expected_reports;
    call_cache();
  }

  Cpus& cpus;
  std::optional<Violation> violation;
  bool is_free = true;  // the lock
  std::size_t holder = 0;  // of it
  bool is_run = false;
  bool takes_turns_at_calls = false;  // of the backend, besides those of the lock
  std::array<CpuState, Cpus::most + 1> states{};
  std::function<void()> call_cache;
};

}  // namespace turns

#pragma once

#include <cstdint>

namespace slab {
class Inspector;  // slab_info.hpp
}  // namespace slab

namespace slab::detail {

/// Says that a cache is at work, so that a call from its backend, from a visitor or from an interrupt can be refused.
/// The fences keep the compiler from moving what an interrupt could see out of the time between enter() and leave().
template <bool Checks>
class BusyMark {
 public:
  [[nodiscard, gnu::always_inline]] bool is_set() const noexcept { return state_ != Idle; }
  [[gnu::always_inline]] void enter() noexcept {
    state_ = AtWork;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
  [[gnu::always_inline]] void leave() noexcept {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    state_ = Idle;
  }

  /// False while a refusal is being reported.
  [[nodiscard]] bool begin_refusal() noexcept {
    if (state_ == Refusing) return false;
    state_ = Refusing;
    return true;
  }
  void end_refusal() noexcept { state_ = AtWork; }

  /// Keeps the mark set while it lives, and then as it was.
  class Scope {
   public:
    explicit Scope(BusyMark& mark) noexcept : mark_{mark}, state_{mark.state_} {
      if (state_ == Idle) mark_.enter();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      if (state_ == Idle) mark_.leave();
    }

   private:
    BusyMark& mark_;
    std::uint8_t state_;
  };

 private:
  friend Inspector;

  enum : std::uint8_t { Idle, AtWork, Refusing };
  std::uint8_t state_ = Idle;
};

/// Unchecked: nothing is marked.
template <>
class BusyMark<false> {
 public:
  [[nodiscard]] static constexpr bool is_set() noexcept { return false; }
  static void enter() noexcept {}
  static void leave() noexcept {}
  [[nodiscard]] static constexpr bool begin_refusal() noexcept { return false; }
  static void end_refusal() noexcept {}
};

}  // namespace slab::detail

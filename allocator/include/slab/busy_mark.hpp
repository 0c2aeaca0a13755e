#pragma once

namespace slab {
class Inspector;  // slab_info.hpp
}  // namespace slab

namespace slab::detail {

/// Says that a cache is at work, so that a call from its backend, from on_misuse or from an interrupt can be refused.
/// The fences keep the compiler from moving what an interrupt could see out of the time between enter() and leave().
template <bool Checks>
class BusyMark {
 public:
  [[nodiscard, gnu::always_inline]] bool is_set() const noexcept { return is_set_; }
  [[gnu::always_inline]] void enter() noexcept {
    is_set_ = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
  [[gnu::always_inline]] void leave() noexcept {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    is_set_ = false;
  }

 private:
  friend Inspector;

  bool is_set_ = false;
};

/// Unchecked: nothing is marked.
template <>
class BusyMark<false> {
 public:
  [[nodiscard]] static constexpr bool is_set() noexcept { return false; }
  static void enter() noexcept {}
  static void leave() noexcept {}
};

}  // namespace slab::detail

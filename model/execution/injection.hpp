#pragma once

#include <cstdint>

#include "model/program/operation.hpp"

namespace slabproof {

/// Which calls of a backend fail, and how, as Fail and Recover say.
class Injection {
 public:
  enum class Outcome : std::uint8_t { None, Refuse, Misalign };

  void arm(const Operation& operation) {
    is_armed_ = true;
    failure_ = operation.failure();
    calls_let_through_ = operation.argument;
  }
  void disarm() { is_armed_ = false; }
  /// Of a call that the backend has got.
  [[nodiscard]] Outcome outcome_of(FailingCall call) {
    if (!is_armed_ || (failure_.call != FailingCall::Any && failure_.call != call)) return Outcome::None;
    if (!Failure{call, failure_.mode}.is_possible()) return Outcome::None;
    if (calls_let_through_ > 0) return --calls_let_through_, Outcome::None;
    if (failure_.mode != FailureMode::Always) is_armed_ = false;
    return failure_.mode == FailureMode::Misaligned ? Outcome::Misalign : Outcome::Refuse;
  }

 private:
  bool is_armed_ = false;
  Failure failure_;
  std::uint32_t calls_let_through_ = 0;
};

}  // namespace slabproof

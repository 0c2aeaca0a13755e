#pragma once

#include <cstdint>

#include "model/program/named.hpp"

namespace slabproof {

/// Which backend call fails. The values are those of the byte form, for good.
enum class FailingCall : std::uint8_t { Any = 0, AllocSlab = 1, AllocSlabInfo = 2, SaveSlabInfo = 3 };
constexpr Named<FailingCall> failing_calls[] = {{FailingCall::Any, "any"},
                                                {FailingCall::AllocSlab, "alloc_slab"},
                                                {FailingCall::AllocSlabInfo, "alloc_slab_info"},
                                                {FailingCall::SaveSlabInfo, "save_slab_info"}};
constexpr const char* to_string(FailingCall call) { return name_in(failing_calls, call); }

/// Once; from then on; or once, with memory that is misaligned. The values are those of the byte form, for good.
enum class FailureMode : std::uint8_t { Once = 0, Always = 1, Misaligned = 2 };
constexpr Named<FailureMode> failure_modes[] = {
    {FailureMode::Once, "once"}, {FailureMode::Always, "always"}, {FailureMode::Misaligned, "misaligned"}};
constexpr const char* to_string(FailureMode mode) { return name_in(failure_modes, mode); }

/// How a backend fails, in one byte as Operation::detail has it.
struct Failure {
  FailingCall call = FailingCall::Any;
  FailureMode mode = FailureMode::Once;

  /// A save hands out no memory that could be misaligned.
  [[nodiscard]] constexpr bool is_possible() const {
    return mode != FailureMode::Misaligned || call != FailingCall::SaveSlabInfo;
  }
  /// This failure, or a possible one instead.
  [[nodiscard]] constexpr Failure made_possible() const {
    return {is_possible() ? call : FailingCall::AllocSlab, mode};
  }
  [[nodiscard]] constexpr std::uint8_t packed() const {
    return static_cast<std::uint8_t>(static_cast<unsigned>(call) | static_cast<unsigned>(mode) << 2);
  }
  [[nodiscard]] static constexpr Failure unpacked(std::uint8_t detail) {
    return {static_cast<FailingCall>(detail & 3), static_cast<FailureMode>(detail >> 2)};
  }
};

}  // namespace slabproof

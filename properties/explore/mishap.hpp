#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/operation.hpp"

namespace slabproof {

/// What others do in the middle of the operation of a transition: the backend errs or calls the cache, or the cache's
/// on_misuse calls it, or both. Packed into 32 bits.
struct Mishap {
  enum class OfBackend : std::uint8_t { None, Errs, CallsBack };

  OfBackend of_backend = OfBackend::None;
  std::uint8_t detail = 0;  // a BackendError, or a ReentrantCall
  std::uint8_t let_be = 0;  // backend calls before it: of those that can err so, or of all
  bool answers = false;     // on_misuse calls
  ReentrantCall answer{};

  [[nodiscard]] constexpr bool is_any() const { return answers || of_backend != OfBackend::None; }
  /// Operations of a program that arm it.
  [[nodiscard]] constexpr std::uint32_t operations() const {
    return std::uint32_t{answers} + (of_backend != OfBackend::None);
  }
  /// Whether a program can say it: there, a backend calls back in the first call that it gets.
  [[nodiscard]] constexpr bool is_expressible() const { return of_backend != OfBackend::CallsBack || let_be == 0; }
  [[nodiscard]] constexpr Operation operation_of_backend(std::uint8_t cache) const {
    if (of_backend == OfBackend::Errs) return {.kind = OperationKind::Fault, .detail = detail, .argument = let_be};
    return {.kind = OperationKind::Reenter, .target = cache, .detail = detail};
  }
  [[nodiscard]] constexpr Operation operation_of_handler(std::uint8_t cache) const {
    return {.kind = OperationKind::CallOnMisuse, .target = cache, .detail = static_cast<std::uint8_t>(answer)};
  }

  [[nodiscard]] constexpr std::uint32_t packed() const {
    return static_cast<std::uint32_t>(of_backend) | std::uint32_t{detail} << 2 | std::uint32_t{answers} << 5 |
           static_cast<std::uint32_t>(answer) << 6 | std::uint32_t{let_be} << 9;
  }
  [[nodiscard]] static constexpr Mishap unpacked(std::uint32_t packed) {
    return {.of_backend = static_cast<OfBackend>(packed & 3),
            .detail = static_cast<std::uint8_t>(packed >> 2 & 7),
            .let_be = static_cast<std::uint8_t>(packed >> 9),
            .answers = (packed >> 5 & 1) != 0,
            .answer = static_cast<ReentrantCall>(packed >> 6 & 7)};
  }
  friend constexpr bool operator==(const Mishap&, const Mishap&) = default;
};

static_assert(Mishap::unpacked(Mishap{Mishap::OfBackend::CallsBack, 7, 63, true, ReentrantCall::Shrink}.packed()) ==
              Mishap{Mishap::OfBackend::CallsBack, 7, 63, true, ReentrantCall::Shrink});

}  // namespace slabproof

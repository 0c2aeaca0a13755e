#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/judge/cause.hpp"
#include "model/judge/invariant.hpp"
#include "model/judge/step_kind.hpp"

namespace slabproof {

/// An invariant of docs/invariants.md that did not hold.
struct Violation {
  Invariant invariant = Invariant::None;
  Cause cause = Cause::None;
  std::string expected;  // for people, as the next one
  std::string observed;
};

/// What ended a process that died.
enum class DeathBy : std::uint8_t { None, AddressSanitizer, UndefinedBehaviorSanitizer, SignalOrExit };

/// How a program ended. `step` counts operations from 0; one past the last is the end of the
/// program, where everything is freed and the caches are destroyed.
struct Verdict {
  enum class Kind : std::uint8_t { Agreed, Violated, Died, Hung };

  Kind kind = Kind::Agreed;
  std::uint32_t step = 0;
  StepKind operation;
  Violation violation;                // of Violated
  DeathBy death_by = DeathBy::None;   // of Died
  std::string death;  // of Died: the sanitizer's own sentence, or the signal and what was said before it
  std::string frame;  // of Died: the first function of the allocator in the report
  std::vector<std::string> frames{};  // of Died: the first functions of the project, with file and line
  /// Of Died and Hung: the expected result of the call under way, with the id of its invariant. Empty when no cache was
  /// being called.
  Invariant due_invariant = Invariant::None;
  std::string due{};

  [[nodiscard]] bool agreed() const { return kind == Kind::Agreed; }
  /// Tells failures apart: the invariant or the death, with the operation's kind.
  [[nodiscard]] std::string signature() const;
  /// One line, for people.
  [[nodiscard]] std::string sentence() const;
  /// Of Died and Hung: the expected result and, line by line, where in the project the program ended; else empty.
  [[nodiscard]] std::string explanation() const;
};

/// The first violation of a run; later ones are consequences and are dropped.
class Judgement {
 public:
  /// Of a program from whose judge checks are left out, this function is in model/judge/ablation.cpp.
  void violate(Invariant invariant, Cause cause, std::string expected, std::string observed);
  [[nodiscard]] bool violated() const { return violation_.has_value(); }
  [[nodiscard]] const std::optional<Violation>& violation() const { return violation_; }
  void reset() { violation_.reset(); }

 private:
  std::optional<Violation> violation_;
};

}  // namespace slabproof

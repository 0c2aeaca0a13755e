#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/judge/runner.hpp"
#include "model/program/program.hpp"
#include "model/subject/tested_subject.hpp"
#include "properties/explore/key_hash.hpp"
#include "properties/explore/subject/state.hpp"

namespace slabproof {

/// What the programs of a world may ask for. A pool has one size and one alignment, a heap each of some.
struct SubjectBounds {
  std::vector<std::uint32_t> sizes, aligns;
  std::size_t live = 4;                             // objects at once
  std::size_t memory = 0;                           // bytes taken, in states from which it goes on
};

/// One step of a program: an operation, perhaps with a request for memory that is refused. The object is the n-th live
/// one by address, or the n-th dead one, so that it means the same in two equal states.
struct SubjectStep {
  std::uint8_t choice = 0;   // of SubjectWorld::choices()
  std::uint8_t refused = 0;  // 0: none; else which request, from 1
  std::uint16_t object = 0;

  [[nodiscard]] std::uint32_t packed() const {
    return std::uint32_t{choice} << 24 | std::uint32_t{refused} << 16 | object;
  }
  [[nodiscard]] static SubjectStep unpacked(std::uint32_t packed) {
    return {static_cast<std::uint8_t>(packed >> 24), static_cast<std::uint8_t>(packed >> 16),
            static_cast<std::uint16_t>(packed)};
  }
  /// In a program.
  [[nodiscard]] std::size_t operations() const { return refused ? 2 : 1; }
};

/// The operations of the run under way, in memory shared with a parent process, so that a death has a program.
struct TakenOperations {
  static constexpr std::uint32_t most = Limits::max_operations;
  volatile std::uint32_t size;
  Operation operations[most];

  [[nodiscard]] std::span<const Operation> all() const { return {operations, size}; }
};

/// Any pool or heap, alone, with its memory side by side. A state is reached by running a program from the start, on
/// the same addresses each time; what was written to globals that it names is taken back first. Objects hold what
/// follows from their addresses, so that programs which only differ in which object was where leave the same bytes.
class SubjectWorld {
 public:
  /// Of a state: the most bytes that may be taken, as many of the subject and its globals, and what the judge expects,
  /// for which there is as much again.
  static constexpr std::size_t max_words = 3 * Arena::slab_region / 8;
  static constexpr std::size_t most_choices = 255;
  static constexpr std::uint32_t most_refused = 200;

  SubjectWorld(const TestedSubject& subject, const SubjectBounds& bounds, TakenOperations& taken);

  /// Operations that may be asked for, without their objects.
  [[nodiscard]] const std::vector<Operation>& choices() const { return choices_; }
  /// Whether nothing can follow it: a wrong free that is told by abort().
  [[nodiscard]] bool is_last(const SubjectStep& step) const;

  // Running. False once an invariant did not hold, as in Runner.
  bool start();
  /// Takes the operations of an earlier run again, without checking each.
  bool follow(std::span<const Operation> operations);
  bool take(const SubjectStep& step);
  /// What the run took since start(), a refusal and what it is for one after the other.
  [[nodiscard]] std::span<const Operation> taken() const { return taken_.all(); }
  /// The following steps are checked one by one, after so many operations.
  void check_from(std::size_t operations);

  // Of the present state.
  /// All steps that can be taken, without refusals. There is no wrong free among them once one has left other bytes
  /// than before: its subject counts them, and there would be no end of states.
  void list_steps(std::vector<SubjectStep>& steps);
  /// Ends the process, with the reason, where a state is larger than max_words.
  [[nodiscard]] Hash128 hash();
  [[nodiscard]] bool is_within_bounds() const { return memory_taken() <= bounds_.memory; }
  /// The first live object that is in no memory that the state is read from; else null.
  [[nodiscard]] const KnownObject* find_outside();
  /// Bytes that it has taken.
  [[nodiscard]] std::size_t memory_taken() const { return SubjectStateAccess::memory_taken(runner_); }
  /// Requests for memory in the last step.
  [[nodiscard]] std::uint32_t requests() const { return requests_; }

  [[nodiscard]] Runner& runner() { return runner_; }
  [[nodiscard]] const Setup& setup() const { return setup_; }
  [[nodiscard]] std::size_t size_of_globals() const;

 private:
  void add_choices(const Language& language);
  bool execute(Operation operation);

  SubjectBounds bounds_;
  Setup setup_;
  Runner runner_;
  std::vector<std::span<std::byte>> globals_;
  std::vector<std::vector<std::byte>> first_globals_;  // before anything ran
  TakenOperations& taken_;
  std::vector<Operation> choices_;
  std::vector<KnownObject> live_, dead_;
  std::vector<std::uint64_t> words_;
  KeyHash hash_;
  std::uint32_t births_ = 0, requests_ = 0;
  bool has_noted_misuse_ = false;  // a wrong free has left other bytes than before
};

}  // namespace slabproof

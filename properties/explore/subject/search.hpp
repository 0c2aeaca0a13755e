#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/process/shared_violation.hpp"
#include "properties/explore/subject/world.hpp"
#include "properties/explore/visited_set.hpp"

namespace slabproof {

struct SubjectCounts {
  std::uint64_t states = 0, transitions = 0;
  std::uint64_t refused = 0;  // transitions in which a request for memory was refused
  std::uint64_t beyond = 0;   // that took more memory than the bound, from which it does not go on
  std::uint64_t merges = 0;   // that led to a state already seen
  std::uint64_t compared = 0; // of these, in which both programs were gone on with
  std::uint32_t live = 0;     // the most objects at once
  std::uint32_t depth = 0;    // operations to the state that is farthest from the first
  std::uint32_t longest = 0;  // operations of the longest programs that all agreed
  double seconds = 0;
};

enum class SubjectOutcome : std::uint8_t { Complete, Failed, AtLimit, Stopped, Elsewhere };

/// How it was seen that the state lies elsewhere too.
enum class SeenElsewhere : std::uint8_t {
  ObjectOutside,  // of the subject, its memory and the globals that it names
  NotTheSame,     // the same program again
  GoesOnOtherwise,  // after two programs that left the same bytes
};

/// What a search tells its parent process through shared memory, as it becomes known.
struct SubjectReport {
  SubjectCounts counts;
  SubjectOutcome outcome;
  volatile bool finished, stop;
  volatile bool is_comparing;  // programs that are longer than those of the search
  SeenElsewhere elsewhere;
  SharedViolation violation;
  TakenOperations taken;  // of a failure the program
};

/// Whether programs that left the same bytes are gone on with, to see that they do the same.
enum class Comparing : std::uint8_t { Yes, No };

/// Visits every state of a world, breadth first in operations: the first failure has a shortest program. Each
/// transition is a program from the start, with all checks after its last operation and at its end.
class SubjectSearch {
 public:
  SubjectSearch(SubjectWorld& world, GrowingArray<Step>& steps, SubjectReport& report, Comparing comparing);
  void run();

 private:
  static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
  static constexpr std::uint64_t compared_at_first = 200, compared_then_of = 50, steps_of_comparison = 6;

  /// A step from a state whose requests for memory are refused in turn, when programs of that length are due.
  struct Refusable {
    std::uint32_t state;
    SubjectStep step;
    std::uint32_t requests;
  };

  [[nodiscard]] bool over() const { return report_.outcome != SubjectOutcome::Complete; }
  void expand(std::uint32_t state);
  void refuse(const std::vector<Refusable>& refusables);
  bool arrive(std::uint32_t state);
  void try_step(std::uint32_t state, const SubjectStep& step);
  bool judge();
  void remember(std::uint32_t state, const SubjectStep& step, const Hash128& hash);
  bool run_path(std::uint32_t state);
  void compare(std::uint32_t other);
  [[nodiscard]] std::vector<Hash128> go_on(std::uint64_t seed);
  void see(SeenElsewhere how);

  SubjectWorld& world_;
  GrowingArray<Step>& steps_of_states_;
  SubjectReport& report_;
  SubjectCounts& counts_;
  Comparing comparing_;
  VisitedSet visited_;
  std::vector<std::uint32_t> next_;  // states found at the next length
  std::vector<Refusable> refusables_;
  std::vector<SubjectStep> steps_, path_;
  std::vector<Operation> prefix_, carried_;
};

}  // namespace slabproof

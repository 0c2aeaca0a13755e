#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "properties/explore/explorer.hpp"
#include "properties/explore/frontier.hpp"
#include "properties/explore/key_hash.hpp"
#include "properties/explore/mishap.hpp"
#include "properties/explore/place_picks.hpp"
#include "properties/explore/search_progress.hpp"
#include "properties/explore/search_report.hpp"
#include "properties/explore/visited_set.hpp"
#include "properties/explore/world.hpp"

namespace slabproof {

/// Whether the end of the program is tried in each state, which is needed for a counterexample to be a shortest
/// program.
enum class ProgramEnds : std::uint8_t { LeftOut, Tried };

/// Visits every state of a world, breadth first, and writes what it finds to the report: of several defects one with a
/// shortest program.
class Search {
 public:
  Search(const ExploreOptions& options, World& world, GrowingArray<Step>& steps, SearchReport& report,
         ProgramEnds program_ends);
  void run();

 private:
  static constexpr std::uint32_t no_defect = ~std::uint32_t{0};
  // Of an object until the next load().
  static constexpr std::uint32_t spare_ordinal = SmallState::max_slabs * SmallState::max_slots;

  /// Nothing shorter can be found, or memory has run out.
  [[nodiscard]] bool over() const { return report_.outcome != Exploration::Outcome::Complete || cost_ <= 1; }
  [[nodiscard]] SmallState::Slab slab_of_state(std::size_t place) const;
  [[nodiscard]] bool has_stray_write() const;

  void expand_all();
  // Those that audit() accepts and that no program leads to: induction/search_accepted.cpp.
  void add_accepted_states();
  void explore_wide(Search& wide);
  void describe_accepted_state();
  [[nodiscard]] std::size_t place_of_info(std::uintptr_t info) const;

  // Transitions from the state being expanded.
  void expand();
  void try_operation(OperationKind kind, std::uint8_t cache);
  void try_in_slots(OperationKind kind, std::uint8_t cache);
  void try_once(const Transition& transition);
  void end_program();
  void try_all_choices(Transition transition);
  void fail_each(Transition transition, std::uint32_t calls, const Choices& choices);
  [[nodiscard]] static Operation operation_of(const Transition& transition);
  void take(const Transition& transition);
  void remember(std::uint32_t from, const Transition& transition);
  void go_back();
  [[nodiscard]] bool is_state(std::size_t words) const;

  // Misuses in it, which lead to no other state: search_pointers.cpp.
  void free_all_pointers();
  void blame_pointer(std::uint8_t cache, std::uintptr_t begin, std::uintptr_t end);
  void corrupt_all_links();

  // What others do in the middle of operations, which leads to no other state either: search_mishaps.cpp.
  struct Error {
    Mishap mishap;
    Transition transition;
  };
  [[nodiscard]] bool may_be_upset(const Transition& transition) const;
  void upset(const Transition& transition, std::size_t slabs_made);
  void call_back_in_each(const Transition& transition);
  void err_in_each(const Transition& transition, std::size_t slabs_made);
  void answer_each(const Transition& transition);
  void answer_all();
  void answer_with(ReentrantCall call, std::uint8_t cache, std::uint8_t places);
  void find_misuses(std::uint8_t cache);
  void expect_state_of_key();
  [[nodiscard]] bool expect_state_after(ReentrantCall call, std::uint8_t cache, std::uint8_t places);
  bool suffer(const Mishap& mishap, const Transition& transition, std::uint8_t places);

  // Defects.
  enum class Expressible : bool { No, Yes };  // as far as is known, by a program on which the runner fails
  void judge(const Transition& transition, std::uintptr_t stray);
  void found(const Transition& transition, std::uintptr_t stray, const Violation& violation, Expressible expressible,
             const Mishap& mishap = {});

  void tell();

  const ExploreOptions& options_;
  World& world_;
  SearchReport& report_;
  ExploreCounts& counts_;
  volatile std::uint64_t* is_alive_ = &report_.is_alive;
  ProgramEnds program_ends_;
  bool ends_only_ = false;
  KeyHash hash_;
  VisitedSet visited_;
  Frontier frontier_;
  SearchProgress progress_;
  FrontierState state_;    // being expanded
  bool is_there_ = false;  // the world is in that state
  std::uint64_t key_[World::max_words];
  std::size_t words_of_key_ = 0;
  std::vector<std::uint64_t> memory_before_, memory_after_;
  bool suffers_ = false;  // in this state mishaps are tried
  std::uint64_t expected_key_[World::max_words];  // after one
  std::size_t expected_words_ = 0;
  std::vector<Transition> misuses_;
  std::vector<Error> errors_;  // that the backend can make in this state
  std::uint32_t cost_ = no_defect;  // of the defect found, in operations from the present depth
  bool found_inexpressible_ = false;
  std::uint32_t accepted_states_ = 0;  // with those that programs lead to, once all of them are known
  std::uint32_t defect_state_ = nowhere;
  Transition defect_transition_;
  Mishap defect_mishap_;
};

}  // namespace slabproof

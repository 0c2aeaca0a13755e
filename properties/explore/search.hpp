#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "properties/explore/explorer.hpp"
#include "properties/explore/frontier.hpp"
#include "properties/explore/key_hash.hpp"
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

  /// Nothing shorter can be found, or memory has run out.
  [[nodiscard]] bool over() const { return report_.outcome != Exploration::Outcome::Complete || cost_ <= 1; }
  [[nodiscard]] SmallState::Slab slab_of_state(std::size_t place) const;
  [[nodiscard]] bool has_stray_write() const;

  // Transitions from the state being expanded.
  void expand();
  void try_operation(OperationKind kind, std::uint8_t cache);
  void try_in_slots(OperationKind kind, std::uint8_t cache);
  void end_program();
  void try_all_choices(Transition transition);
  void fail_each(Transition transition, std::uint32_t calls, const Choices& choices);
  void take(const Transition& transition);
  void remember(std::uint32_t from, const Transition& transition);
  void go_back();
  [[nodiscard]] bool is_state(std::size_t words) const;

  // Misuses in it, which lead to no other state: search_pointers.cpp.
  void free_all_pointers();
  void blame_pointer(std::uint8_t cache, std::uintptr_t begin, std::uintptr_t end);
  void corrupt_all_links();

  // Defects.
  enum class Expressible : bool { No, Yes };  // as far as is known, by a program on which the runner fails
  void judge(const Transition& transition, std::uintptr_t stray);
  void found(const Transition& transition, std::uintptr_t stray, const Violation& violation, Expressible expressible);

  void tell();

  const ExploreOptions& options_;
  World& world_;
  SearchReport& report_;
  ExploreCounts& counts_;
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
  std::uint32_t cost_ = no_defect;  // of the defect found, in operations
  bool found_inexpressible_ = false;
  std::uint32_t defect_state_ = nowhere;
  Transition defect_transition_;
};

}  // namespace slabproof

#include "properties/explore/search.hpp"

#include <algorithm>
#include <cstring>

#include "properties/explore/counterexample.hpp"

namespace slabproof {
namespace {

using enum OperationKind;

constexpr std::uint64_t hash_seed = 1;

}  // namespace

Search::Search(const ExploreOptions& options, World& world, GrowingArray<Step>& steps, SearchReport& report,
               ProgramEnds program_ends)
    : options_{options},
      world_{world},
      report_{report},
      counts_{report.counts},
      program_ends_{program_ends},
      hash_{hash_seed, World::max_words},
      visited_{steps},
      frontier_{options.memory},
      progress_{options.progress} {}

void Search::run() {
  using enum Exploration::Outcome;
  report_.state = nowhere;
  world_.runner().set_mark(&report_.mark);
  if (world_.start()) {
    words_of_key_ = world_.save(key_);
    remember(nowhere, {});
  } else {
    judge({}, 0);
  }
  expand_all();
  if (options_.every_accepted && report_.outcome == Complete && cost_ == no_defect && !found_inexpressible_) {
    add_accepted_states();
    expand_all();
    counts_.accepted.unforeseen = counts_.states - accepted_states_;
  }
  if (cost_ != no_defect || (report_.outcome == Complete && found_inexpressible_)) report_.outcome = Defect;
  counts_.digest = visited_.digest() ^ counts_.transitions * 0x9E3779B97F4A7C15u;
  if (report_.outcome != Defect) return;
  report_.state = defect_state_;
  report_.transition = defect_transition_.packed();
  report_.mishap = defect_mishap_.packed();
}

/// Every state that was found, and every one that is found from there.
void Search::expand_all() {
  using enum Exploration::Outcome;
  while (report_.outcome == Complete && frontier_.descend()) {
    while (!frontier_.done() && !over()) {
      state_ = frontier_.take();
      expand();
      tell();
    }
    counts_.depth += frontier_.found_more();
    if (cost_ == no_defect) continue;
    if (ends_only_ || program_ends_ == ProgramEnds::LeftOut || cost_ < 2) report_.outcome = Defect;
    // One operation more, and the end of the program, may be shorter than a failure, and two than a mishap.
    if (cost_ > 2)
      --cost_;
    else
      ends_only_ = true;
  }
}

SmallState::Slab Search::slab_of_state(std::size_t place) const {
  SmallState::Slab slab;
  std::memcpy(&slab, state_.key + place * (sizeof slab / 8), sizeof slab);
  return slab;
}

bool Search::has_stray_write() const {
  if (!world_.has_guards()) return false;
  SmallGuards guards;
  std::memcpy(&guards, state_.key + sizeof(SmallState) / 8, sizeof guards);
  return guards.written_slot != SmallGuards::nothing;
}

void Search::expand() {
  is_there_ = false;
  report_.state = state_.index;
  if (accepted_states_ > 0) describe_accepted_state();
  suffers_ = options_.mishaps && !has_stray_write();
  if (program_ends_ == ProgramEnds::Tried) end_program();
  if (ends_only_ || over()) return;
  for (std::uint8_t cache = 0; cache < world_.setup().cache_count && !over(); ++cache) {
    for (const Explored how : {Explored::PerPlace, Explored::PerLiveObject, Explored::PerSlot, Explored::PerCache})
      for (const OperationKind kind : operation_table.kinds)
        if (facts_of(kind).explored == how) try_operation(kind, cache);
  }
  if (suffers_) answer_all();
  if (!options_.pointers || has_stray_write()) return;
  if (!over()) free_all_pointers();
  if (!over()) corrupt_all_links();
}

void Search::try_operation(OperationKind kind, std::uint8_t cache) {
  const std::size_t objects = world_.layout(cache).objects_per_slab;
  switch (facts_of(kind).explored) {
    case Explored::No: return;
    case Explored::PerCache: return try_once({.kind = kind, .cache = cache});
    case Explored::PerPlace:
      if (parameter_of(kind) != Parameter::ObjectCount) return try_all_choices({.kind = kind, .cache = cache});
      for (std::size_t n = 1; n <= objects + options_.reserve_beyond; ++n)
        try_all_choices({.kind = kind, .cache = cache, .argument = static_cast<std::uint8_t>(n)});
      return;
    case Explored::PerLiveObject: return try_in_slots(kind, cache);
    case Explored::PerSlot:
      if (!provides(world_.cache(cache).guards, guard_of(kind)) || has_stray_write()) return;
      return try_in_slots(kind, cache);
  }
}

/// Of each object that may be named, and, if it is a stray write, to the first byte that it may be to and to the last.
void Search::try_in_slots(OperationKind kind, std::uint8_t cache) {
  const std::uint8_t picks = parameter_of(kind) == Parameter::Pick ? 2 : 1;
  for (std::size_t place = 0; place < world_.slabs(); ++place) {
    const SmallState::Slab slab = slab_of_state(place);
    if (slab.holder != cache || slab.abandoned) continue;
    const unsigned named = operand_of(kind) == Operand::DeadObject ? slab.handed_out & ~slab.live : slab.live;
    for (std::size_t slot = 0; slot < world_.layout(cache).objects_per_slab; ++slot)
      for (std::uint8_t pick = 0; pick < picks && named >> slot & 1; ++pick)
        try_once({.kind = kind, .cache = cache, .argument = Transition::slot_argument(place, slot), .picks = pick});
  }
}

void Search::try_once(const Transition& transition) {
  take(transition);
  upset(transition, 0);
}

/// Tries the end of a program in this state.
void Search::end_program() {
  go_back();
  const Transition end{.sort = Transition::Sort::EndOfProgram};
  report_.transition = end.packed();
  if (!world_.runner().finish()) judge(end, 0);
}

/// Every choice of places, and with each of them every failure and every mishap.
void Search::try_all_choices(Transition transition) {
  PlacePicks picks;
  Choices choices;
  do {
    transition.picks = picks.packed();
    take(transition);
    choices = world_.choices();
    const std::uint32_t calls = world_.backend().calls_that_may_fail();
    upset(transition, choices.made + choices.refused);
    if (calls > 0) fail_each(transition, calls, choices);
  } while (!over() && picks.advance(choices));
}

/// The transition, which makes `calls` that may fail, with each of them failing, and with each slab misaligned.
void Search::fail_each(Transition transition, std::uint32_t calls, const Choices& choices) {
  const auto each = [&](FailingCall call, FailureMode mode, std::size_t count) {
    transition.failure = Failure{call, mode}.packed();
    for (transition.failing = 1; transition.failing <= count && !over(); ++transition.failing) take(transition);
  };
  each(FailingCall::Any, FailureMode::Once, calls);
  each(FailingCall::AllocSlab, FailureMode::Misaligned, choices.made + choices.refused);
  if (world_.cache(transition.cache).row() == slab::Row::Large)
    each(FailingCall::AllocSlabInfo, FailureMode::Misaligned, choices.made);
}

/// Goes to the state that is being expanded. If the last transition left its key unchanged and asked for no memory, not
/// even dead bytes have changed, and nothing needs to be loaded.
void Search::go_back() {
  if (!is_there_) world_.load(state_.key);
  is_there_ = false;
}

/// Whether key_, of so many words, is of the state being expanded.
bool Search::is_state(std::size_t words) const {
  return words == state_.words && std::memcmp(key_, state_.key, words * 8) == 0;
}

Operation Search::operation_of(const Transition& transition) {
  return {.kind = transition.kind,
          .target = transition.cache,
          .object = names_old_object(transition.kind) ? transition.argument : spare_ordinal,
          .argument = parameter_of(transition.kind) == Parameter::ObjectCount ? transition.argument
                      : parameter_of(transition.kind) == Parameter::Pick      ? transition.picks
                                                                              : 0u};
}

void Search::take(const Transition& transition) {
  if (cost_ <= transition.operations()) return;
  go_back();
  Runner& runner = world_.runner();
  report_.transition = transition.packed();
  transition.choose(world_.choices());
  if (transition.failing) world_.backend().fail(transition.failure_operation());
  const std::size_t live = runner.reference().live().size();
  runner.step(operation_of(transition));
  ++counts_.transitions;
  counts_.failures += transition.failing != 0;
  counts_.refusals += world_.choices().refused;
  if (!runner.check()) return judge(transition, 0);
  words_of_key_ = world_.save(key_);
  const bool is_same = is_state(words_of_key_);
  is_there_ = is_same && world_.backend().calls_that_may_fail() == 0;
  const bool made_nothing = makes_object(transition.kind) && runner.reference().live().size() == live;
  const bool changes_nothing =
      transition.failing || world_.choices().refused || transition.kind == FreeNull || made_nothing;
  if (is_same) return;
  if (!changes_nothing) return remember(state_.index, transition);
  // In the state that it leads to, the runner may see the defect too.
  found(transition, 0,
        {transition.kind == Reserve    ? Invariant::B20
         : transition.kind == FreeNull ? Invariant::M10
                                       : Invariant::B15,
         Cause::ChangedByFailure, "the state as it was", "another one"},
        Expressible::No);
  remember(state_.index, transition);
}

/// The state whose key is in key_ is expanded later on, if it is new.
void Search::remember(std::uint32_t from, const Transition& transition) {
  const std::size_t words = words_of_key_;
  const std::size_t bytes = visited_.memory() + visited_.memory_to_grow() + frontier_.bytes_with(words);
  if (bytes > options_.memory || visited_.full()) {
    report_.outcome = Exploration::Outcome::OutOfMemory;
    return;
  }
  if (!visited_.insert(hash_(key_, words), {from, transition.packed()})) return;
  frontier_.add(visited_.size() - 1, key_, words);
  counts_.states = visited_.size();
}

void Search::judge(const Transition& transition, std::uintptr_t stray) {
  const bool expressible = stray == 0 || is_expressible(world_, transition.cache, stray);
  found(transition, stray, world_.runner().verdict().violation, Expressible{expressible});
}

void Search::found(const Transition& transition, std::uintptr_t stray, const Violation& violation,
                   Expressible expressible, const Mishap& mishap) {
  if (expressible == Expressible::No) {
    // This is a defect too, but another state may have one that a program can show.
    if (found_inexpressible_) return;
    found_inexpressible_ = true;
  } else {
    cost_ = mishap.operations() + transition.operations() + ends_only_;
  }
  if (cost_ <= 1 || accepted_states_ > 0) report_.outcome = Exploration::Outcome::Defect;
  defect_state_ = report_.state;
  defect_transition_ = transition;
  defect_mishap_ = mishap;
  report_.stray = stray;
  report_.violation.set(violation);
}

void Search::tell() {
  *is_alive_ = *is_alive_ + 1;
  const std::size_t of_state = (1 + state_.words) * 8;
  counts_.memory = visited_.memory();
  counts_.frontier = std::max(counts_.frontier, frontier_.bytes() + of_state);
  progress_.tell(counts_, frontier_.bytes() + of_state);
}

}  // namespace slabproof

// Accepted states in the search: which of them no program leads to, and why.
#include <cstring>
#include <vector>

#include "properties/explore/induction/accepted_states.hpp"
#include "properties/explore/induction/state_text.hpp"
#include "properties/explore/search.hpp"

namespace slabproof {
namespace {

constexpr std::size_t most_states = std::size_t{1} << 22;  // of the larger world

}  // namespace

/// Explores a larger world: with room for another slab, whose place is the last, as far as there may be one.
void Search::explore_wide(Search& wide) {
  const std::size_t slabs = world_.slabs();
  if (slabs == SmallState::max_slabs) return;
  if (world_.start_with(slabs + 1)) {
    wide.is_alive_ = &report_.is_alive;
    wide.words_of_key_ = world_.save(wide.key_);
    wide.remember(nowhere, {});
    wide.expand_all();
  }
  if (!world_.start_with(slabs)) judge({}, 0);
  world_.runner().set_mark(&report_.mark);
}

/// No place for none.
std::size_t Search::place_of_info(std::uintptr_t info) const {
  std::size_t place = 0;
  while (place < world_.slabs() && world_.info_of(place, 0) != info) ++place;
  return place < world_.slabs() ? place : SmallState::max_slabs;
}

void Search::add_accepted_states() {
  AcceptedCounts& counts = counts_.accepted;
  counts.reachable = visited_.size();
  ExploreOptions options = options_;
  options.every_accepted = options.pointers = options.mishaps = false;
  options.progress = nullptr;
  options.reserve_beyond += world_.layout(0).objects_per_slab;
  GrowingArray<Step> steps{most_states, GrowingArray<Step>::Sharing::Private};
  SearchReport report{};
  Search wide{options, world_, steps, report, ProgramEnds::LeftOut};
  explore_wide(wide);
  std::vector<bool> is_accepted(visited_.size());
  const auto visit = [&] {
    words_of_key_ = world_.save(key_);
    const Hash128 hash = hash_(key_, words_of_key_);
    const bool is_new = !visited_.contains(hash);
    if (is_new) remember(nowhere, {});
    if (report_.outcome != Exploration::Outcome::Complete) return;
    const std::uint32_t index = visited_.index_of(hash);
    const bool is_reachable = index < is_accepted.size();
    if (is_reachable ? is_accepted[index] : !is_new) return;
    if (is_reachable) is_accepted[index] = true;
    SmallState state;
    std::memcpy(&state, key_, sizeof state);
    const CacheMembers members = world_.runner().subject(0)->members();
    Unreachable kind = unreachable_kind(state, world_.layout(0).objects_per_slab, world_.cache(0).empty_slabs_kept,
                                        place_of_info(members.slab_info), place_of_info(members.empty_front));
    if (is_reachable) {
      counts.misnamed += kind != Unreachable::Unknown;
      return;
    }
    if (kind == Unreachable::Unknown && wide.visited_.contains(hash)) kind = Unreachable::NeedsMore;
    ++counts.unreachable[static_cast<std::size_t>(kind)];
  };
  report_.accepted_state.set("an assignment of values to fields, of which audit() was asked");
  counts.audits_agree = visit_accepted_states(world_, counts, report_.is_alive, visit);
  for (const bool is : is_accepted) counts.missing += !is;
  accepted_states_ = visited_.size();
}

void Search::describe_accepted_state() {
  SmallState state;
  std::memcpy(&state, state_.key, sizeof state);
  world_.load(state_.key);
  is_there_ = true;
  report_.accepted_state.set(text_of_state(world_, state));
}

}  // namespace slabproof

#include "properties/explore/induction/state_text.hpp"

#include "model/subject/inspector.hpp"
#include "properties/explore/raw_memory.hpp"

namespace slabproof {
namespace {

/// The free slots that were used before, the next to be handed out first.
std::string free_slots(World& world, std::size_t place) {
  const CacheMembers members = world.runner().subject(0)->members();
  const std::uintptr_t base = world.place(place), info = world.info_of(place, 0);
  const bool checks = world.cache(0).checks;
  const SlotsMembers slots = members.slab_info == info ? members.slots : slab::Inspector::info_at(info, checks).slots;
  const std::size_t stride = world.layout(0).stride;
  std::string text;
  std::uint64_t at = slots.free_head;
  for (std::size_t left = world.layout(0).objects_per_slab; left > 0; --left) {
    const std::uint64_t slot = checks ? at : (at - base) / stride;
    if (slot >= slots.carved) break;
    text += (text.empty() ? " " : ",") + std::to_string(slot);
    at = checks ? word_at(world.table_of(place, 0)) >> 8 * slot & 0xFF : word_at(at);
  }
  return text.empty() ? text : ", free" + text;
}

}  // namespace

std::string text_of_state(World& world, const SmallState& state) {
  std::string text;
  for (std::size_t place = 0; place < world.slabs(); ++place) {
    const SmallState::Slab& slab = state.slabs[place];
    text += (place == 0 ? "slab " : "; slab ") + std::to_string(place) + ": ";
    if (slab.holder == SmallState::nobody) {
      text += "the backend's";
      continue;
    }
    if (slab.abandoned) {
      text += "left behind";
      continue;
    }
    for (std::size_t slot = 0; slot < world.layout(0).objects_per_slab; ++slot)
      text += slab.live >> slot & 1 ? '#' : slab.handed_out >> slot & 1 ? '.' : '_';
    text += free_slots(world, place);
    if (state.caches[0].current == world.place(place)) text += ", current";
    if (slab.listed > 0) text += ", partial, number " + std::to_string(slab.listed);
  }
  return text + "; " + std::to_string(state.caches[0].reserved_slabs) + " reserved, " +
         std::to_string(world.runner().subject(0)->members().kept_slabs) + " may stay";
}

}  // namespace slabproof

#include "properties/explore/induction/unreachable.hpp"

#include <bit>

namespace slabproof {
namespace {

/// A slab of the cache.
struct View {
  unsigned carved, used, listed;
  bool is_current;

  [[nodiscard]] bool is_left(std::size_t objects) const { return carved > 0 && carved < objects; }
};

/// Slots are carved in one slab until none is left there, and before any other slab is begun. So of those that are
/// begun and not used up, there is one, or those that were emptied meanwhile; it became partial before the others did.
bool is_left_early(const View* slabs, std::size_t count, std::size_t objects, bool has_current, bool is_reserved) {
  unsigned begun = 0, begun_in_use = 0;
  for (const View* slab = slabs; slab != slabs + count; ++slab) {
    if (!slab->is_left(objects)) continue;
    ++begun;
    begun_in_use += slab->used > 0 || slab->is_current;
    for (const View* other = slabs; other != slabs + count; ++other) {
      if (other == slab) continue;
      if (other->listed > 0 && (slab->is_current || other->listed < slab->listed)) return true;
      const bool is_other_empty = other->used == 0;
      if (slab->is_current && is_other_empty && slab->carved == 1 && !is_reserved) return true;
    }
  }
  return begun_in_use > 1 || begun > (has_current && is_reserved ? 2u : 1u);
}

}  // namespace

Unreachable unreachable_kind(const SmallState& state, std::size_t objects, std::size_t kept, std::size_t current,
                             std::size_t first_empty) {
  constexpr std::size_t most_reserved = 2;  // N + 1 objects
  View slabs[SmallState::max_slabs];
  std::size_t count = 0, free_objects = 0, empty = 0;
  const View* current_view = nullptr;
  bool has_unused = false, has_emptied = false, is_first_emptied = false;
  const std::size_t reserved = state.caches[0].reserved_slabs;
  for (std::size_t place = 0; place < SmallState::max_slabs; ++place) {
    const SmallState::Slab& slab = state.slabs[place];
    if (slab.holder == SmallState::nobody || slab.abandoned) continue;
    const auto carved = static_cast<unsigned>(std::popcount(slab.handed_out)),
               used = static_cast<unsigned>(std::popcount(slab.live));
    View& view = slabs[count++];
    view = {carved, used, slab.listed, place == current};
    if (view.is_current) current_view = &view;
    free_objects += objects - used;
    empty += used == 0;
    has_unused |= carved == 0;
    has_emptied |= carved > 0 && used == 0 && !view.is_current;
    is_first_emptied |= carved > 0 && place == first_empty;
  }
  if (reserved > count || (reserved > 0 && !current_view && free_objects <= (reserved - 1) * objects))
    return Unreachable::ReservedMore;
  if ((current_view && current_view->carved == 0) || (has_unused && reserved == 0)) return Unreachable::NeverUsed;
  if (is_left_early(slabs, count, objects, current_view != nullptr, reserved > 0)) return Unreachable::LeftEarly;
  const std::size_t may_stay = reserved > 0 ? most_reserved : kept;
  if (objects == 1 && (current_view ? is_first_emptied && current_view->used == 1 && empty >= may_stay : has_emptied))
    return Unreachable::EmptiedElsewhere;
  return Unreachable::Unknown;
}

}  // namespace slabproof

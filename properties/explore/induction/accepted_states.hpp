#pragma once

#include <cstdint>
#include <functional>

#include "properties/explore/induction/accepted_counts.hpp"
#include "properties/explore/world.hpp"

namespace slabproof {

/// Every state of a world's one cache that its audit() accepts, reachable or not. The fields are all that an audit can
/// read: the members of the cache, of each place the members of a SlabInfo, and its table of slots or what its slots
/// hold. Each takes these values, right ones and wrong ones: a pointer to a SlabInfo each of those in the world, or
/// null; a base each place, a byte beside its own, or null; a number 0 to one more than the most there can be; an entry
/// of a table, or the first free slot, each slot, one beyond the last, "no slot" and "live"; a link the address of each
/// slot of each slab, a byte beside one, or null; an owner the cache or nobody. Seals are right. Slabs are those on the
/// list of all slabs.
///
/// Calls `visit`, with the world in each such state between two operations: the model is made from the cache, the map
/// is the inverse of the bases, and each other place is free, or a slab that a cache destroyed before has left behind.
/// States that differ in what no key has are visited more than once. `is_alive` grows meanwhile. False if the audit of
/// the cache and the traced one disagree about an assignment.
[[nodiscard]] bool visit_accepted_states(World& world, AcceptedCounts& counts, volatile std::uint64_t& is_alive,
                                         const std::function<void()>& visit);

}  // namespace slabproof

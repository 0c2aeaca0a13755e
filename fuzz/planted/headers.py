"""The headers of the allocator that are edited."""

CORE, SLABS, SUPPLY, GEOMETRY, CACHE = (
    "cache_core.hpp", "cache_slabs.hpp", "slab_supply.hpp", "geometry.hpp", "cache.hpp")
LIST, SLOTS, BUSY, REPAIR = "slab_list.hpp", "slots.hpp", "busy_mark.hpp", "cache_repair.hpp"
GUARD, QUARANTINE, GUARDS, STATE = "slot_guard.hpp", "quarantine.hpp", "cache_guards.hpp", "cache_state.hpp"

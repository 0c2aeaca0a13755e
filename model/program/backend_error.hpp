#pragma once

#include <cstdint>

#include "model/program/named.hpp"

namespace slabproof {

/// What a backend gets wrong. The values are those of the byte form, for good.
enum class BackendError : std::uint8_t {
  SlabAgain = 0,   // alloc_slab hands out a slab that the cache has
  SlabInside = 1,  // or one that begins with the second page of such a slab
  InfoAgain = 2,   // alloc_slab_info hands out the memory of a SlabInfo that the cache has
  EntryStale = 3,  // the map has an entry for a page of the slab that alloc_slab hands out
  EntryLost = 4,   // the map says nothing of a page that was saved
  EntryWrong = 5,  // the map answers with the SlabInfo of another slab of the cache
};
constexpr Named<BackendError> backend_errors[] = {
    {BackendError::SlabAgain, "slab_again"}, {BackendError::SlabInside, "slab_inside"},
    {BackendError::InfoAgain, "info_again"}, {BackendError::EntryStale, "entry_stale"},
    {BackendError::EntryLost, "entry_lost"}, {BackendError::EntryWrong, "entry_wrong"}};
constexpr const char* to_string(BackendError error) { return name_in(backend_errors, error); }

}  // namespace slabproof

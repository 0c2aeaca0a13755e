#pragma once

#include <cstddef>
#include <cstdint>

namespace slabproof {

/// The numbers appear in event logs.
enum class BackendCall : std::uint8_t {
  AllocSlab,
  FreeSlab,
  SaveSlabInfo,
  GetSlabInfo,
  DeleteSlabInfo,
  AllocSlabInfo,
  FreeSlabInfo,
  // Of a pool or a heap, in pictures of a run and in no log; the last: all memory is refused to the call under way.
  TakeMemory,
  GiveMemory,
  RefuseMemory
};
constexpr std::size_t backend_calls = 7;  // of a slab cache

/// The most slabs that one backend hands out at once; the next alloc_slab is refused.
constexpr std::size_t max_slabs = 1536;

}  // namespace slabproof

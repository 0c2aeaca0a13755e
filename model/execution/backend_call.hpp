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
  FreeSlabInfo
};
constexpr std::size_t backend_calls = 7;

/// The most slabs that one backend hands out at once; the next alloc_slab is refused.
constexpr std::size_t max_slabs = 1536;

}  // namespace slabproof

#pragma once

#include <cstddef>
#include <cstdint>

namespace slab {

/// What a caller, or a stray write, did wrong. Where several apply, the cache reports the first in
/// the order ForeignPointer, OtherCache, SlabInfoPointer, TailWastePointer, InteriorPointer,
/// NeverAllocated, DoubleFree.
enum class Misuse : std::uint8_t {
  DoubleFree,         ///< the slot is free already
  InteriorPointer,    ///< into a slot, padding included, but not at its start
  SlabInfoPointer,    ///< into the slab's SlabInfo (Small rows)
  TailWastePointer,   ///< behind the last slot
  ForeignPointer,     ///< the backend knows no slab there (rows with a SlabInfo map)
  OtherCache,         ///< a slab of another cache
  NeverAllocated,     ///< a slot never handed out since its slab was made
  LiveAtDestruction,  ///< an object still allocated when its cache was destroyed
  CorruptedFreeList,  ///< the slab's table of slots was written to: its list of free slots leads nowhere sensible
  ReentrantCall,      ///< a call of a cache at work: from its backend or an interrupt
  CorruptedSlabInfo,  ///< a slab's SlabInfo was written to
  BackendFault,       ///< the backend gave memory that the cache has already, or its map says what was not saved
  WriteAfterFree,     ///< a freed slot was written to (Policy::verify_pattern); alloc() hands it out all the same
  WriteBeyondObject,  ///< the bytes behind an object were written to (Policy::red_zone_bytes); it stays allocated
};

/// The enumerator's name. O(1).
[[nodiscard]] constexpr const char* to_string(Misuse kind) noexcept {
  switch (kind) {
    case Misuse::DoubleFree: return "DoubleFree";
    case Misuse::InteriorPointer: return "InteriorPointer";
    case Misuse::SlabInfoPointer: return "SlabInfoPointer";
    case Misuse::TailWastePointer: return "TailWastePointer";
    case Misuse::ForeignPointer: return "ForeignPointer";
    case Misuse::OtherCache: return "OtherCache";
    case Misuse::NeverAllocated: return "NeverAllocated";
    case Misuse::LiveAtDestruction: return "LiveAtDestruction";
    case Misuse::CorruptedFreeList: return "CorruptedFreeList";
    case Misuse::ReentrantCall: return "ReentrantCall";
    case Misuse::CorruptedSlabInfo: return "CorruptedSlabInfo";
    case Misuse::BackendFault: return "BackendFault";
    case Misuse::WriteAfterFree: return "WriteAfterFree";
    case Misuse::WriteBeyondObject: return "WriteBeyondObject";
  }
  return "unknown Misuse";
}

/// One misuse, found before anything was written.
struct MisuseReport {
  Misuse kind;  ///< what was done wrong
  /// As given to free(), or null; LiveAtDestruction, WriteAfterFree: the object; CorruptedFreeList: the slab;
  /// CorruptedSlabInfo: the SlabInfo; BackendFault in alloc() or reserve(): the slab, or the memory for a SlabInfo.
  const void* pointer;
  const void* cache;  ///< the cache that was called
  /// Where the call returns to. In code compiled without optimisation that may be in one of slab's functions; where the
  /// call is the last thing a function does, it may be where that function returns to.
  const void* caller;
  std::size_t object_size;  ///< of the cache's objects, in bytes
  const char* cache_name;  ///< Policy::name
  /// WriteAfterFree, WriteBeyondObject: the first byte that was changed, counted from `pointer`.
  std::size_t offset = 0;
  std::size_t changed_bytes = 0;  ///< from there to the last one that was changed; 0 in other reports
  std::uint8_t found[8] = {};  ///< what they are now, the first eight at most
  /// Where the calls of alloc() and free() returned to that handed the slot out last and took it back last. Null:
  /// never, or no slot that was handed out is concerned, or the policy does not track callers.
  const void* allocated_by = nullptr;
  const void* freed_by = nullptr;  ///< see allocated_by
};

}  // namespace slab

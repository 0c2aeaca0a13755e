#pragma once

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
  ReentrantCall,      ///< a call of a cache at work: from its backend, on_misuse or an interrupt
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
  }
  return "unknown Misuse";
}

/// One misuse, found before anything was written.
struct MisuseReport {
  Misuse kind;  ///< what was done wrong
  /// As given; CorruptedFreeList: the slab; ReentrantCall: what free() was given, or null.
  const void* pointer;
  const void* cache;  ///< the cache that was called
};

}  // namespace slab

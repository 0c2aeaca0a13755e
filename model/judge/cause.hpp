#pragma once

#include <cstdint>

namespace slabproof {

/// What exactly did not hold of an invariant. The two together tell one check from another; what is said beside them is
/// for people.
enum class Cause : std::uint8_t {
  None,
  // Calls of the backend.
  CalledBackend,  // when nobody may, or what this row does not need
  CalledTwice,  // once would do
  NotAsked,  // whether there is room
  WrongOperation,  // one that neither makes nor gives back slabs did
  SlabNotNeeded,  // asked for while enough objects were free
  WrongSize,  // given to the backend
  NotOutstanding,  // given back or deleted, but nothing that the backend handed out or knows
  PageOutsideSlab,  // saved
  AddressInsidePage,  // saved
  PageSavedAgain,
  PageChanged,
  PageNotSaved,
  PageStillSaved,  // when its slab or SlabInfo went back
  WrongPage,  // looked up
  SlabInfoMisplaced,
  SlabInfoShared,  // by two slabs
  TwoSlabInfos,  // of one slab
  WrongSlabInfoCount,
  MisalignedSlabUsed,
  LeftPoisoned,  // given back so
  WrittenAfterReturn,
  AuditFailed,
  // Slabs that went back, or did not.
  LiveObjectsReturned,
  NewSlabReturned,  // though nothing failed
  EmptySlabReturned,  // though it may stay
  CurrentSlabReturned,
  EmptySlabKept,
  SlabKeptAfterFailure,
  MemoryKept,
  // What a call answered.
  ServedAfterFailure,  // an object, or true, though a backend call failed
  RefusedWithoutFailure,  // null, or false, though none did
  ChangedByFailure,  // statistics or slabs
  NullWithFreeObjects,
  ObjectWithoutFreeObjects,
  TooFewFreeObjects,  // after a true reserve
  WrongCount,
  OutsideMemory,  // where no object can be
  ReachesTooFar,
  Overlaps,
  Misaligned,
  BetweenSlots,
  WrongSlab,
  WrittenWhileLive,
  LiveObjectPoisoned,
  FreedObjectOpen,
  PaddingOpen,
  UnusedSlotOpen,
  TailWasteOpen,
  WriteToFreedObjectHeeded,
  DamageUnseen,  // a SlabInfo that was written to was believed
  DamagedSlabReturned,
  DamagedSlabUsed,
  WrongContents,  // of an object that is handed out
  InQuarantine,  // what was handed out
  NotTheOldest,  // of those in quarantine
  ErrorOfBackendHeeded,  // what the cache had already was used, or given back
  MemoryNotNeeded,  // taken while there was room
  NotZeroed,
  ContentsLost,  // by reallocate
  WrongUsableSize,
  WrongOwner,  // by owns()
  // The cache's own statements.
  WrongStride,
  WrongCapacity,
  NoObjects,
  WrongAllocatedCount,
  WrongStatistics,
  ChangedByMisuse,  // statistics
  UnexpectedReport,
  WrongReport,
  WrongReportCount,
  WrongChange,  // in a report of a write
  WrongCallers,
  Overlooked,  // by audit()
  // Geometry::make.
  WrongError,
  WrongSlabInfo,
  OtherArguments,
  // The parser.
  NoPlace,
  NothingExpected,
  TextRefused,
  OtherProgram,
  OtherBytes,
};

}  // namespace slabproof

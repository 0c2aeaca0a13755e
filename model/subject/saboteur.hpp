#pragma once

#include <cstdint>

#include "model/subject/subject.hpp"

namespace slabproof {

/// One way each in which a slab cache can be wrong. The table in model/subject/sabotage_test.cpp says what
/// the runner must find, and how.
enum class Sabotage : std::uint8_t {
  None,
  // Between the cache and the backend.
  AcceptsMisalignedSlab,
  AsksForAnotherPageSize,
  AsksForTwoSlabs,
  MapsPagesInSinglePage,
  AllocatesInfoInMultiPage,
  BreaksListInCallback,
  BreaksListInLateCallback,
  BreaksListInLateSave,
  FreesSlabTwice,
  ForgetsToFreeSlab,
  WritesToReturnedSlab,
  ReadsReturnedSlab,
  LeavesAPageOut,
  SavesAgain,
  ChangesAPage,
  SharesAnInfo,
  LooksUpInsidePage,
  LooksUpTwice,
  DeletesTwice,
  DeletesTooLate,
  ForgetsToDelete,
  AsksForTwoInfos,
  AcceptsMisalignedInfo,
  PutsInfoIntoSlab,
  ForgetsToFreeInfo,
  // In what the cache answers.
  AllocatesInConstructor,
  ReturnsUnaligned,
  ReturnsPadding,
  ReturnsForeign,
  ReturnsInfo,
  ReturnsOverlap,
  ReturnsTwice,
  WritesToLiveObject,
  GrowsEarly,
  TakesFromEmptierSlab,
  GivesUpAfterFailure,
  GrowsInNoGrow,
  PretendsToReserve,
  RefusesToReserve,
  ShrinksInFree,
  LooksUpNull,
  ReadsFreedObject,
  MiscountsShrink,
  KeepsWhenShrinking,
  CountsFailedAlloc,
  MiscountsFree,
  MiscountsSlabs,
  MiscountsAllocated,
  LosesASlot,
  LosesAllSlots,
  WidensStride,
  // In what the cache reports.
  DropsReports,
  ReportsTwice,
  ReportsAnotherKind,
  ReportsAnotherPointer,
  // In what the cache knows; done by shrink, so that the next audit finds it.
  BreaksUsedCount,
  BreaksLink,
  BreaksFreeList,
  BreaksOwner,
};

/// What the subjects of make_saboteur do wrong. Set before a run.
inline Sabotage sabotage = Sabotage::None;

/// The slab cache with one thing broken; empty_slabs_kept is 1 whatever `spec` says.
AnySubject* make_saboteur(void* storage, const CacheSpec& spec, RecordingBackend& backend);

}  // namespace slabproof

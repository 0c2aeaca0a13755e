#pragma once

#include <cstdint>

#include "model/subject/subject.hpp"

namespace slabproof {

/// The ways in which a slab cache can be broken. The table in model/subject/sabotage_test.cpp says what the runner must
/// find, and with which program.
enum class Sabotage : std::uint8_t {
  None,
  // Between the cache and the backend.
  AcceptsMisalignedSlab,
  AsksForAnotherPageSize,
  AsksForTwoSlabs,
  TakesSlabInFree,
  AsksAboutTooFewSlabs,
  AsksAboutAnotherGeometry,
  AsksAboutSlabsTwice,
  AsksAboutSlabsInShrink,
  AsksAboutNoSlabs,
  IgnoresThatThereIsNoRoom,
  MapsPagesInSinglePage,
  AllocatesInfoInMultiPage,
  BreaksListInCallback,
  BreaksListInLateCallback,
  BreaksListInLateSave,
  FreesSlabTwice,
  FreesInfoTwice,
  LeavesSlabPoisoned,
  FreesFirstSlabToo,
  ForgetsToFreeSlab,
  WritesToReturnedSlab,
  ReadsReturnedSlab,
  LeavesAPageOut,
  SavesAgain,
  SavesInsidePage,
  SavesPageOutside,
  ChangesAPage,
  NamesTwoInfos,
  MisplacesInfo,
  SharesAnInfo,
  LooksUpInsidePage,
  LooksUpNoNewPage,
  FreesWhatIsNotItsOwn,
  LooksUpTwice,
  DeletesTwice,
  DeletesTooLate,
  ForgetsToDelete,
  AsksForTwoInfos,
  AcceptsMisalignedInfo,
  PutsInfoIntoSlab,
  ForgetsToFreeInfo,
  // In the cache's results.
  AllocatesInConstructor,
  ReturnsUnaligned,
  ReturnsPadding,
  ReturnsForeign,
  ReturnsInfo,
  ReturnsOverlap,
  ReturnsTwice,
  LeavesJunkInObject,
  WritesToLiveObject,
  ShrinksInAlloc,
  SkipsTheOldest,
  LeavesObjectPoisoned,
  GrowsEarly,
  TakesFromEmptierSlab,
  GivesUpAfterFailure,
  GrowsInNoGrow,
  PretendsToReserve,
  RefusesToReserve,
  ShrinksInFree,
  FreesFirstSlab,
  LooksUpNull,
  ReportsNull,
  ReadsFreedObject,
  OpensTailWaste,
  HeedsFreedObject,
  MiscountsShrink,
  KeepsWhenShrinking,
  CountsFailedAlloc,
  MiscountsFree,
  MiscountsSlabs,
  MiscountsAllocated,
  MiscountsAfterMisuse,
  LosesASlot,
  LosesAllSlots,
  WidensStride,
  // In the cache's reports.
  DropsReports,
  ReportsTwice,
  ReportsAnotherKind,
  ReportsAnotherPointer,
  ReportsAnotherFault,
  ReportsAnotherChange,
  NamesNoCallers,
  OverlooksWrites,
  // In what it makes of a damaged SlabInfo.
  MendsSlabInfo,
  UsesSetAsideSlab,
  // While it reports.
  MiscountsInOnMisuse,
  RefusesInOnMisuse,
  ServesInDestruction,
  // In the cache's state; done by shrink, so that the next audit finds it.
  BreaksUsedCount,
  BreaksLink,
  BreaksFreeList,
  BreaksOwner,
  WritesToSlabInfo,
  HasASlabTwice,
  BreaksRedZone,
  BreaksPattern,
};

/// How the subjects of make_saboteur are broken. Set before a run.
inline Sabotage sabotage = Sabotage::None;

/// The slab cache with one thing broken; empty_slabs_kept is 1 whatever `spec` says.
AnySubject* make_saboteur(void* storage, const CacheSpec& spec, RecordingBackend& backend);

}  // namespace slabproof

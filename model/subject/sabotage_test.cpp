// A slab cache that is broken on purpose for each invariant gets the verdict with that invariant's
// id, and the unbroken cache agrees with the same program.
#include <algorithm>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "model/memory/sanitizer.hpp"
#include "model/process/isolated.hpp"
#include "model/program/trace.hpp"
#include "model/subject/saboteur.hpp"
#include "model/subject/slab_subject.hpp"

namespace slabproof {
namespace {

using enum Sabotage;

// Caches of 3, 7 and 4 objects a slab.
constexpr const char* single_page = "type=Small slab_size=256 page_size=256 object_size=64 object_align=8";
constexpr const char* multi_page = "type=Small slab_size=512 page_size=256 object_size=64 object_align=8";
constexpr const char* one_object = "type=Small slab_size=128 page_size=128 object_size=56 object_align=8";
constexpr const char* guarded = "type=Small slab_size=512 page_size=512 object_size=64 object_align=8";  // Debug: 4
constexpr const char* large = "type=Large slab_size=512 page_size=256 object_size=100 object_align=8";

/// Damage in a slab's SlabInfo shows once another slab is current. `program` is the shortest that shows the damage; its
/// lines are separated by "; ".
struct Row {
  Invariant id;
  Sabotage sabotage;
  const char* what;
  const char* geometry;
  const char* program;
  const char* policy = "Checked";
};

constexpr Row rows[] = {
    {Invariant::G2, AcceptsMisalignedSlab, "uses a misaligned slab", single_page,
     "fail b0 alloc_slab after=0 misaligned; #0 = alloc c0"},
    {Invariant::G2, ForgetsToFreeSlab, "keeps a misaligned slab", single_page,
     "fail b0 alloc_slab after=0 misaligned; #0 = alloc c0"},
    {Invariant::G2, ForgetsToFreeSlab, "keeps a misaligned slab in reserve", single_page,
     "fail b0 alloc_slab after=0 misaligned; reserve c0 1"},
    {Invariant::G3, LosesASlot, "has a slot less than fit beside SlabInfo", multi_page, ""},
    {Invariant::G3, MisplacesInfo, "has its SlabInfo outside its slab", multi_page, "#0 = alloc c0"},
    {Invariant::G4, LosesASlot, "has a slot less than fit", large, ""},
    {Invariant::G5, LosesAllSlots, "has slabs without objects", single_page, ""},
    {Invariant::G6, WidensStride, "has an odd stride", large, ""},
    {Invariant::G6, ReturnsUnaligned, "returns an unaligned object", single_page, "#0 = alloc c0"},
    {Invariant::G7, ReturnsPadding, "returns a pointer between slots", single_page, "#0 = alloc c0"},
    {Invariant::G8, ReturnsForeign, "returns a pointer into no slab", single_page, "#0 = alloc c0"},
    {Invariant::G8, FreesFirstSlab, "gives back a slab of a live object", single_page, "#0 = alloc c0; shrink c0"},
    {Invariant::G8, ReturnsInfo, "returns an object that reaches over the end of its slab", large, "#0 = alloc c0"},
    {Invariant::G9, ReturnsInfo, "returns an object that reaches into SlabInfo", multi_page, "#0 = alloc c0"},
    {Invariant::G10, PutsInfoIntoSlab, "puts SlabInfo into its slab", large, "#0 = alloc c0"},
    {Invariant::G11, ReturnsOverlap, "returns an object that overlaps another", single_page,
     "#0 = alloc c0; #1 = alloc c0"},
    {Invariant::G12, WritesToLiveObject, "writes to a live object", single_page, "#0 = alloc c0; #1 = alloc c0"},

    {Invariant::B1, AsksForAnotherPageSize, "asks for another page size", single_page, "#0 = alloc c0"},
    {Invariant::B2, AsksForTwoSlabs, "asks for two slabs", single_page, "#0 = alloc c0"},
    {Invariant::B2, TakesSlabInFree, "asks for a slab in free", single_page, "#0 = alloc c0; free #0"},
    {Invariant::B2, GrowsEarly, "asks for a slab while objects are free", single_page, "#0 = alloc c0; #1 = alloc c0"},
    {Invariant::B3, FreesSlabTwice, "gives a slab back twice", single_page, "#0 = alloc c0; free #0"},
    {Invariant::B4, MapsPagesInSinglePage, "saves a page in SmallSinglePage", single_page, "#0 = alloc c0"},
    {Invariant::B5, AllocatesInfoInMultiPage, "allocates SlabInfo in SmallMultiPage", multi_page, "#0 = alloc c0"},
    {Invariant::B6, AsksForTwoInfos, "asks for two SlabInfos", large, "#0 = alloc c0"},
    {Invariant::B6, AcceptsMisalignedInfo, "uses a misaligned SlabInfo", large,
     "fail b0 alloc_slab_info after=0 misaligned; #0 = alloc c0"},
    {Invariant::B7, ForgetsToFreeSlab, "keeps the slab when SlabInfo is refused", large,
     "fail b0 alloc_slab_info after=0 once; #0 = alloc c0"},
    {Invariant::B8, ForgetsToFreeSlab, "keeps the slab when a page cannot be saved", multi_page,
     "fail b0 save_slab_info after=1 once; #0 = alloc c0"},
    {Invariant::B8, ForgetsToDelete, "keeps the pages saved before one that fails", multi_page,
     "fail b0 save_slab_info after=1 once; #0 = alloc c0"},
    {Invariant::B9, LeavesAPageOut, "leaves a page out", multi_page, "#0 = alloc c0"},
    {Invariant::B9, SavesInsidePage, "saves an address inside a page", multi_page, "#0 = alloc c0"},
    {Invariant::B9, SavesPageOutside, "saves a page behind its slab", multi_page, "#0 = alloc c0"},
    {Invariant::B9, NamesTwoInfos, "saves its pages with two SlabInfos", multi_page, "#0 = alloc c0"},
    {Invariant::B9, SavesAgain, "saves a page again", multi_page, "#0 = alloc c0"},
    {Invariant::B10, ChangesAPage, "changes a page's value", multi_page, "#0 = alloc c0"},
    {Invariant::B11, LooksUpInsidePage, "looks up an address inside a page", multi_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0; #7 = "
     "alloc c0; free #0"},
    {Invariant::B11, LooksUpTwice, "looks a page up twice", multi_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0; #7 = "
     "alloc c0; free #0"},
    {Invariant::B12, DeletesTwice, "deletes a page twice", multi_page, "#0 = alloc c0"},
    {Invariant::B13, DeletesTooLate, "deletes pages after giving the slab back", multi_page, "#0 = alloc c0"},
    {Invariant::B14, ForgetsToFreeInfo, "keeps the SlabInfo of a slab it gives back", large,
     "#0 = alloc c0; free #0; shrink c0"},
    {Invariant::B14, ForgetsToFreeInfo, "keeps SlabInfo when a page cannot be saved", large,
     "fail b0 save_slab_info after=0 once; #0 = alloc c0"},
    {Invariant::B14, FreesInfoTwice, "gives a SlabInfo back twice", large, "#0 = alloc c0; free #0; shrink c0"},
    {Invariant::B15, GivesUpAfterFailure, "never recovers from a failure", single_page,
     "fail b0 any after=0 once; #0 = alloc c0; #1 = alloc c0"},
    {Invariant::B15, CountsFailedAlloc, "counts an allocation that failed", single_page,
     "fail b0 any after=0 once; #0 = alloc c0"},
    {Invariant::B16, BreaksListInCallback, "has broken lists inside a backend call", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0"},
    {Invariant::B16, BreaksListInLateCallback, "has broken lists inside a backend call when it has many slabs",
     single_page, "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; reserve c0 130"},
    {Invariant::B16, BreaksListInLateSave, "has broken lists while it saves a page when it has many slabs", multi_page,
     "reserve c0 56; reserve c0 63; reserve c0 70; reserve c0 77; reserve c0 84; reserve c0 91; reserve c0 98; reserve "
     "c0 105; reserve c0 112; "
     "reserve c0 119; reserve c0 126; reserve c0 133; reserve c0 140; reserve c0 147; reserve c0 154; reserve c0 161; "
     "reserve c0 168; reserve c0 175"},
    {Invariant::B17, AllocatesInConstructor, "allocates a slab in its constructor", single_page, ""},
    {Invariant::B18, ForgetsToFreeSlab, "keeps an empty slab when destroyed", single_page, "#0 = alloc c0; free #0"},
    {Invariant::B19, WritesToReturnedSlab, "writes to a slab it gave back", single_page, "#0 = alloc c0"},
    {Invariant::B20, GrowsInNoGrow, "grows in alloc_no_grow", single_page, "#0 = alloc_no_grow c0"},
    {Invariant::B20, PretendsToReserve, "reserves nothing and says yes", single_page, "reserve c0 1"},
    {Invariant::B20, RefusesToReserve, "refuses to reserve", single_page, "reserve c0 1"},
    {Invariant::B20, AsksAboutTooFewSlabs, "asks about a slab too few", single_page, "reserve c0 1"},
    {Invariant::B20, AsksAboutAnotherGeometry, "asks about slabs of another geometry", large, "reserve c0 1"},
    {Invariant::B20, AsksAboutSlabsTwice, "asks about its slabs twice", single_page, "reserve c0 1"},
    {Invariant::B20, AsksAboutSlabsInShrink, "asks about slabs in shrink", single_page, "shrink c0"},
    {Invariant::B20, AsksAboutNoSlabs, "reserves without asking about slabs", single_page, "reserve c0 1"},
    {Invariant::B20, IgnoresThatThereIsNoRoom, "asks for slabs that cannot be made", one_object,
     "reserve c0 1023; reserve c1 1023"},

    {Invariant::L1, BreaksUsedCount, "has a slab on a list of others", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; free #0; free #2; shrink c0"},
    {Invariant::L2, BreaksLink, "has a link that leads to its own slab", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; shrink c0"},
    {Invariant::L3, BreaksFreeList, "has a free list that is too short", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; free #0; free #2; shrink c0"},
    {Invariant::L4, ReturnsTwice, "returns an object twice", single_page, "#0 = alloc c0; #1 = alloc c0"},
    {Invariant::L5, TakesFromEmptierSlab, "takes from the emptier slab", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0; #7 = "
     "alloc c0; "
     "#8 = alloc c0; free #0; free #1; free #3; #9 = alloc c0"},
    {Invariant::L6, ForgetsToFreeSlab, "keeps two empty slabs", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; free #0; free #1; free #2; free #3"},
    {Invariant::L6, ShrinksInFree, "keeps no empty slab", single_page, "#0 = alloc c0; free #0"},
    {Invariant::L6, ShrinksInAlloc, "gives an empty slab back in alloc", single_page,
     "#0 = alloc c0; reserve c0 4; #1 = alloc c0"},
    {Invariant::L7, MiscountsShrink, "says that shrink returned one more", single_page, "shrink c0"},
    {Invariant::L7, KeepsWhenShrinking, "returns nothing in shrink", single_page, "#0 = alloc c0; free #0; shrink c0"},
    {Invariant::L8, BreaksOwner, "has a slab of another owner", single_page, "#0 = alloc c0; shrink c0"},
    {Invariant::L9, WritesToSlabInfo, "has a SlabInfo that it did not write", single_page, "#0 = alloc c0; shrink c0"},
    {Invariant::L10, HasASlabTwice, "has a slab twice", large,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; shrink c0"},
    {Invariant::L8, SharesAnInfo, "saves one SlabInfo for two slabs", multi_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0; #7 = "
     "alloc c0"},
    {Invariant::L8, SharesAnInfo, "has one SlabInfo for two Large slabs", large,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0"},

    {Invariant::S1, MiscountsFree, "counts a free object too many", single_page, ""},
    {Invariant::S2, MiscountsSlabs, "counts a slab too many", single_page, ""},
    {Invariant::S3, MiscountsAllocated, "counts an allocated object too many", single_page, ""},

    {Invariant::M1, DropsReports, "says nothing of a double free", single_page,
     "#0 = alloc c0; free #0; double_free #0"},
    {Invariant::M2, ReportsAnotherKind, "takes an interior pointer for something else", multi_page,
     "#0 = alloc c0; free_interior #0 pick=0"},
    {Invariant::M2, TakesSlabInFree, "asks for a slab when an interior pointer is freed", single_page,
     "#0 = alloc c0; free_interior #0 pick=0"},
    {Invariant::M2, MiscountsAfterMisuse, "counts an interior pointer as an object", single_page,
     "#0 = alloc c0; free_interior #0 pick=0"},
    {Invariant::M3, ReportsTwice, "reports a SlabInfo pointer twice", single_page,
     "#0 = alloc c0; free_slab_info #0 pick=0"},
    {Invariant::M4, ReportsAnotherPointer, "reports another pointer than the one in tail waste", large,
     "#0 = alloc c0; free_tail_waste #0 pick=0"},
    {Invariant::M5, DropsReports, "says nothing of a foreign pointer", multi_page, "free_foreign c0 pick=0"},
    {Invariant::M6, DropsReports, "says nothing of another cache's object", single_page,
     "#0 = alloc c0; free_through_other #0"},
    {Invariant::M7, DropsReports, "says nothing of a slot never allocated", large,
     "#0 = alloc c0; free_never_allocated #0 pick=0"},
    {Invariant::M8, DropsReports, "says nothing of a free into a returned slab", multi_page,
     "#0 = alloc c0; free #0; shrink c0; double_free #0"},
    {Invariant::M9, DropsReports, "says nothing of objects that outlive it", single_page, "#0 = alloc c0; destroy c0"},
    {Invariant::M9, ReportsAnotherPointer, "reports another pointer than an object that outlives it", single_page,
     "#0 = alloc c0; destroy c0"},
    {Invariant::M9, ForgetsToFreeSlab, "keeps an empty slab when an object outlives it", single_page,
     "#0 = alloc c0; reserve c0 3; destroy c0"},
    {Invariant::M9, FreesFirstSlabToo, "gives back a slab of an object that outlives it", single_page,
     "#0 = alloc c0; reserve c0 5; destroy c0"},
    {Invariant::M10, ReportsNull, "reports null", single_page, "free_null c0"},
    {Invariant::M10, LooksUpNull, "looks null up", multi_page, "free_null c0"},
    {Invariant::M11, HeedsFreedObject, "heeds what was written to a freed object", single_page,
     "#0 = alloc c0; free #0; corrupt_link #0 pick=5"},
    {Invariant::M12, DropsReports, "says nothing of a call from a callback", single_page,
     "reenter c0 alloc; #0 = alloc c0"},
    {Invariant::M13, DropsReports, "says nothing of a slab that it has", one_object,
     "#0 = alloc c0; fault b0 slab_again after=0; #1 = alloc c0"},
    {Invariant::M13, ReportsTwice, "reports memory of a SlabInfo that it has twice", large,
     "#0 = alloc c0; fault b0 info_again after=0; reserve c0 5"},
    {Invariant::M13, FreesWhatIsNotItsOwn, "gives a slab back that it was handed out by mistake", one_object,
     "#0 = alloc c0; fault b0 slab_again after=0; #1 = alloc c0"},
    {Invariant::M13, LooksUpNoNewPage, "uses a slab that the map knows", large,
     "fault b0 entry_stale after=0; #0 = alloc c0"},
    {Invariant::M13, ReportsAnotherPointer, "reports another pointer than a slab inside its own", multi_page,
     "#0 = alloc c0; fault b0 slab_inside after=0; reserve c0 8"},
    {Invariant::M13, ReportsAnotherFault, "takes an object for a foreign one where the map lost its page", large,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; fault b0 entry_lost after=0; free #0"},
    {Invariant::M13, DropsReports, "says nothing of a map that names another slab", multi_page,
     "#0 = alloc c0; reserve c0 8; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = "
     "alloc c0; #7 = alloc c0; fault b0 entry_wrong after=0; free #0"},
    {Invariant::M14, DropsReports, "says nothing of a damaged owner", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; damage_info #0 pick=16; free #0"},
    {Invariant::M14, ReportsTwice, "reports damaged counts twice", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; damage_info #0 pick=132; free #1"},
    {Invariant::M14, ReportsAnotherKind, "takes a damaged link for a free list", large,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; damage_info #0 pick=240; free #3"},
    {Invariant::M14, DropsReports, "says nothing of damage that it meets as an object leaves the quarantine", guarded,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0; #7 = "
     "alloc c0; free #0; free #4; damage_info #1 pick=16; free #5",
     "Quarantine"},
    {Invariant::M14, DropsReports, "says nothing of damage around what it takes from the quarantine", guarded,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; #4 = alloc c0; #5 = alloc c0; #6 = alloc c0; #7 = "
     "alloc c0; free #0; damage_info #1 pick=16; #8 = alloc c0",
     "Debug"},
    {Invariant::M14, ReportsAnotherPointer, "reports another pointer than the damaged SlabInfo", single_page,
     "#0 = alloc c0; damage_info #0 pick=40; destroy c0"},
    {Invariant::M14, MendsSlabInfo, "believes a damaged SlabInfo", single_page,
     "#0 = alloc c0; #1 = alloc c0; damage_info #0 pick=14; free #0"},
    {Invariant::M14, FreesFirstSlab, "gives a slab back that it has set aside", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; damage_info #0 pick=16; free #0; free #1; free #2; "
     "shrink c0"},
    {Invariant::M14, UsesSetAsideSlab, "hands out an object of a slab that it has set aside", single_page,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; damage_info #0 pick=16; free #0; #4 = alloc c0"},

    {Invariant::G14, LeavesJunkInObject, "hands out an object that is not zeros", guarded, "#0 = alloc c0",
     "ZeroOnAlloc"},
    {Invariant::L11, BreaksRedZone, "has written behind an object", guarded, "#0 = alloc c0; shrink c0", "Debug"},
    {Invariant::L11, OverlooksWrites, "overlooks in its audit what was written behind an object", guarded,
     "#0 = alloc c0; write_behind #0 pick=0", "Debug"},
    {Invariant::L12, BreaksPattern, "has written to a freed slot", guarded,
     "#0 = alloc c0; #1 = alloc c0; free #0; shrink c0", "Debug"},
    {Invariant::L12, OverlooksWrites, "overlooks in its audit what was written to a freed slot", guarded,
     "#0 = alloc c0; #1 = alloc c0; free #0; write_freed #0 pick=0", "Debug"},
    {Invariant::L13, ShrinksInFree, "hands out what is in quarantine", guarded,
     "#0 = alloc c0; #1 = alloc c0; free #0; #2 = alloc c0", "Debug"},
    {Invariant::L13, SkipsTheOldest, "hands out the second oldest of those in quarantine", guarded,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; free #0; free #1; #4 = alloc c0", "Debug"},
    {Invariant::M15, DropsReports, "says nothing of a write behind an object", guarded,
     "#0 = alloc c0; write_behind #0 pick=0; free #0", "Debug"},
    {Invariant::M15, ReportsAnotherChange, "says wrongly what was written behind an object", guarded,
     "#0 = alloc c0; write_behind #0 pick=7; free #0", "Debug"},
    {Invariant::M16, DropsReports, "says nothing of a write to a freed slot", guarded,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; free #0; write_freed #0 pick=3; #4 = alloc c0",
     "Debug"},
    {Invariant::M16, ReportsAnotherChange, "says wrongly what was written to a freed slot", guarded,
     "#0 = alloc c0; #1 = alloc c0; #2 = alloc c0; #3 = alloc c0; free #0; write_freed #0 pick=3; write_freed #0 "
     "pick=9; #4 = alloc c0",
     "Debug"},
    {Invariant::M1, NamesNoCallers, "says not who had an object that is freed twice", guarded,
     "#0 = alloc c0; #1 = alloc c0; free #0; double_free #0", "Debug"},
    {Invariant::M17, MiscountsInOnMisuse, "counts a misuse before it reports it", single_page,
     "#0 = alloc c0; call_on_misuse c0 shrink; free_interior #0 pick=0"},
    {Invariant::M17, RefusesInOnMisuse, "refuses a call from on_misuse", large,
     "#0 = alloc c0; free #0; call_on_misuse c0 alloc; double_free #0"},
    {Invariant::M17, RefusesInOnMisuse, "refuses a call from on_misuse after an error of its backend", one_object,
     "#0 = alloc c0; fault b0 slab_again after=0; call_on_misuse c0 alloc; #1 = alloc c0"},
    {Invariant::M17, RefusesInOnMisuse, "reports what it refuses while it reports a refusal", multi_page,
     "reenter c0 alloc; call_on_misuse c0 alloc; #0 = alloc c0"},
    {Invariant::M17, ServesInDestruction, "serves a call from on_misuse while it is destroyed", single_page,
     "#0 = alloc c0; call_on_misuse c0 alloc; destroy c0"},
};

/// Broken so that AddressSanitizer stops the program.
constexpr Row deaths[] = {
    {Invariant::B19, ReadsReturnedSlab, "reads a slab it gave back", single_page, "#0 = alloc c0"},
    {Invariant::M11, ReadsFreedObject, "reads a freed object", single_page, "#0 = alloc c0; free #0"},
};

std::string trace_of(const Row& row) {
  std::string text = "slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\n";
  // The second cache is there for free_through_other only.
  for (const char* cache : {"c0", "c1"})
    text += std::string{"cache "} + cache + " on=b0 kind=DynamicCache policy=" + row.policy + " empty_slabs_kept=1 " +
            row.geometry + "\n";
  for (const char* c = row.program; *c; ++c) {
    text += *c == ';' ? '\n' : *c;
    if (*c == ';') ++c;
  }
  return text + "\n";
}

Program program_of(const Row& row) {
  ParseResult parsed = parse(trace_of(row));
  EXPECT_TRUE(parsed.program) << trace_of(row) << parsed.error.line << ":" << parsed.error.column << ": expected "
                              << parsed.error.expected;
  return parsed.program.value_or(Program{});
}

std::string name_of(const testing::TestParamInfo<Row>& info) {
  std::string name = to_string(info.param.id) + "_" + info.param.what;
  std::erase(name, '\'');
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

void PrintTo(const Row& row, std::ostream* out) {
  *out << to_string(row.id) << ": a cache that " << row.what << "\n" << trace_of(row);
}

struct Sabotaged : testing::TestWithParam<Row> {
  ~Sabotaged() override { sabotage = None; }
};

TEST_P(Sabotaged, IsFoundAndTheUnbrokenCacheAgrees) {
  const Program program = program_of(GetParam());
  sabotage = GetParam().sabotage;
  const Verdict broken = Runner{make_saboteur}.run(program);
  EXPECT_EQ(broken.violation.invariant, GetParam().id) << broken.sentence();
  sabotage = None;
  for (const MakeSubject make : {make_slab_subject, make_saboteur}) {
    Runner runner{make};
    EXPECT_TRUE(runner.run(program).agreed()) << runner.verdict().sentence();
    EXPECT_EQ(runner.operations(), program.operations.size()) << "an operation fell away";
  }
}

INSTANTIATE_TEST_SUITE_P(Cache, Sabotaged, testing::ValuesIn(rows), name_of);

/// Nothing but AddressSanitizer knows of it, and no operation touches the bytes.
void expect_to_be_found_with_asan(const Row& row) {
  sabotage = row.sabotage;
  const Verdict broken = Runner{make_saboteur}.run(program_of(row));
  EXPECT_EQ(broken.violation.invariant, has_asan ? row.id : Invariant::None) << broken.sentence();
  sabotage = None;
}
TEST(Sabotage, OfTailWasteIsFoundWhereAddressSanitizerIs) {
  for (const char* const program : {"#0 = alloc c0", "reserve c0 1"})
    expect_to_be_found_with_asan({Invariant::M11, OpensTailWaste, "", large, program});
}
TEST(Sabotage, OfAnObjectThatNobodyMayTouchIsFoundWhereAddressSanitizerIs) {
  expect_to_be_found_with_asan({Invariant::M11, LeavesObjectPoisoned, "", large, "#0 = alloc c0"});
}
TEST(Sabotage, OfASlabThatNobodyMayTouchIsFoundWhereAddressSanitizerIs) {
  expect_to_be_found_with_asan(
      {Invariant::B19, LeavesSlabPoisoned, "", single_page, "#0 = alloc c0; free #0; shrink c0"});
}

struct Deadly : Sabotaged {};

TEST_P(Deadly, DiesUnderAddressSanitizer) {
  if (!has_asan) GTEST_SKIP() << "built without AddressSanitizer";
  const Program program = program_of(GetParam());
  sabotage = GetParam().sabotage;
  IsolationOptions brief;
  brief.brief = true;
  Runner runner{make_saboteur};
  EXPECT_EQ(run_isolated(runner, program, brief).verdict.kind, Verdict::Kind::Died);
  sabotage = None;
  EXPECT_TRUE(run_isolated(runner, program, brief).verdict.agreed());
}

INSTANTIATE_TEST_SUITE_P(Cache, Deadly, testing::ValuesIn(deaths), name_of);

// A cache of many slabs is looked at now and then, but at once by a program that asks for its statistics.
TEST(Sabotage, OfStatisticsIsFoundByTheStepThatAsksForThem) {
  const Program program =
      program_of({Invariant::S2, None, "", single_page, "reserve c0 60; free_null c0; statistics c0; free_null c0"});
  Runner runner{make_saboteur};
  ASSERT_TRUE(runner.start(program.setup));
  ASSERT_TRUE(runner.step(program.operations[0]));
  sabotage = MiscountsSlabs;
  EXPECT_TRUE(runner.step(program.operations[1]));
  EXPECT_FALSE(runner.step(program.operations[2]));
  sabotage = None;
  const Verdict verdict = runner.verdict();
  EXPECT_EQ(verdict.signature(), "S2/statistics") << verdict.sentence();
  EXPECT_EQ(verdict.step, 2u);
  EXPECT_TRUE(runner.run(program).agreed()) << runner.verdict().sentence();
  EXPECT_EQ(runner.operations(), 3 + program.operations.size()) << "an operation fell away";
}

}  // namespace
}  // namespace slabproof

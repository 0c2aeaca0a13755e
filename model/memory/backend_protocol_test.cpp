// Each rule of the protocol of a backend, broken by one call.
#include <gtest/gtest.h>

#include "model/memory/recording_backend_caller.hpp"

namespace slabproof {
namespace {

struct Wrong {
  const char* what;
  Invariant invariant;
  Cause cause;
  const CacheSpec& spec;
  void (*does)(Caller& c);
};

using enum OperationKind;
constexpr Wrong wrongs[] = {
    {"constructs", Invariant::B17, Cause::CalledBackend, single_page,
     [](Caller& c) { c.context.constructing = true, c.alloc_slab(); }},
    {"reenters", Invariant::M12, Cause::CalledBackend, single_page,
     [](Caller& c) { c.context.reentering = true, c.alloc_slab(); }},
    {"is not called", Invariant::B20, Cause::CalledBackend, single_page,
     [](Caller& c) { c.context.cache = nullptr, c.alloc_slab(); }},
    {"grows in alloc_no_grow", Invariant::B20, Cause::CalledBackend, single_page,
     [](Caller& c) { c.begin(AllocNoGrow), c.alloc_slab(); }},
    {"is misused", Invariant::M2, Cause::CalledBackend, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       c.context.misuse = Invariant::M2;
       c.context.freed = slab;
       EXPECT_EQ(c.get(slab), c.info_in(slab));
       EXPECT_FALSE(c.judgement.violated());
       c.backend.delete_slab_info(slab);
     }},
    {"frees null", Invariant::M10, Cause::CalledBackend, single_page,
     [](Caller& c) { c.begin(FreeNull), c.alloc_slab(); }},
    {"has no map", Invariant::B4, Cause::CalledBackend, single_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.save(slab, c.info_in(slab));
     }},
    {"has its SlabInfos in slabs", Invariant::B5, Cause::CalledBackend, multi_page,
     [](Caller& c) { c.alloc_slab(), c.alloc_info(); }},
    {"asks for another size", Invariant::B1, Cause::WrongSize, single_page,
     [](Caller& c) { EXPECT_FALSE(c.backend.alloc_slab(512, 256)); }},
    {"asks for another page", Invariant::B1, Cause::WrongSize, single_page,
     [](Caller& c) { EXPECT_FALSE(c.backend.alloc_slab(256, 128)); }},
    {"returns another size", Invariant::B1, Cause::WrongSize, single_page,
     [](Caller& c) { c.backend.free_slab(pointer(c.alloc_slab()), 512, 256); }},
    {"asks twice", Invariant::B2, Cause::CalledTwice, single_page, [](Caller& c) { c.alloc_slab(), c.alloc_slab(); }},
    {"asks while one is free", Invariant::B2, Cause::SlabNotNeeded, single_page,
     [](Caller& c) {
       c.model.slab_made();
       c.model.used_changed(c.alloc_slab(), 0, c.model.layout.objects_per_slab - 1);
       c.judgement.reset();
       c.begin(Alloc);
       c.alloc_slab();
     }},
    {"reserves what is free", Invariant::B2, Cause::SlabNotNeeded, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.model.slab_made();
       c.context.wanted = c.model.free_objects() + 1;
       EXPECT_TRUE(c.alloc_slab());
       EXPECT_FALSE(c.judgement.violated());
       --c.context.wanted;
       c.alloc_slab();
     }},
    {"asks in a free", Invariant::B2, Cause::WrongOperation, single_page,
     [](Caller& c) { c.begin(Free), c.alloc_slab(); }},
    {"heeds no answer", Invariant::B20, Cause::ServedAfterFailure, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.wanted = (max_slabs + 1) * c.model.layout.objects_per_slab;
       EXPECT_FALSE(c.can_make(max_slabs + 1));
       EXPECT_FALSE(c.judgement.violated());
       EXPECT_EQ(c.refused, Invariant::B20);
       c.alloc_slab();
     }},
    {"asks about slabs in an alloc", Invariant::B20, Cause::WrongOperation, single_page,
     [](Caller& c) { EXPECT_FALSE(c.can_make(1)); }},
    {"asks about slabs when it reenters", Invariant::B20, Cause::WrongOperation, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.reentering = true;
       EXPECT_FALSE(c.can_make(1));
     }},
    {"asks about slabs when it is not called", Invariant::B20, Cause::WrongOperation, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.cache = nullptr;
       EXPECT_FALSE(c.can_make(1, single_page));
     }},
    {"asks about other slots", Invariant::B20, Cause::OtherArguments, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.wanted = 1;
       CacheSpec other = single_page;
       other.object_size = 32;
       EXPECT_FALSE(c.can_make(1, other));
     }},
    {"asks again", Invariant::B20, Cause::CalledTwice, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.wanted = 1;
       EXPECT_TRUE(c.can_make(1));
       EXPECT_FALSE(c.can_make(1));
     }},
    {"asks too late", Invariant::B20, Cause::CalledTwice, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.wanted = 1;
       EXPECT_TRUE(c.alloc_slab());
       EXPECT_FALSE(c.can_make(1));
     }},
    {"asks about more than there are addresses", Invariant::B20, Cause::CalledBackend, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.model.slab_made();
       const std::size_t most = ~std::size_t{0} / 256 - 1, objects = c.model.layout.objects_per_slab;
       c.context.wanted = c.model.free_objects() + most * objects;
       EXPECT_FALSE(c.can_make(most) || c.judgement.violated());
       c.context.is_asked = false;
       ++c.context.wanted;
       EXPECT_FALSE(c.can_make(most + 1));
     }},
    {"asks about a slab too few", Invariant::B20, Cause::WrongCount, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.wanted = c.model.layout.objects_per_slab + 1;
       EXPECT_FALSE(c.can_make(1));
     }},
    {"asks about a slab too many", Invariant::B20, Cause::WrongCount, single_page,
     [](Caller& c) {
       c.begin(Reserve);
       c.context.wanted = c.model.layout.objects_per_slab;
       EXPECT_FALSE(c.can_make(2));
     }},
    {"returns what is no slab", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) { c.free_slab(c.alloc_slab() + 64); }},
    {"returns a slab twice", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.free_slab(slab);
       EXPECT_FALSE(c.judgement.violated());
       EXPECT_EQ(c.released, 1u);
       c.free_slab(slab);
     }},
    {"returns another's slab", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.context.cache_index = 1;
       c.free_slab(slab);
     }},
    {"returns a slab that was left to its objects", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.backend.abandon(c.record(slab));
       c.free_slab(slab);
     }},
    {"returns a slab with a page in the map", Invariant::B13, Cause::PageStillSaved, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       for (const std::size_t page : {0u, 1u, 2u}) c.backend.delete_slab_info(slab + 128 * page);
       EXPECT_FALSE(c.judgement.violated());
       c.free_slab(slab);
     }},
    {"keeps pages in the map when one is refused", Invariant::B8, Cause::PageStillSaved, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.fail(FailingCall::SaveSlabInfo, FailureMode::Once, 1);
       EXPECT_TRUE(c.save(slab, c.info_in(slab)));
       EXPECT_FALSE(c.save(slab + 128, c.info_in(slab)));
       EXPECT_EQ(c.refused, Invariant::B8);
       EXPECT_FALSE(c.judgement.violated());
       c.free_slab(slab);
     }},
    {"saves a page of no slab", Invariant::B9, Cause::PageOutsideSlab, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_FALSE(c.save(slab + 512, c.info_in(slab)));
     }},
    {"saves a page of another", Invariant::B9, Cause::PageOutsideSlab, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.context.cache_index = 1;
       EXPECT_FALSE(c.save(slab, c.info_in(slab)));
     }},
    {"saves a page that was left to its objects", Invariant::B9, Cause::PageOutsideSlab, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.backend.abandon(c.record(slab));
       EXPECT_FALSE(c.save(slab, c.info_in(slab)));
     }},
    {"uses a misaligned slab", Invariant::G2, Cause::MisalignedSlabUsed, multi_page,
     [](Caller& c) {
       c.fail(FailingCall::AllocSlab, FailureMode::Misaligned);
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_EQ(slab % 128, 64u);
       EXPECT_EQ(c.refused, Invariant::G2);
       EXPECT_EQ(c.made, 0u);
       EXPECT_FALSE(c.save(slab + 64, c.info_in(slab)));
     }},
    {"saves an address inside a page", Invariant::B9, Cause::AddressInsidePage, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_FALSE(c.save(slab + 64, c.info_in(slab)));
     }},
    {"changes a page", Invariant::B10, Cause::PageChanged, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       EXPECT_FALSE(c.save(slab, c.info_in(slab) + 8));
     }},
    {"saves a page again", Invariant::B9, Cause::PageSavedAgain, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       EXPECT_FALSE(c.save(slab, c.info_in(slab)));
     }},
    {"saves a page later", Invariant::B9, Cause::PageSavedAgain, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.begin(Alloc);
       EXPECT_FALSE(c.save(slab, c.info_in(slab)));
     }},
    {"has two SlabInfos", Invariant::B9, Cause::TwoSlabInfos, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_TRUE(c.save(slab, c.info_in(slab)));
       EXPECT_FALSE(c.save(slab + 128, c.info_in(slab) + 8));
     }},
    {"has its SlabInfo among its slots", Invariant::L8, Cause::SlabInfoMisplaced, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_FALSE(c.save(slab, c.info_in(slab) - 1));
     }},
    {"has its SlabInfo behind it", Invariant::G3, Cause::SlabInfoMisplaced, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_FALSE(c.save(slab, slab + 512));
     }},
    {"has its SlabInfo in a slab", Invariant::G10, Cause::SlabInfoMisplaced, large,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_FALSE(c.save(slab, slab));
     }},
    {"has its SlabInfo elsewhere", Invariant::B6, Cause::SlabInfoMisplaced, large,
     [](Caller& c) { EXPECT_FALSE(c.save(c.alloc_slab(), 64)); }},
    {"uses a misaligned SlabInfo", Invariant::B6, Cause::SlabInfoMisplaced, large,
     [](Caller& c) {
       c.fail(FailingCall::AllocSlabInfo, FailureMode::Misaligned);
       const std::uintptr_t slab = c.alloc_slab(), info = c.alloc_info();
       EXPECT_EQ(info % 8, 4u);
       EXPECT_EQ(c.refused, Invariant::B6);
       EXPECT_FALSE(c.save(slab, info));
     }},
    {"has the SlabInfo of another slab", Invariant::L8, Cause::SlabInfoShared, large,
     [](Caller& c) {
       const std::uintptr_t first = c.make_slab(), info = c.record(first).info;
       c.begin(Alloc);
       EXPECT_FALSE(c.save(c.alloc_slab(), info));
     }},
    {"has the SlabInfo of another cache", Invariant::B6, Cause::SlabInfoMisplaced, large,
     [](Caller& c) {
       c.context.cache_index = 1;
       c.alloc_slab();
       const std::uintptr_t info = c.alloc_info();
       c.begin(Alloc);
       EXPECT_FALSE(c.save(c.alloc_slab(), info));
     }},
    {"keeps its SlabInfo in the map when a page is refused", Invariant::B8, Cause::PageStillSaved, large,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab(), info = c.alloc_info();
       c.fail(FailingCall::SaveSlabInfo);
       EXPECT_FALSE(c.save(slab, info));
       EXPECT_TRUE(c.save(slab + 128, info));
       c.free_info(info);
     }},
    {"returns a SlabInfo that was left to its objects", Invariant::B14, Cause::NotOutstanding, large,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab(), info = c.record(slab).info;
       c.backend.abandon(c.record(slab));
       c.free_info(info);
     }},
    {"asks for a SlabInfo after its slab went back", Invariant::B6, Cause::CalledTwice, large,
     [](Caller& c) {
       c.free_slab(c.alloc_slab());
       c.alloc_info();
     }},
    {"asks for a SlabInfo after its slab was left to its objects", Invariant::B6, Cause::CalledTwice, large,
     [](Caller& c) {
       c.backend.abandon(c.record(c.alloc_slab()));
       c.alloc_info();
     }},
    {"looks up a page that it has not saved", Invariant::B11, Cause::WrongPage, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       EXPECT_EQ(c.get(slab), 0u);
       EXPECT_TRUE(!c.judgement.violated() && c.calls == 1) << "of a slab that is being made";
       c.begin(Alloc);
       c.get(slab);
     }},
    {"looks up a page of another's new slab", Invariant::B11, Cause::WrongPage, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.alloc_slab();
       c.context.cache_index = 1;
       c.get(slab);
     }},
    {"looks up a new page in a free, twice", Invariant::B11, Cause::CalledTwice, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.context.freed = c.alloc_slab();
       c.get(slab), c.get(slab);
     }},
    {"looks up a page without a map", Invariant::B4, Cause::CalledBackend, single_page,
     [](Caller& c) { c.get(c.alloc_slab()); }},
    {"looks up nothing", Invariant::B11, Cause::WrongPage, multi_page, [](Caller& c) { c.get(0); }},
    {"looks up another page", Invariant::B11, Cause::WrongPage, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       c.begin(Free);
       c.context.freed = slab + 200;
       c.get(slab);
     }},
    {"looks up a page in an alloc", Invariant::B11, Cause::WrongPage, multi_page,
     [](Caller& c) { c.get(c.make_slab()); }},
    {"looks up twice", Invariant::B11, Cause::CalledTwice, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       c.begin(Free);
       c.context.freed = slab + 200;
       EXPECT_EQ(c.get(slab + 128), c.info_in(slab));
       EXPECT_FALSE(c.judgement.violated());
       c.get(slab + 128);
     }},
    {"deletes twice", Invariant::B12, Cause::NotOutstanding, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       c.delete_pages(slab);
       EXPECT_FALSE(c.judgement.violated());
       c.backend.delete_slab_info(slab);
     }},
    {"deletes another's page", Invariant::B12, Cause::NotOutstanding, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       c.context.cache_index = 1;
       c.backend.delete_slab_info(slab);
     }},
    {"deletes a page that was left to its objects", Invariant::B12, Cause::NotOutstanding, multi_page,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab();
       c.backend.abandon(c.record(slab));
       c.backend.delete_slab_info(slab);
     }},
    {"asks for a SlabInfo of another size", Invariant::B6, Cause::WrongSize, large,
     [](Caller& c) { c.alloc_slab(), c.backend.alloc_slab_info(c.model.layout.slab_info_size + 1); }},
    {"asks for two SlabInfos", Invariant::B6, Cause::CalledTwice, large,
     [](Caller& c) { c.alloc_slab(), c.alloc_info(), c.alloc_info(); }},
    {"asks for a SlabInfo without a slab", Invariant::B6, Cause::CalledTwice, large, [](Caller& c) { c.alloc_info(); }},
    {"returns what is no SlabInfo", Invariant::B14, Cause::NotOutstanding, large,
     [](Caller& c) { c.alloc_slab(), c.free_info(c.alloc_info() + 8); }},
    {"returns another's SlabInfo", Invariant::B14, Cause::NotOutstanding, large,
     [](Caller& c) {
       c.alloc_slab();
       const std::uintptr_t info = c.alloc_info();
       c.context.cache_index = 1;
       c.free_info(info);
     }},
    {"returns a SlabInfo of another size", Invariant::B14, Cause::NotOutstanding, large,
     [](Caller& c) {
       c.alloc_slab();
       c.backend.free_slab_info(pointer(c.alloc_info()), c.model.layout.slab_info_size - 8);
     }},
    {"returns a SlabInfo twice", Invariant::B14, Cause::NotOutstanding, large,
     [](Caller& c) {
       c.alloc_slab();
       const std::uintptr_t info = c.alloc_info();
       c.free_info(info);
       EXPECT_FALSE(c.judgement.violated());
       c.free_info(info);
     }},
    {"returns a SlabInfo with a page in the map", Invariant::B13, Cause::PageStillSaved, large,
     [](Caller& c) { c.free_info(c.record(c.make_slab()).info); }},
    {"returns the SlabInfo of live objects", Invariant::G8, Cause::LiveObjectsReturned, large,
     [](Caller& c) {
       const std::uintptr_t slab = c.make_slab(), info = c.record(slab).info;
       c.delete_pages(slab);
       c.record(slab).used = 1;
       c.free_info(info);
     }},
    {"takes memory when it is not called", Invariant::B20, Cause::CalledBackend, single_page,
     [](Caller& c) {
       c.context.is_under_way = false;
       EXPECT_FALSE(c.backend.take_memory(64, 8));
     }},
    {"gives memory twice", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) {
       void* const memory = c.backend.take_memory(100, 8);
       c.backend.give_memory(memory);
       EXPECT_FALSE(c.judgement.violated());
       c.backend.give_memory(memory);
     }},
    {"gives memory when it is not called", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) {
       void* const memory = c.backend.take_memory(100, 8);
       c.context.is_under_way = false;
       c.backend.give_memory(memory);
     }},
    {"gives another's memory", Invariant::B3, Cause::NotOutstanding, single_page,
     [](Caller& c) {
       void* const memory = c.backend.take_memory(100, 8);
       c.context.cache_index = 1;
       c.backend.give_memory(memory);
     }},
};

TEST(RecordingBackend, TellsEachBreachOfItsProtocol) {
  for (const Wrong& wrong : wrongs) {
    Caller caller{wrong.spec};
    wrong.does(caller);
    ASSERT_TRUE(caller.judgement.violated()) << "a cache that " << wrong.what;
    const Violation& told = *caller.judgement.violation();
    EXPECT_TRUE(told.invariant == wrong.invariant && told.cause == wrong.cause)
        << "a cache that " << wrong.what << ": " << to_string(told.invariant) << ": expected " << told.expected
        << ", observed " << told.observed;
  }
}

}  // namespace
}  // namespace slabproof

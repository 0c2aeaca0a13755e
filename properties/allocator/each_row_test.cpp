#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include <slab/slab.hpp>

#include "properties/allocator/each_row_world.hpp"

// What damaged slabs and a backend that errs give, in each row, with guards and without: each operation is compiled for
// all of these, and one may be wrong alone.

namespace {

using namespace properties;
using slab::CacheStatistics;
using slab::Misuse;
using slab::MisuseReport;
using slab::Row;

// alloc()

TEST(EachRow, AllocSetsPartialAndEmptySlabsAsideThatAreDamaged) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    ASSERT_EQ(world.cache->alloc(), world.at(1, 0));
    void* meanwhile = nullptr;
    world.answer([&](const MisuseReport&) { meanwhile = world.cache->alloc(); });
    world.damage_counts(0);
    void* object = world.cache->alloc();
    world.expect_set_aside(0);
    EXPECT_EQ(meanwhile, world.at(2, 0));
    EXPECT_EQ(object, world.at(2, 1));

    ASSERT_TRUE(world.cache->reserve(world.objects + 2));
    for (int i = 0; i < 2; ++i) ASSERT_NE(world.cache->alloc(), nullptr);
    world.damage_links(3);
    object = world.cache->alloc();
    world.expect_set_aside(3);
    EXPECT_EQ(meanwhile, world.at(4, 0));
    EXPECT_EQ(object, world.at(4, 1));
    world.answer(nullptr);
    world.free_all();
  });
}

TEST(EachRow, AllocIsAtWorkAgainAfterItHasReportedDamage) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    ASSERT_EQ(world.cache->alloc(), world.at(1, 0));
    world.damage_counts(0);
    world.backend.at_alloc_slab = [&] { EXPECT_EQ(world.cache->alloc(), nullptr); };
    EXPECT_EQ(world.cache->alloc(), world.at(2, 0));
    EXPECT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports.back().kind, Misuse::ReentrantCall);
    world.backend.at_alloc_slab = nullptr;
    world.free_all();
  });
}

TEST(EachRow, AllocSetsTheCurrentSlabAsideWhoseFreeSlotLooksLiveAndWhatItFindsWithIt) {
  in_rows_and_policies([](auto& world) {
    world.fill(2);
    world.free(1, 1);
    world.entry(1, 1) = live_entry;
    world.damage_links(0);
    EXPECT_EQ(world.cache->alloc(), world.at(2, 0));
    ASSERT_EQ(reports.size(), 2u);
    const std::size_t of_table = reports[1].kind == Misuse::CorruptedFreeList;
    EXPECT_EQ(reports[of_table].kind, Misuse::CorruptedFreeList);
    EXPECT_EQ(reports[of_table].pointer, world.at(1, 0));
    EXPECT_EQ(reports[1 - of_table].kind, Misuse::CorruptedSlabInfo);
    EXPECT_EQ(reports[1 - of_table].pointer, world.info(0));
    EXPECT_EQ(world.cache->statistics().set_aside_slabs, 2u);
    world.free_all();
  });
}

// Whichever of alloc() and free() turns from a full slab whose last free slot has named another one.
TEST(EachRow, NothingIsFreeInAFullSlabWhateverItsTableHasSaid) {
  const auto test = [](auto& world) {
    for (const bool frees : {false, true}) {
      const std::size_t first = world.backend.slabs_in_order.size();
      world.fill(frees ? 2 : 1);
      world.free(first, 0);
      ASSERT_EQ(world.entry(first, 0), last_entry);
      world.entry(first, 0) = std::byte{0};
      ASSERT_EQ(world.cache->alloc(), world.at(first, 0));
      if (frees) {
        world.free(first + 1, 0);
        ASSERT_EQ(world.cache->alloc(), world.at(first + 1, 0));
      } else {
        world.fill(1);
      }
      EXPECT_EQ(world.cache->statistics(), (CacheStatistics{.full_slabs = 2, .allocated_objects = 2 * world.objects}));
      EXPECT_EQ(world.cache->find_audit_failure(), slab::AuditFailure::None);
      world.free_all();
      world.cache->shrink();
      EXPECT_TRUE(world.backend.has_everything_back() && reports.empty());
    }
  };
  in_rows_and_policies(test);
  in_rows_and_policies<1>(test);
}

// The backend errs.

TEST(EachRow, ReserveAndAllocThatAreGivenWhatTheCacheHasAlreadyFailAndLeaveItAsItWas) {
  in_rows_and_policies([](auto& world) {
    world.fill(2);
    world.free(1, 0);
    CacheStatistics before = world.cache->statistics();
    world.answer([&](const MisuseReport&) {
      EXPECT_EQ(world.cache->statistics(), before);
      void* const object = world.cache->alloc_no_grow();
      EXPECT_EQ(object != nullptr, before.free_objects != 0) << "it is at rest";
      world.cache->free(object);
    });
    const auto is_reported = [&](const void* given) {
      world.expect_report(Misuse::BackendFault, given);
      EXPECT_EQ(world.cache->statistics(), before);
      EXPECT_EQ(world.cache->find_audit_failure(), slab::AuditFailure::None);
    };
    for (const std::size_t slab : {0u, 1u}) {
      world.backend.left = 2;
      world.backend.slab_again = world.at(slab, 0);
      EXPECT_FALSE(world.cache->reserve(world.objects * 4));
      is_reported(world.given(slab));
    }
    if (world.row == Row::Large) {
      world.backend.left = 2;
      world.backend.info_again = world.backend.infos_in_order[0];
      EXPECT_FALSE(world.cache->reserve(world.objects * 4));
      is_reported(world.backend.infos_in_order[0]);
      EXPECT_EQ(world.backend.left, 2u) << "the slab of which it was to be";
    }
    ASSERT_NE(world.cache->alloc(), nullptr);
    before = world.cache->statistics();
    world.backend.left = 0;
    world.backend.slab_again = world.at(0, 0);
    EXPECT_EQ(world.cache->alloc(), nullptr);
    is_reported(world.given(0));
    world.free_all();
  });
}

TEST(EachRow, FreeOfAnObjectForWhosePageTheMapNamesAnotherSlabDoesNothing) {
  in_rows_and_policies([](auto& world) {
    if (world.row == Row::SmallSinglePage) return;  // it has no map
    world.fill(3);
    const auto page = reinterpret_cast<std::uintptr_t>(world.at(0, 0));
    slab::SlabInfo*& entry = world.backend.pages.at(page);
    slab::SlabInfo* const right = entry;
    auto another = decltype(world.cache){std::in_place, world.geometry, world.backend};
    void* const elsewhere = another->alloc();
    for (const std::size_t other : {1u, 2u, 3u, 4u}) {  // which is full, current, another cache's, and none
      entry = other == 4 ? nullptr : reinterpret_cast<slab::SlabInfo*>(world.info(other));
      world.free(0, 0);
      world.expect_report(Misuse::BackendFault, world.at(0, 0));
      EXPECT_EQ(world.cache->statistics(), (CacheStatistics{.full_slabs = 3, .allocated_objects = 3 * world.objects}));
    }
    entry = right;
    another->free(elsewhere);
    world.free_all();
  });
}

// What a refused reserve() gives back may be damaged, and on_misuse may reserve.
TEST(EachRow, ReserveThatIsRefusedLeavesWhatOnMisuseHasReserved) {
  in_rows_and_policies([](auto& world) {
    world.fill(1);
    world.backend.left = 3;
    world.backend.at_refusal = [&] { world.damage_links(3); };
    world.answer([&](const MisuseReport&) { EXPECT_TRUE(world.cache->reserve(2 * world.objects)); });
    EXPECT_FALSE(world.cache->reserve(4 * world.objects));
    world.expect_set_aside(3);
    EXPECT_EQ(world.cache->statistics().empty_slabs, 2u);
    world.backend.at_refusal = nullptr;
    world.free_all();
  });
}

// free()

TEST(EachRow, FreeIntoAFullSlabWhoseOwnerIsDamagedSetsItAside) {
  in_rows_and_policies([](auto& world) {
    world.fill(3);
    world.damage_owner(1);
    world.free(1, 1);
    world.expect_set_aside(1);
    world.free(1, 1);
    world.free(1, 2);
    EXPECT_EQ(reports.size(), 1u) << "it was told";
    world.free_all();
  });
}

TEST(EachRow, FreeBetweenTwoDamagedSlabsSetsTheSoundOneAside) {
  in_rows_and_policies([](auto& world) {
    world.fill(5);
    for (const std::size_t slab : {1u, 3u}) std::memset(world.info(slab), 0xA5, sizeof(slab::SlabInfo));
    world.free(1, 0);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_NE(reports[0].pointer, reports[1].pointer);
    world.told = 2;
    EXPECT_EQ(world.cache->statistics(),
              (CacheStatistics{.full_slabs = 2, .allocated_objects = 2 * world.objects, .set_aside_slabs = 3}));
    world.free(0, 0);
    EXPECT_EQ(world.cache->alloc(), world.at(0, 0));
    const std::size_t left = std::exchange(world.backend.left, 0);
    world.backend.slab_again = world.at(2, 0);
    EXPECT_EQ(world.cache->alloc(), nullptr);
    world.expect_report(Misuse::BackendFault, world.given(2));
    world.backend.left = left;
    world.set_aside = 2;
    world.free(2, 0);
    world.expect_set_aside(2);
    world.free(2, 0);
    world.free(4, 0);
    EXPECT_EQ(world.cache->alloc(), world.at(4, 0));
    world.free_all();
  });
}

TEST(EachRow, FreeInAPartialSlabSetsItAsideWhereItsCountsAreDamagedOrItWouldLeaveItsList) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    world.damage_counts(0);
    world.free(0, 1);
    world.expect_set_aside(0);
    world.free_all();
  });
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 1);
    world.damage_links(0);
    world.free(0, 3);
    world.expect_set_aside(0);
    world.free_all();
  });
}

TEST(EachRow, FreeOfWhatIsNoObjectSetsASlabAsideWhoseLinksAreDamaged) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    for (const std::size_t slab : {1u, 0u}) {  // current, and partial
      world.cache->free(world.at(slab, 1) + 8);
      world.expect_report(Misuse::InteriorPointer, world.at(slab, 1) + 8);
      world.damage_links(slab);
      world.cache->free(world.at(slab, 1) + 8);
      world.expect_set_aside(slab);
    }
    world.free_all();
  });
}

TEST(EachRow, FreeOfALiveObjectWhoseEntrySaysThatItIsFreeSetsItsSlabAside) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    for (const std::size_t slab : {1u, 0u}) {
      world.free(slab, 0);
      world.expect_report(Misuse::DoubleFree, world.at(slab, 0));
      world.entry(slab, 1) = last_entry;
      world.free(slab, 1);
      world.expect_report(Misuse::CorruptedFreeList, world.at(slab, 0));
    }
    EXPECT_EQ(world.cache->statistics(), CacheStatistics{.set_aside_slabs = 2});
  });
}

// Empty slabs, and what is left.

TEST(EachRow, ReserveAndShrinkSetEachEmptySlabAsideThatIsDamaged) {
  for (const bool shrinks : {false, true})
    for (unsigned victims = 1; victims < 8; ++victims)  // of the current one, the last and the first one listed
      in_rows_and_policies([&](auto& world) {
        world.fill(1);
        for (std::size_t slot = 0; slot < world.objects; ++slot) world.free(0, slot);
        ASSERT_TRUE(world.cache->reserve(3 * world.objects));
        ASSERT_EQ(world.cache->statistics().empty_slabs, 3u);
        std::set<const void*> damaged, told;
        for (std::size_t slab = 0; slab < 3; ++slab)
          if (victims >> slab & 1) world.damage_links(slab), damaged.insert(world.info(slab));
        const bool is_between = (victims & 5) == 5;  // the last one, between two that are damaged
        if (is_between) damaged.erase(world.info(1));
        if (!shrinks) {
          EXPECT_TRUE(world.cache->reserve(3 * world.objects));
          EXPECT_EQ(world.cache->statistics().empty_slabs, 3u);
        } else {
          EXPECT_EQ(world.cache->shrink(), 3 - damaged.size() - is_between);
        }
        for (const MisuseReport& report : reports) told.insert(report.pointer);
        EXPECT_EQ(told, damaged);
        EXPECT_EQ(reports.size(), damaged.size());
        EXPECT_EQ(world.cache->statistics().set_aside_slabs, damaged.size() + is_between);
      });
}

// The first one is the current one, or listed; the second is damaged while the first is reported.
TEST(EachRow, ReserveLooksAtEachEmptySlabAfterAReportToo) {
  for (const std::size_t victim : {0u, 2u})
    in_rows_and_policies([&](auto& world) {
      world.fill(1);
      for (std::size_t slot = 0; slot < world.objects; ++slot) world.free(0, slot);
      ASSERT_TRUE(world.cache->reserve(3 * world.objects));
      world.damage_links(victim);
      world.answer([&](const MisuseReport&) {
        if (reports.size() == 1) world.damage_links(1);
      });
      EXPECT_TRUE(world.cache->reserve(3 * world.objects));
      EXPECT_EQ(reports.size(), 2u);
      EXPECT_EQ(world.cache->statistics().set_aside_slabs, 2u);
    });
}

TEST(EachRow, TheDestructorSetsADamagedSlabAsideAndThenReportsWhatLives) {
  enum Damage : std::uint8_t { Counts, Links, LiveLooksFree, FreeLooksLive };
  for (const Damage damage : {Counts, Links, LiveLooksFree, FreeLooksLive})
    in_rows_and_policies([&](auto& world) {
      world.fill(3);
      world.free(0, 0);
      world.free(1, 0);  // its slab is current, and the first partial
      ASSERT_TRUE(world.cache->reserve(world.objects + 2));
      ASSERT_EQ(world.backend.slabs, 4u);
      if (damage == Counts) world.damage_counts(0);
      if (damage == Links) world.damage_links(0);
      if (damage == LiveLooksFree) world.entry(0, 1) = last_entry;
      if (damage == FreeLooksLive) world.entry(0, 0) = live_entry;
      world.answer([&, cache = &*world.cache](const MisuseReport& report) {
        if (reports.size() == 1) return cache->free(world.at(2, 0));
        EXPECT_FALSE(report.kind == Misuse::LiveAtDestruction && cache->alloc());
      });
      world.cache.reset();
      ASSERT_EQ(reports.size(), 13u) << "of a slab, of six objects, and of an alloc() at each";
      const bool is_of_table = damage == LiveLooksFree || damage == FreeLooksLive;
      EXPECT_EQ(reports[0].kind, is_of_table ? Misuse::CorruptedFreeList : Misuse::CorruptedSlabInfo);
      EXPECT_EQ(reports[0].pointer, is_of_table ? world.at(0, 0) : world.info(0));
      for (std::size_t i = 1; i < 13; ++i)
        EXPECT_EQ(reports[i].kind, i % 2 == 0 ? Misuse::ReentrantCall : Misuse::LiveAtDestruction);
      EXPECT_EQ(world.backend.slabs, 3u) << "the empty one goes back";
    });
}

// What waits in a quarantine of two.

TEST(EachRow, TheDestructorLosesNoObjectThatIsFreedWhileItReportsDamage) {
  in_rows_with_quarantine([](auto& world) {
    world.fill(2);
    for (std::size_t slot = 1; slot < world.objects; ++slot) world.free(1, slot);
    world.damage_links(0);
    world.answer([&, cache = &*world.cache](const MisuseReport&) { cache->free(world.at(1, 0)); });
    world.cache.reset();
    ASSERT_EQ(reports.size(), 1u) << "no object lives but those of the damaged slab";
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
    EXPECT_EQ(world.backend.slabs, 1u);
  });
}

TEST(EachRow, NothingIsHandedOutOfTheQuarantineThatLies) {
  for (const bool is_full : {false, true})
    in_rows_with_quarantine([&](auto& world) {
      world.fill(is_full ? 2 : 1);  // full and not current, or current
      world.free(0, 0);
      world.free(0, 1);
      if (is_full)
        world.damage_counts(0);
      else
        world.damage_links(0);
      EXPECT_EQ(world.cache->alloc_no_grow(), nullptr);
      world.expect_set_aside(0);
      EXPECT_EQ(world.cache->alloc_no_grow(), nullptr) << "the other one is forgotten";
      world.free_all();
    });
}

// 2 is free and names 3, which waits. So 3 is handed out twice, unless it is looked at when it leaves.
TEST(EachRow, NothingLeavesTheQuarantineThatIsLive) {
  for (const bool shrinks : {false, true})
    in_rows_with_quarantine([&](auto& world) {
      hand_out_what_waits(world);
      if (shrinks)
        EXPECT_EQ(world.cache->shrink(), 0u);
      else
        EXPECT_EQ(world.cache->alloc_no_grow(), nullptr);
      world.expect_report(Misuse::CorruptedFreeList, world.at(0, 0));
      EXPECT_EQ(world.cache->statistics(), CacheStatistics{.set_aside_slabs = 1});
    });
}

// Its entry was overwritten with "live", which hides that it is freed again; but not from AddressSanitizer.
#if !defined(SLAB_ASAN)
TEST(EachRow, NoSlabGoesBackOfWhichAnObjectWaits) {
  in_rows_with_quarantine([](auto& world) {
    world.fill(2);
    for (std::size_t slot = world.objects; slot-- > 0;) world.free(0, slot);  // 1 and 0 wait
    world.entry(0, 0) = live_entry;
    world.free(0, 0);  // it waits twice
    world.free(1, 0);
    world.expect_report(Misuse::CorruptedFreeList, world.at(0, 0));
    EXPECT_EQ(world.cache->statistics().set_aside_slabs, 1u);
    world.free_all();
  });
}
#endif

}  // namespace

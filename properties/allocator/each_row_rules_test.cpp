#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

#include <slab/slab.hpp>

#include "properties/allocator/each_row_world.hpp"

// In each row, with guards and without: which slab is where, which damage an operation looks for and which it does not
// (docs/policy.md), and what the memory that comes back says.

namespace {

using namespace properties;
using slab::CacheStatistics;
using slab::Misuse;
using slab::MisuseReport;
using slab::Row;

// Which slab is where.

TEST(EachRowRules, ShrinkForgetsWhatWasReserved) {
  const auto test = [](auto& world) {
    ASSERT_TRUE(world.cache->reserve(3 * world.objects));
    EXPECT_EQ(world.cache->shrink(), 3u);
    world.fill(3);
    world.free_all();
    EXPECT_EQ(world.cache->statistics().empty_slabs, 1u);
    world.cache->shrink();
  };
  in_rows_and_policies(test);
  in_rows_and_policies<1>(test);
}

TEST(EachRowRules, ASlabStaysPartialWhereAFreeIntoAFullOneMakesThatCurrent) {
  in_rows_and_policies([](auto& world) {
    world.fill(1);
    ASSERT_NE(world.cache->alloc(), nullptr);
    world.free(0, 0);
    EXPECT_EQ(world.cache->statistics(),
              (CacheStatistics{.partial_slabs = 2, .allocated_objects = world.objects, .free_objects = world.objects}));
    EXPECT_TRUE(world.cache->audit());
    world.free_all();
  });
}

TEST(EachRowRules, PartialSlabsThatLoseTheirLastObjectAreEmptyAndGoBack) {
  in_rows_and_policies([](auto& world) {
    world.fill(3);
    for (std::size_t slab = 0; slab < 3; ++slab) world.free(slab, 0);
    for (std::size_t slab = 0; slab < 2; ++slab) {
      for (std::size_t slot = 1; slot < world.objects; ++slot) world.free(slab, slot);
      EXPECT_EQ(world.cache->statistics().empty_slabs, 1u);
      EXPECT_EQ(world.cache->statistics().partial_slabs, 2 - slab);
      EXPECT_TRUE(world.cache->audit());
    }
    EXPECT_EQ(world.backend.slabs, 2u);
    world.free_all();
  });
}

TEST(EachRowRules, NothingThatWaitsIsHandedOutWhileASlabIsPartial) {
  in_rows_with_quarantine([](auto& world) {
    world.fill(3);
    world.free(0, 0);
    world.free(1, 0);
    world.free(2, 0);
    world.free(2, 1);  // these two wait; the first slab is partial, and the second current
    ASSERT_EQ(world.cache->alloc(), world.at(1, 0));
    ASSERT_TRUE(world.cache->reserve(4));
    ASSERT_EQ(world.cache->statistics().empty_slabs, 1u);
    EXPECT_EQ(world.cache->alloc_no_grow(), world.at(0, 0));
    EXPECT_EQ(world.cache->alloc_no_grow(), world.at(3, 0));
  });
}

// What is looked at.

TEST(EachRowRules, WhatTheSlabInfoOfTheCurrentSlabSaysOfItsSlotsDoesNotMatter) {
  in_rows_and_policies([](auto& world) {
    for (int i = 0; i < 2; ++i) ASSERT_NE(world.cache->alloc(), nullptr);
    world.damage_counts(0);
    EXPECT_EQ(world.visited(), 2u);
    world.free(0, 2);
    world.expect_report(Misuse::NeverAllocated, world.at(0, 2));
    world.free(0, 0);
    world.free(0, 1);
    EXPECT_TRUE(world.cache->reserve(2 * world.objects));
    EXPECT_EQ(world.cache->shrink(), 2u);
    EXPECT_EQ(reports.size(), 1u);
  });
}

TEST(EachRowRules, FreeIntoAFullSlabLooksAtItsCountsAndInLargeAtItsLinks) {
  using slab::detail::TabledSlots;
  in_rows_and_policies([](auto& world) {
    for (const std::size_t member :
         {offsetof(TabledSlots, free_head), offsetof(TabledSlots, used), offsetof(TabledSlots, carved)}) {
      const std::size_t first = world.backend.slabs_in_order.size();
      world.fill(2);
      world.info(first)[member] ^= std::byte{1};
      world.free(first, 1);
      world.expect_set_aside(first);
      world.free_all();
      world.cache->shrink();
    }
  });
  in_rows_and_policies([](auto& world) {
    world.fill(2);
    world.damage_links(0);
    world.free(0, 1);
    if (world.row == Row::Large) return world.expect_set_aside(0);
    EXPECT_TRUE(reports.empty());
    EXPECT_EQ(world.cache->alloc(), world.at(0, 1));
  });
}

TEST(EachRowRules, FreeIntoAPartialSlabLooksAtItsLinksInLargeOrWhereItBecomesEmpty) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    world.damage_links(0);
    if (world.row != Row::Large) {
      world.free(0, 1);
      world.free(0, 2);
      EXPECT_TRUE(reports.empty());
    }
    world.free(0, 3);
    world.expect_set_aside(0);
    world.free_all();
  });
}

TEST(EachRowRules, FreeLooksForNoSlabThatLinksDoNotLeadToBeforeDamageIsFound) {
  in_rows_and_policies([](auto& world) {
    world.fill(5);
    for (const std::size_t slab : {1u, 3u}) world.damage_links(slab);
    world.free(2, 0);
    EXPECT_TRUE(reports.empty());
    EXPECT_EQ(world.cache->alloc(), world.at(2, 0));
  });
}

TEST(EachRowRules, NothingIsFreedInAnEmptySlabWhateverItsTableSays) {
  in_rows_and_policies([](auto& world) {
    world.fill(2);
    for (std::size_t slot = 0; slot < world.objects; ++slot) world.free(0, slot);
    world.free(1, 0);  // its slab is current, and the empty one listed
    for (std::size_t slot = 0; slot < world.objects; ++slot) world.entry(0, slot) = live_entry;
    world.free(0, 0);
    world.expect_report(Misuse::CorruptedFreeList, world.at(0, 0));
    EXPECT_EQ(world.cache->statistics().set_aside_slabs, 1u);
    world.free_all();
  });
}

TEST(EachRowRules, TheTableIsLookedAtForADoubleFreeAlone) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    for (const std::size_t slab : {0u, 1u}) {
      world.entry(slab, 1) = last_entry;
      world.cache->free(world.at(slab, 2) + 8);
      world.expect_report(Misuse::InteriorPointer, world.at(slab, 2) + 8);
      world.entry(slab, 1) = live_entry;
    }
    world.free_all();
  });
}

TEST(EachRowRules, NoObjectOfASlabWithDamagedCountsIsVisited) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    world.damage_counts(0);
    EXPECT_EQ(world.visited(), 3u);
    EXPECT_TRUE(reports.empty());
  });
}

// In Large the SlabInfo says where its slab begins.
TEST(EachRowRules, NothingIsBelievedOfASlabThatSeemsToBeginElsewhere) {
  const auto move_base = [](auto& world) {
    world.info(0)[offsetof(slab::SlabInfo, slab)] ^= static_cast<std::byte>(world.geometry.stride());
  };
  in_rows_and_policies([&](auto& world) {
    if (world.row != Row::Large) return;
    world.fill(2);
    move_base(world);
    for (int times = 0; times < 2; ++times) world.free(0, 0);
    world.expect_set_aside(0);
    world.free_all();
  });
  in_rows_with_quarantine([&](auto& world) {
    if (world.row != Row::Large) return;
    world.fill(2);
    world.free(0, 1);
    world.free(0, 2);
    move_base(world);
    world.free(1, 0);  // the first one leaves, where 0 seems to lie
    world.expect_set_aside(0);
  });
}

// It is damaged again, and the map of a SmallMultiPage cache names it for the page of another slab's object.
TEST(EachRowRules, ASlabThatWasSetAsideIsNotSetAsideAgain) {
  in_rows_and_policies([](auto& world) {
    if (world.row != Row::SmallMultiPage) return;
    world.fill(5);
    world.damage_owner(0);
    world.free(0, 0);
    world.expect_set_aside(0);
    for (const std::size_t slab : {1u, 2u, 3u}) world.free(slab, 0);  // 3 is current, and 2 before 1 on the list
    world.damage_links(0);
    slab::SlabInfo*& entry = world.backend.pages.at(reinterpret_cast<std::uintptr_t>(world.at(4, 0)));
    slab::SlabInfo* const right = std::exchange(entry, reinterpret_cast<slab::SlabInfo*>(world.info(0)));
    world.free(4, 0);
    EXPECT_EQ(reports.size(), 1u);
    entry = right;
    for (const std::size_t slab : {3u, 2u, 1u}) EXPECT_EQ(world.cache->alloc(), world.at(slab, 0));
    world.free_all();
  });
}

// Each of two, of which the second is damaged while the first is reported.
TEST(EachRowRules, TheDestructorSaysOfEachDamageWhatItIs) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    world.entry(0, 1) = last_entry;
    world.answer([&](const MisuseReport&) {
      if (reports.size() == 1) world.damage_links(1);
    });
    world.cache.reset();
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
    EXPECT_EQ(reports[1].kind, Misuse::CorruptedSlabInfo);
    EXPECT_EQ(reports[1].pointer, world.info(1));
  });
}

// Memory that comes, and that goes back.

TEST(EachRowRules, NewMemoryIsTheCachesForWhatItHoldsOnlyWhereOneOfItsSlabsLiesThere) {
  in_rows_and_policies([](auto& world) {
    world.fill(2);
    std::memcpy(world.backend.image, world.info(1), sizeof world.backend.image);
    world.fill(1);
    EXPECT_TRUE(reports.empty());
    std::memset(world.backend.image, 0x5A, sizeof world.backend.image);
    world.damage_links(0);
    world.fill(1);
    EXPECT_TRUE(reports.empty());
  });
}

TEST(EachRowRules, MemoryThatGoesBackNamesNoOwner) {
  in_rows_and_policies([](auto& world) {
    const auto owner_in = [](const std::byte* info) {
      std::uintptr_t owner;
      std::memcpy(&owner, info + offsetof(slab::SlabInfo, owner), sizeof owner);
      return owner;
    };
    world.fill(1);
    const std::uintptr_t owner = owner_in(world.info(0));
    std::size_t given_back = 0;
    world.backend.at_free = [&](const std::byte* info) { given_back += owner_in(info) != owner; };
    world.free_all();
    world.cache->shrink();
    EXPECT_EQ(given_back, world.row == Row::Large ? 2u : 1u);
    world.backend.at_free = nullptr;
  });
}

// The quarantine.

TEST(EachRowRules, ShrinkIsAtWorkWhileWhatWaitsLeaves) {
  in_rows_with_quarantine([](auto& world) {
    world.fill(1);
    for (std::size_t slot = 0; slot < world.objects; ++slot) world.free(0, slot);
    std::size_t calls = 0;
    world.backend.at_free = [&](const std::byte*) {
      EXPECT_EQ(world.cache->alloc(), nullptr);
      ++calls;
    };
    EXPECT_EQ(world.cache->shrink(), 1u);
    EXPECT_EQ(reports.size(), calls);
    for (const MisuseReport& report : reports) EXPECT_EQ(report.kind, Misuse::ReentrantCall);
    world.backend.at_free = nullptr;
  });
}

TEST(EachRowRules, ShrinkCountsWhatItGivesBackItselfThoughOnMisuseShrinksToo) {
  in_rows_with_quarantine([](auto& world) {
    world.fill(2);
    for (std::size_t slot = 0; slot < world.objects; ++slot) world.free(1, slot);
    world.free(0, 0);  // the last object of the second slab waits, and then this one
    world.damage_owner(0);
    world.answer([&](const MisuseReport&) { EXPECT_EQ(world.cache->shrink(), 0u); });
    EXPECT_EQ(world.cache->shrink(), 1u);
    world.expect_set_aside(0);
  });
}

}  // namespace

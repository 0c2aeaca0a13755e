#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>

#include <gtest/gtest.h>

#include <slab/slab.hpp>

#include "properties/allocator/each_row_world.hpp"
#include "properties/allocator/guarded_policies.hpp"

// What is found with a damaged slab, and what is left alone, in each row; and what guards remember of a slot.

namespace {

using namespace properties;
using slab::Misuse;
using slab::MisuseReport;

void expect_damage_of_two(auto& world, std::size_t one, std::size_t other) {
  ASSERT_EQ(reports.size(), 2u);
  for (const MisuseReport& report : reports) EXPECT_EQ(report.kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ((std::set{reports[0].pointer, reports[1].pointer}),
            (std::set<const void*>{world.info(one), world.info(other)}));
  EXPECT_EQ(world.cache->find_audit_failure(), slab::AuditFailure::None);
}

TEST(EachRow, NothingIsToldOfSlabsThatWereSetAsideAfterFurtherRepairsEither) {
  in_rows_and_policies([](auto& world) {
    constexpr std::size_t damaged = 8;
    world.fill(damaged + 1);
    for (std::size_t slab = 0; slab < damaged; ++slab) {
      world.damage_owner(slab);
      world.free(slab, 0);
      world.expect_set_aside(slab);
    }
    for (std::size_t slab = 0; slab < damaged; ++slab) world.free(slab, 1);
    EXPECT_EQ(reports.size(), damaged);
    world.free_all();
  });
}

TEST(EachRow, CountsThatSayThatASlabWasSetAsideAreNotBelieved) {
  in_rows_and_policies([](auto& world) {
    make_first_partial(world, 3);
    std::memset(world.info(0) + offsetof(slab::detail::TabledSlots, used), 0xFF, sizeof(std::uint32_t));
    world.free(0, 1);
    world.expect_set_aside(0);
    world.free_all();
  });
}

TEST(EachRow, ASlabWhoseCountsAreDamagedIsFoundWithAnother) {
  in_rows_and_policies([](auto& world) {
    world.fill(3);
    for (const std::size_t slab : {0u, 1u, 2u}) world.free(slab, 0);  // the last one is current
    world.damage_counts(0);
    world.damage_counts(1);
    world.free(1, 1);
    expect_damage_of_two(world, 0, 1);
    EXPECT_EQ(world.cache->statistics().set_aside_slabs, 2u);
    EXPECT_EQ(world.cache->statistics().allocated_objects, world.objects - 1);
    world.free(0, 1);
    world.free(1, 1);
    EXPECT_EQ(reports.size(), 2u);
    world.free_all();
  });
}

TEST(EachRow, ASlabWhoseOwnerIsDamagedIsKnownFromEitherEnd) {
  for (const std::size_t slab : {0u, 2u})
    in_rows_and_policies([&](auto& world) {
      world.fill(4);
      world.damage_owner(0);
      world.damage_owner(2);
      world.free(slab, 0);
      expect_damage_of_two(world, 0, 2);
      EXPECT_EQ(world.cache->statistics().set_aside_slabs, 3u) << "no sound link leads to the one between";
    });
}

TEST(EachRow, ASmallSlabIsNamedByWhereItLiesAndNotByWhatItsSlabInfoSays) {
  in_rows_and_policies([](auto& world) {
    if (world.row == slab::Row::Large) return;
    world.fill(2);
    world.free(1, 1);
    world.entry(1, 1) = live_entry;
    world.info(1)[offsetof(slab::SlabInfo, slab)] ^= std::byte{64};
    EXPECT_EQ(world.cache->alloc(), world.at(2, 0));
    world.expect_report(Misuse::CorruptedFreeList, world.at(1, 0));
    world.free_all();
  });
}

TEST(EachRow, ASoundSlabBetweenTwoDamagedOnesServesUntilTheyAreFound) {
  in_rows_and_policies([](auto& world) {
    world.fill(4);
    world.damage_links(0);
    world.damage_links(2);
    world.free(1, 0);
    EXPECT_TRUE(reports.empty());
    EXPECT_EQ(world.cache->alloc(), world.at(1, 0));
  });
}

TEST(EachRow, TheBaseOfTheCurrentSlabIsNotReadWhereAnObjectIsFreed) {
  in_rows_with_quarantine([](auto& world) {
    world.fill(2);
    std::byte& base = world.info(1)[offsetof(slab::SlabInfo, slab)];
    base ^= std::byte{64};
    for (const std::size_t slot : {0u, 1u, 2u}) world.free(1, slot);
    EXPECT_TRUE(reports.empty());
    EXPECT_EQ(world.cache->statistics().allocated_objects, world.objects + 1);
    base ^= std::byte{64};
    world.free_all();
  });
}

TEST(EachRow, AnObjectThatIsFreedTwiceKeepsWhatWasWrittenToItInBetween) {
  in_rows_of<Patterned, 4>("with guards", [](auto& world) {
    world.fill(1);
    world.free(0, 0);
    write_byte(world.at(0, 0) + 3, 7);
    world.free(0, 0);
    world.expect_report(Misuse::DoubleFree, world.at(0, 0));
    EXPECT_EQ(world.cache->alloc(), world.at(0, 0));
    world.expect_report(Misuse::WriteAfterFree, world.at(0, 0));
    world.free_all();
  });
}

struct TrackedWithRedZone : slab::Checked {
  static constexpr std::size_t red_zone_bytes = 8;
  static constexpr bool track_callers = true;
};
TEST(EachRow, AnObjectInASlotThatWasFreedBeforeNamesWhoFreedItThen) {
  in_rows_of<TrackedWithRedZone, 4>("with callers and a red zone", [](auto& world) {
    world.fill(1);
    world.free(0, 0);
    ASSERT_EQ(world.cache->alloc(), world.at(0, 0));
    for (const bool was_freed : {true, false}) {
      std::byte* const object = world.at(0, was_freed ? 0 : 1);
      std::byte* const behind = object + world.geometry.object_size();
      write_byte(behind, 7);
      world.cache->free(object);
      world.expect_report(Misuse::WriteBeyondObject, object);
      EXPECT_NE(reports.back().allocated_by, nullptr);
      EXPECT_EQ(reports.back().freed_by != nullptr, was_freed);
      write_byte(behind, 0xBD);
    }
    world.free_all();
  });
}

}  // namespace

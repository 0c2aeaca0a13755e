#include <algorithm>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/damaged_world.hpp"
#include "properties/allocator/recorded_reports.hpp"

// One byte of a slab's table of slots is overwritten, and then every call is right. No live object may be handed out
// again, and what is found is set aside, unless the entry of a live object was given a slot's number (docs/policy.md).

namespace {

using properties::Object;
using properties::reports;
using slab::CacheStatistics;
using slab::Misuse;

constexpr std::byte live{0xFF}, none{0xFE};

template <std::size_t Waiting>
struct Policy : properties::Recording {
  static constexpr std::size_t quarantine_objects = Waiting;
};

template <std::size_t Waiting>
struct World : properties::DamagedWorld<properties::DamagedSlabs, Policy<Waiting>> {
  using Base = properties::DamagedWorld<properties::DamagedSlabs, Policy<Waiting>>;
  using Base::backend, Base::cache, Base::slab_size;

  /// The entry of the first slab's slot with this index; the cache never gives the slab back.
  std::byte& entry(Object* first, std::size_t index) {
    if (backend.set_aside.empty()) backend.set_aside.push_back(first);
    const slab::Geometry& geometry = cache->geometry();
    return first->bytes[slab_size - geometry.slab_info_size() + index];
  }
  void expect_one_report_of(Object* first) {
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
    EXPECT_EQ(reports[0].pointer, first);
  }
};

// Whichever of alloc() and free() turns from the full slab to another one.
TEST(DamagedTable, WhoseLastFreeSlotNamesAnotherOneDoesNoHarmOnceTheSlabIsFull) {
  for (const bool frees : {false, true})
    for (const std::byte number : {std::byte{0}, std::byte{1}, std::byte{3}}) {
      World<0> world;
      std::vector<Object*> objects = world.alloc(world.slab * (frees ? 2 : 1));
      world.cache->free(objects[0]);
      ASSERT_EQ(world.entry(objects[0], 0), none);
      world.entry(objects[0], 0) = number;
      ASSERT_EQ(world.cache->alloc(), objects[0]);
      if (frees) {
        world.cache->free(objects[world.slab]);
        ASSERT_EQ(world.cache->alloc(), objects[world.slab]);
      } else {
        for (Object* const object : world.alloc(world.slab)) objects.push_back(object);
      }
      EXPECT_EQ(world.cache->statistics(), (CacheStatistics{.full_slabs = 2, .allocated_objects = 2 * world.slab}));
      EXPECT_TRUE(world.cache->audit());
      world.free(objects);
      EXPECT_TRUE(world.cache->audit());
      EXPECT_TRUE(reports.empty());
      world.backend.set_aside.clear();
    }
}

TEST(DamagedTable, DoesNotHandAnObjectOutOfTheQuarantineThatIsLive) {
  for (const bool shrinks : {false, true}) {
    World<2> world;
    const std::vector<Object*> objects = world.alloc(world.slab);
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}, std::size_t{3}})
      world.cache->free(objects[i]);  // 0 is free, the others wait
    world.cache->free(objects[1]);                                          // 2 is free too
    ASSERT_EQ(world.entry(objects[0], 2), std::byte{0});
    world.entry(objects[0], 2) = std::byte{3};  // which waits
    std::vector<Object*> again{world.cache->alloc(), world.cache->alloc()};
    ASSERT_EQ(again, (std::vector{objects[2], objects[3]}));
    if (shrinks)
      EXPECT_EQ(world.cache->shrink(), 0u);
    else
      again = world.alloc(3);
    world.expect_one_report_of(objects[0]);
    EXPECT_EQ(std::count(again.begin(), again.end(), objects[3]), shrinks ? 1 : 0);
    world.free(again);
    EXPECT_EQ(world.cache->statistics().allocated_objects, 0u);
    EXPECT_TRUE(world.cache->audit());
  }
}

TEST(DamagedTable, IsFoundByTheDestructor) {
  for (const bool lives : {false, true}) {
    World<0> world;
    Object* const object = world.cache->alloc();
    if (!lives) world.cache->free(object);
    world.entry(object, 0) = lives ? none : live;
    world.cache.reset();
    world.expect_one_report_of(object);
    EXPECT_EQ(world.backend.slabs, 1u) << "set aside";
  }
}

}  // namespace

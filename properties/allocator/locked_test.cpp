#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/locked.hpp>
#include <slab/slab.hpp>
#include "properties/allocator/guarded_policies.hpp"
#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

// What properties/locked/ does not ask of a Locked cache: how often it takes the lock, what becomes of a slab that was
// made in vain, of damage and of errors of the backend, and its destruction.

namespace {

using properties::HeapBackend;
using properties::Recording;
using properties::RecordingAndKeeping;
using properties::reports;
using slab::CacheStatistics;
using slab::Config;
using slab::Misuse;
using slab::ObjectSizeType;

constexpr std::size_t slab_size = 1024, page_size = 512;

/// Nobody takes it twice.
struct CountingLock {
  void lock() noexcept {
    EXPECT_FALSE(is_held);
    is_held = true;
    ++count;
  }
  void unlock() noexcept {
    EXPECT_TRUE(is_held);
    is_held = false;
  }
  bool is_held = false;
  int count = 0;
};

/// Errs and refuses as it is told, and calls others while no lock is held. What does not come back it frees in the end.
struct Backend : HeapBackend {
  ~Backend() {
    for (void* const memory : outstanding) std::free(memory);
  }
  void* alloc_slab(std::size_t size, std::size_t page) noexcept {
    EXPECT_EQ(size, slab_size);
    EXPECT_LE(page, size);
    ++asked_for_slabs;
    if (while_made) while_made();
    if (void* const again = std::exchange(slab_again, nullptr)) return again;
    if (left == 0) return nullptr;
    --left;
    made.push_back(static_cast<std::byte*>(HeapBackend::alloc_slab(size, page)));
    outstanding.insert(made.back());
    return made.back();
  }
  void free_slab(void* slab, std::size_t size, std::size_t page) noexcept {
    EXPECT_EQ(size, slab_size);
    EXPECT_LE(page, size);
    EXPECT_EQ(outstanding.erase(slab), 1u);
    HeapBackend::free_slab(slab, size, page);
    if (while_taken_back) while_taken_back();
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    if (while_info_made) while_info_made();
    if (void* const again = std::exchange(info_again, nullptr)) return again;
    info_made.push_back(static_cast<std::byte*>(HeapBackend::alloc_slab_info(size)));
    outstanding.insert(info_made.back());
    return info_made.back();
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    EXPECT_EQ(outstanding.erase(info), 1u);
    HeapBackend::free_slab_info(info, size);
  }
  bool can_make_slabs(const slab::Geometry& /*geometry*/, std::size_t count) noexcept {
    asked_whether.push_back(count);
    return count <= 4;
  }
  bool save_slab_info(std::uintptr_t page_addr, slab::SlabInfo* info) noexcept {
    return !refuses_pages && HeapBackend::save_slab_info(page_addr, info);
  }
  slab::SlabInfo* get_slab_info(std::uintptr_t page_addr) noexcept {
    ++looked_up;
    return HeapBackend::get_slab_info(page_addr);
  }

  std::function<void()> while_made, while_taken_back, while_info_made;
  std::size_t left = SIZE_MAX, asked_for_slabs = 0, looked_up = 0;
  void *slab_again = nullptr, *info_again = nullptr;
  bool refuses_pages = false;
  std::vector<std::byte*> made, info_made;
  std::set<void*> outstanding;
  std::vector<std::size_t> asked_whether;
};

/// Notes each misuse, and may do something besides.
struct Telling : Recording {
  static inline std::function<void(const slab::MisuseReport&)> also;
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    Recording::on_misuse(report);
    if (also) also(report);
  }
};

struct Object {
  std::byte bytes[200];
};
/// One has a slab to itself.
struct Whole {
  std::byte bytes[800];
};

template <class Policy, Config C = Config{slab_size, page_size}, class T = Object>
struct World {
  using Cache = slab::Locked<slab::Cache<T, C, Backend, Policy>, CountingLock>;

  World() { reports.clear(); }
  ~World() { Telling::also = nullptr; }

  std::vector<T*> alloc(std::size_t n) {
    std::vector<T*> objects(n);
    for (T*& object : objects) object = cache->alloc();
    return objects;
  }
  void free(const std::vector<T*>& objects) {
    for (T* const object : objects) cache->free(object);
  }
  /// One bit of a SlabInfo changes, of a slab that is the cache's for good from then on.
  void damage(std::size_t number) { backend.made[number][slab_size - 8] ^= std::byte{1}; }
  [[nodiscard]] std::size_t empty() const { return cache->statistics().empty_slabs; }

  Backend backend;
  std::unique_ptr<Cache> cache = std::make_unique<Cache>(backend);
  std::size_t slab = cache->geometry().objects_per_slab();
};
constexpr Config large{slab_size, slab_size, ObjectSizeType::Large};

// reserve() and shrink().

TEST(Locked, ReservesWhatIsMissingAndKeepsItUntilTheNext) {
  World<Recording> world;
  auto& cache = *world.cache;
  ASSERT_TRUE(cache.reserve(world.slab + 1));
  EXPECT_EQ(world.backend.slabs, 2u);
  std::vector<Object*> objects;
  for (std::size_t i = 0; i < 2 * world.slab; ++i) objects.push_back(cache.alloc_no_grow());
  EXPECT_EQ(std::set<Object*>(objects.begin(), objects.end()).count(nullptr), 0u);
  EXPECT_EQ(cache.alloc_no_grow(), nullptr);
  world.free(objects);
  EXPECT_EQ(world.empty(), 2u);
  ASSERT_TRUE(cache.reserve(3 * world.slab));
  EXPECT_EQ(world.empty(), 3u);
  ASSERT_TRUE(cache.reserve(1));
  EXPECT_EQ(world.backend.slabs, 1u);
  EXPECT_EQ(world.backend.asked_whether, (std::vector<std::size_t>{2, 1})) << "what is free is not asked for";
}

TEST(Locked, ReservesNothingWhereTheBackendHasNoRoomOrThereAreNotSoManyAddresses) {
  World<Recording> world;
  EXPECT_FALSE(world.cache->reserve(5 * world.slab));
  EXPECT_FALSE(world.cache->reserve(SIZE_MAX));
  EXPECT_EQ(world.backend.asked_whether, std::vector<std::size_t>{5});
  EXPECT_EQ(world.backend.asked_for_slabs, 0u);
}

TEST(Locked, GivesBackWhatAFailedReserveHasMadeAndNoMore) {
  World<Recording> world;
  ASSERT_TRUE(world.cache->reserve(2 * world.slab));
  world.backend.left = 1;
  EXPECT_FALSE(world.cache->reserve(5 * world.slab));
  EXPECT_EQ(world.backend.slabs, 2u);
  EXPECT_EQ(world.empty(), 2u);
}

TEST(Locked, MakesSlabsInThePlaceOfDamagedOnes) {
  World<Telling> world;
  ASSERT_TRUE(world.cache->reserve(3 * world.slab));
  world.damage(0);
  Telling::also = [&](const slab::MisuseReport& /*report*/) {
    if (reports.size() == 1) world.damage(2);
  };
  EXPECT_FALSE(world.cache->audit());
  EXPECT_EQ(world.cache->find_audit_failure(), slab::AuditFailure::DamagedSlabInfo);
  ASSERT_TRUE(world.cache->reserve(3 * world.slab));
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(reports[1].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(world.cache->statistics(),
            (CacheStatistics{.empty_slabs = 3, .free_objects = 3 * world.slab, .set_aside_slabs = 2}));
  EXPECT_TRUE(world.cache->audit());
}

TEST(Locked, ForgetsAReserveWhenItShrinks) {
  World<Recording> world;
  ASSERT_TRUE(world.cache->reserve(3 * world.slab));
  EXPECT_EQ(world.cache->shrink(), 3u);
  world.free(world.alloc(3 * world.slab));
  EXPECT_EQ(world.empty(), 1u);
}

using Quarantine = properties::Guarded<0, false, 3, slab::Zero::Never, false, 0>;

TEST(Locked, TakesTheLockForEachObjectThatLeavesTheQuarantineWhenItShrinks) {
  World<Quarantine, Config{slab_size, page_size}, Whole> world;
  const auto objects = world.alloc(4);
  world.free(objects);
  EXPECT_EQ(world.backend.slabs, 3u);
  world.cache->lock().count = 0;
  EXPECT_EQ(world.cache->shrink(), 3u);
  EXPECT_EQ(world.cache->lock().count, 5) << "and once for those that others have freed meanwhile, and for empty slabs";
  EXPECT_EQ(world.backend.slabs, 0u);
}

TEST(Locked, CountsTheSlabsOfWhatOthersFreeWhileItShrinks) {
  World<Quarantine, Config{slab_size, page_size}, Whole> world;
  const auto objects = world.alloc(6);
  world.free({objects[0], objects[1], objects[2], objects[3]});
  int taken_back = 0;
  world.backend.while_taken_back = [&] {
    if (++taken_back == 3) world.free({objects[4], objects[5]});
  };
  EXPECT_EQ(world.cache->shrink(), 5u);
  EXPECT_EQ(world.backend.slabs, 0u);
}

// free().

/// What a local that nobody sets would be.
__attribute__((noinline)) void fill_stack(int value) {
  char below[4096];
  std::memset(below, value, sizeof below);
  __asm__ volatile("" : : "r"(below) : "memory");
}

TEST(Locked, TakesTheLockOnceToFreeAndNeverForNull) {
  World<Recording> world;
  auto& cache = *world.cache;
  const auto objects = world.alloc(3 * world.slab);
  for (std::size_t i = 0; i < world.slab; ++i) cache.free(objects[i]);
  ASSERT_EQ(world.empty(), 1u) << "as many as are kept";
  cache.lock().count = 0;
  std::size_t freed = world.slab;
  for (const int value : {0, 0xFF}) {
    fill_stack(value);
    cache.free(objects[freed++]);
  }
  EXPECT_EQ(cache.lock().count, 2);
  cache.free_deferred(objects[freed++]);
  EXPECT_EQ(cache.lock().count, 3);
  cache.free(nullptr);
  cache.free_deferred(nullptr);
  EXPECT_EQ(cache.lock().count, 3);
  world.free({objects.begin() + static_cast<std::ptrdiff_t>(freed), objects.end()});
}

// Slabs that an operation has given back are the backend's before anybody hears of damage, who may not return.
TEST(Locked, GivesBackWhatItCanBeforeAndAfterADamagedSlabIsReported) {
  World<Telling> world;
  auto& cache = *world.cache;
  const auto objects = world.alloc(7 * world.slab);
  for (std::size_t i = 0; i < 6 * world.slab - 1; ++i) cache.free_deferred(objects[i]);
  ASSERT_EQ(world.empty(), 5u);
  world.damage(3);  // the newest goes back first, but for that of the last object
  std::size_t slabs_when_told = 0;
  Telling::also = [&](const slab::MisuseReport& /*report*/) { slabs_when_told = world.backend.slabs; };
  cache.free(objects[6 * world.slab - 1]);  // which empties its slab too
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(slabs_when_told, 6u);
  EXPECT_EQ(world.empty(), 1u);
  EXPECT_EQ(world.backend.slabs, 3u) << "of a slab in use, an empty one and the damaged one";
  world.free({objects.begin() + static_cast<std::ptrdiff_t>(6 * world.slab), objects.end()});
}

// Slabs that are made in vain, since others free objects meanwhile.

/// So many slabs are empty, and so many the cache's, once one was made in vain.
template <class World>
void expect_after_one_in_vain(World& world, std::size_t empty, std::size_t slabs) {
  const auto objects = world.alloc(world.slab);
  world.backend.while_made = [&] { world.cache->free(objects[0]); };
  EXPECT_EQ(world.cache->alloc(), objects[0]);
  EXPECT_EQ(world.empty(), empty);
  EXPECT_EQ(world.backend.slabs, slabs);
  world.free(objects);
}
TEST(Locked, KeepsASlabThatWasMadeInVainIfAnEmptyOneMayStay) {
  World<Recording> world;
  expect_after_one_in_vain(world, 1, 2);
}
TEST(Locked, ReturnsASlabThatWasMadeInVainIfNoneMayStay) {
  World<RecordingAndKeeping<0>> world;
  expect_after_one_in_vain(world, 0, 1);
}
TEST(Locked, ReturnsALargeSlabThatWasMadeInVainAndHasNoSlabInfoYet) {
  World<Recording, large> world;
  const auto objects = world.alloc(world.slab);
  world.backend.while_made = [&] { world.cache->free(objects[0]); };
  EXPECT_EQ(world.cache->alloc(), objects[0]);
  EXPECT_EQ(world.empty(), 0u);
  EXPECT_EQ(world.backend.slabs, 1u);
  EXPECT_EQ(world.backend.infos, 1u);
  world.free(objects);
}
TEST(Locked, KeepsALargeSlabThatWasMadeInVainWithItsSlabInfo) {
  World<Recording, large> world;
  const auto objects = world.alloc(world.slab);
  EXPECT_EQ(world.backend.looked_up, 1u) << "a page is looked up once, though the slab is refused at first";
  world.backend.while_info_made = [&] { world.cache->free(objects[0]); };
  EXPECT_EQ(world.cache->alloc(), objects[0]);
  EXPECT_EQ(world.empty(), 1u);
  EXPECT_EQ(world.backend.infos, 2u);
  world.free(objects);
}
TEST(Locked, LeavesASlabAloneThatAReserveNeedsNoMore) {
  World<Recording> world;
  const auto objects = world.alloc(world.slab);
  world.backend.while_made = [&] {
    world.cache->free(objects[0]);
    world.backend.refuses_pages = true;
  };
  EXPECT_TRUE(world.cache->reserve(1)) << "which it had, and no use for another page in the map";
  EXPECT_EQ(world.backend.slabs, 1u);
  world.free({objects.begin() + 1, objects.end()});
}

// A backend that errs.

TEST(Locked, ReportsASlabThatItHasAlready) {
  World<Recording> world;
  const auto objects = world.alloc(world.slab);
  world.backend.slab_again = world.backend.made[0];
  EXPECT_EQ(world.cache->alloc(), nullptr);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::BackendFault);
  EXPECT_EQ(world.backend.slabs, 1u);
  world.free(objects);
}
TEST(Locked, ReturnsASlabOnceWhoseSlabInfoItHasAlready) {
  World<Recording, large> world;
  const auto objects = world.alloc(world.slab);
  world.backend.info_again = world.backend.info_made[0];
  EXPECT_EQ(world.cache->alloc(), nullptr);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::BackendFault);
  EXPECT_EQ(world.backend.slabs, 1u);
  EXPECT_EQ(world.backend.infos, 1u);
  world.free(objects);
}

// All objects, and the end.

TEST(Locked, VisitsEachLiveObjectWithTheLock) {
  World<Recording> world;
  const auto objects = world.alloc(world.slab + 1);
  std::set<void*> seen;
  world.cache->for_each_live([&](void* object) {
    EXPECT_TRUE(world.cache->lock().is_held);
    seen.insert(object);
  });
  EXPECT_EQ(seen, std::set<void*>(objects.begin(), objects.end()));
  world.free(objects);
}

/// A cache with a slab in use and others that are empty, and with `are_deferred` more than may stay. What is called
/// when it tells of its last object is refused, again and again.
template <Config C>
void destroy_with_a_live_object(bool are_deferred) {
  World<Telling, C> world;
  auto& cache = *world.cache;
  const auto objects = world.alloc(are_deferred ? 3 * world.slab + 1 : 1);
  Object* const last = objects.back();
  for (Object* const object : objects)
    if (object != last) cache.free_deferred(object);
  if (!are_deferred) {
    ASSERT_TRUE(cache.reserve(4 * world.slab - 1));
  }
  ASSERT_EQ(world.empty(), 3u);
  const auto is_refused = [&](const auto& operation) {
    const std::size_t before = reports.size();
    operation();
    EXPECT_EQ(reports.size(), before + 1);
    EXPECT_EQ(reports.back().kind, Misuse::ReentrantCall);
    EXPECT_EQ(cache.statistics().empty_slabs, 3u);
  };
  Telling::also = [&](const slab::MisuseReport& report) {
    EXPECT_FALSE(cache.lock().is_held);
    if (report.kind != Misuse::LiveAtDestruction) return;
    for (int i = 0; i < 2; ++i) {
      is_refused([&] { EXPECT_EQ(cache.alloc(), nullptr); });
      is_refused([&] { EXPECT_EQ(cache.alloc_no_grow(), nullptr); });
      is_refused([&] { EXPECT_FALSE(cache.reserve(0)); });
      is_refused([&] { EXPECT_FALSE(cache.reserve(100 * world.slab)); });
      is_refused([&] { EXPECT_EQ(cache.shrink(), 0u); });
      is_refused([&] { cache.free(last); });
      is_refused([&] { cache.free_deferred(last); });
    }
  };
  { const auto destroyed = std::move(world.cache); }
  ASSERT_EQ(reports.size(), 15u);
  EXPECT_EQ(reports[0].kind, Misuse::LiveAtDestruction);
  EXPECT_EQ(reports[0].pointer, last);
  EXPECT_EQ(world.backend.slabs, 1u);
  EXPECT_EQ(world.backend.infos, C.object_size_type == ObjectSizeType::Large ? 1u : 0u);
  EXPECT_EQ(world.backend.pages.size(), C.slab_size / C.page_size);
}
TEST(Locked, RefusesCallsWhileItIsDestroyedAndGivesTheEmptySlabsBack) {
  for (const bool are_deferred : {false, true}) {
    destroy_with_a_live_object<Config{slab_size, page_size}>(are_deferred);
    destroy_with_a_live_object<large>(are_deferred);
  }
}

}  // namespace

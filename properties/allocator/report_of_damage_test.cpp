#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/damaged_world.hpp"
#include "properties/allocator/recorded_reports.hpp"

// on_misuse calls the cache while a damaged slab is reported. The operation that came upon it begins again with the
// cache as that call has left it.

namespace {

using properties::DamagedSlabs;
using properties::HeapBackend;
using properties::Object;
using properties::reports;
using slab::CacheStatistics;
using slab::Misuse;
using slab::MisuseReport;

struct Slabs : DamagedSlabs {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (again) return std::exchange(again, nullptr);
    if (at_alloc) at_alloc();
    return HeapBackend::alloc_slab(slab_size, page_size);
  }
  static std::byte* slab_of(void* object) { return static_cast<std::byte*>(object) - (address(object) & 1023); }
  static std::uintptr_t address(void* object) { return reinterpret_cast<std::uintptr_t>(object); }
  /// What the cache will never give back: one bit of the SlabInfo changes, of a link.
  void damage(void* object) {
    slab_of(object)[1024 - 8] ^= std::byte{1};
    set_aside.push_back(slab_of(object));
  }

  void* again = nullptr;  // is handed out next
  std::function<void()> at_alloc;
};

/// Calls `answer` with the first report, once.
template <class Policy, std::size_t EmptySlabsKept>
struct Answering : Policy {
  static constexpr std::size_t empty_slabs_kept = EmptySlabsKept;
  static inline std::function<void()> answer;
  static void on_misuse(const MisuseReport& report) noexcept {
    reports.push_back(report);
    if (const auto call = std::exchange(answer, nullptr)) call();
  }
};

template <class P>
struct World : properties::DamagedWorld<Slabs, P> {
  using Policy = P;
  ~World() { Policy::answer = nullptr; }

  std::size_t alloc_no_grow_and_free(std::size_t n) {
    std::vector<Object*> objects;
    for (std::size_t i = 0; i < n; ++i)
      if (Object* const object = this->cache->alloc_no_grow()) objects.push_back(object);
    this->free(objects);
    return objects.size();
  }
};
using Checking = World<Answering<slab::Checked, 0>>;
using Debugging = World<Answering<slab::Debug, 0>>;

TEST(ReportOfDamage, ByAFreeThatGivesSlabsBackLeavesWhatIsReservedMeanwhile) {
  Checking world;
  const std::vector<Object*> objects = world.alloc(world.slab);
  world.backend.damage(objects[0]);
  bool is_reserved = false;
  Checking::Policy::answer = [&] { is_reserved = world.cache->reserve(5 * world.slab); };
  world.free(objects);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_TRUE(is_reserved);
  EXPECT_EQ(world.cache->statistics().empty_slabs, 5u);
  EXPECT_EQ(world.alloc_no_grow_and_free(5 * world.slab), 5 * world.slab);
  world.cache.reset();
  EXPECT_EQ(world.backend.slabs, 1u) << "that which was set aside";
}

TEST(ReportOfDamage, ByShrinkLeavesNothingOfWhatIsReservedMeanwhile) {
  Checking world;
  ASSERT_TRUE(world.cache->reserve(world.slab));
  Object* const object = world.cache->alloc();
  world.cache->free(object);
  world.backend.damage(object);
  Checking::Policy::answer = [&] { ASSERT_TRUE(world.cache->reserve(5 * world.slab)); };
  EXPECT_EQ(world.cache->shrink(), 5u);
  EXPECT_EQ(reports.size(), 1u);
  EXPECT_EQ(world.cache->statistics(), CacheStatistics{.set_aside_slabs = 1});
  world.free(world.alloc(8 * world.slab));
  EXPECT_EQ(world.cache->statistics(), CacheStatistics{.set_aside_slabs = 1}) << "no slab is kept any more";
}

TEST(ReportOfDamage, ByReserveIsFollowedByWhatWasReserved) {
  Checking world;
  ASSERT_TRUE(world.cache->reserve(3 * world.slab));
  Object* const object = world.cache->alloc();
  world.cache->free(object);
  world.backend.damage(object);
  std::vector<Object*> taken;
  Checking::Policy::answer = [&] {
    EXPECT_EQ(world.cache->shrink(), 2u);
    taken = world.alloc(1);
  };
  EXPECT_TRUE(world.cache->reserve(3 * world.slab));
  EXPECT_EQ(reports.size(), 1u);
  EXPECT_EQ(world.alloc_no_grow_and_free(3 * world.slab), 3 * world.slab);
  world.free(taken);
}

TEST(ReportOfDamage, ByShrinkWithAQuarantineCountsWhatItGaveBackItself) {
  Debugging world;
  const std::vector<Object*> objects = world.alloc(4 * world.slab);
  world.free(objects);  // all wait
  world.backend.damage(objects[2 * world.slab]);
  std::size_t inner = 0;
  Debugging::Policy::answer = [&] { inner = world.cache->shrink(); };
  const std::size_t outer = world.cache->shrink();
  EXPECT_EQ(reports.size(), 1u);
  EXPECT_GT(inner, 0u);
  EXPECT_EQ(outer + inner, 3u);
  EXPECT_EQ(world.cache->statistics(), CacheStatistics{.set_aside_slabs = 1});
}

TEST(ReportOfDamage, ByTheDestructorLosesNoObjectThatIsFreedMeanwhile) {
  Debugging world;
  const std::vector<Object*> objects = world.alloc(2 * world.slab);
  world.backend.damage(objects[0]);
  Debugging::Policy::answer = [&, cache = world.cache.get()] { cache->free(objects[world.slab]); };
  for (std::size_t i = world.slab + 1; i < objects.size(); ++i) world.cache->free(objects[i]);
  world.cache.reset();
  ASSERT_EQ(reports.size(), 1u) << "no object lives but those in the damaged slab";
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(world.backend.slabs, 1u);
}

TEST(ReportOfDamage, IsStillToComeWhereTheBackendHandsTheSlabOutAgain) {
  Checking world;
  const std::vector<Object*> objects = world.alloc(world.slab);
  world.backend.damage(objects[0]);
  world.backend.again = Slabs::slab_of(objects[0]);
  EXPECT_EQ(world.cache->alloc(), nullptr);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::BackendFault);
  world.free(objects);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].kind, Misuse::CorruptedSlabInfo);
  world.backend.again = Slabs::slab_of(objects[0]);
  EXPECT_EQ(world.cache->alloc(), nullptr);
  ASSERT_EQ(reports.size(), 3u) << "nor where it was set aside";
  EXPECT_EQ(reports[2].kind, Misuse::BackendFault);
}

TEST(ReportOfDamage, IsStillToComeWhereASlabBetweenTwoDamagedOnesIsHandedOutAgain) {
  Checking world;
  const std::vector<Object*> objects = world.alloc(3 * world.slab);
  world.backend.damage(objects[0]);
  world.backend.damage(objects[2 * world.slab]);
  world.backend.again = Slabs::slab_of(objects[world.slab]);
  EXPECT_EQ(world.cache->alloc(), nullptr);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::BackendFault);
  world.backend.set_aside.push_back(Slabs::slab_of(objects[world.slab]));
}

TEST(ReportOfDamage, IsNotTakenForItWhereTheMapNamesASlabThatWasSetAside) {
  reports.clear();
  Slabs backend;
  {
    slab::Cache<Object, slab::Config{2048, 1024, slab::ObjectSizeType::Small}, Slabs, Answering<slab::Checked, 0>>
        cache{backend};
    const std::size_t slab = cache.geometry().objects_per_slab();
    std::vector<Object*> objects(2 * slab);
    for (Object*& object : objects) object = cache.alloc();
    reinterpret_cast<std::byte*>(objects[0])[2048 - 60] ^= std::byte{1};  // how many objects it has
    backend.set_aside.push_back(objects[0]);
    cache.free(objects[0]);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
    slab::SlabInfo*& entry = backend.pages.at(Slabs::address(objects[slab]));
    slab::SlabInfo* const right = std::exchange(entry, backend.pages.at(Slabs::address(objects[0])));
    cache.free(cache.alloc_no_grow());
    cache.free(objects[0]);
    EXPECT_EQ(reports.size(), 1u) << "an object of the slab that was set aside";
    Object* const elsewhere = cache.alloc();  // so that the slab is not the current one
    cache.free(objects[slab]);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[1].kind, Misuse::BackendFault);
    entry = right;
    cache.free(elsewhere);
    for (std::size_t i = slab; i < 2 * slab; ++i) cache.free(objects[i]);
    EXPECT_EQ(reports.size(), 2u);
  }
  EXPECT_EQ(backend.slabs, 1u);
}

TEST(ReportOfDamage, OfSeveralSlabsNamesEachOnce) {
  Checking world;
  const std::vector<Object*> objects = world.alloc(2 * world.slab);
  world.backend.damage(objects[0]);
  world.backend.damage(objects[world.slab]);
  world.cache.reset();
  ASSERT_EQ(reports.size(), 2u);
  for (const MisuseReport& report : reports) EXPECT_EQ(report.kind, Misuse::CorruptedSlabInfo);
  EXPECT_NE(reports[0].pointer, reports[1].pointer);
}

TEST(ReportOfDamage, LeavesTheCacheAtWorkWhereTheOperationGoesOn) {
  Checking world;
  const std::vector<Object*> objects = world.alloc(2 * world.slab);
  world.cache->free(objects[0]);
  world.cache->free(objects[world.slab]);  // its slab becomes current, the other is partial
  Object* const again = world.cache->alloc();
  world.backend.damage(objects[0]);
  world.backend.at_alloc = [&] { EXPECT_EQ(world.cache->alloc(), nullptr); };
  Object* const fresh = world.cache->alloc();
  EXPECT_NE(fresh, nullptr);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(reports[1].kind, Misuse::ReentrantCall);
  world.free({objects.begin() + static_cast<std::ptrdiff_t>(world.slab) + 1, objects.end()});
  world.free({again, fresh});
}

TEST(ReportOfDamage, IsNotRepeatedWhereSlabsThatWereSetAsideAreDamagedAgain) {
  Checking world;
  const std::size_t slab = world.slab;
  const std::vector<Object*> objects = world.alloc(5 * slab);
  for (std::size_t i = 0; i < 4; ++i) world.cache->free(objects[i * slab]);  // the fourth slab is current
  for (std::size_t first = 0; first < 3 * slab; first += slab) {
    SCOPED_TRACE(first / slab);
    for (std::size_t again = 0; again < first; again += slab) Slabs::slab_of(objects[again])[1024 - 8] ^= std::byte{1};
    for (std::size_t i = 1; i + 1 < slab; ++i) world.cache->free(objects[first + i]);
    world.backend.damage(objects[first]);
    world.cache->free(objects[first + slab - 1]);
    ASSERT_EQ(reports.size(), first / slab + 1);
    EXPECT_EQ(reports.back().pointer, Slabs::slab_of(objects[first]) + 1024 - 64);
    EXPECT_EQ(world.cache->statistics().set_aside_slabs, reports.size());
  }
  world.free({objects.begin() + static_cast<std::ptrdiff_t>(3 * slab) + 1, objects.end()});
  world.cache.reset();
  EXPECT_EQ(reports.size(), 3u);
}

}  // namespace

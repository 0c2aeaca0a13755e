#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/guarded_policies.hpp"

// A cache with a quarantine against one without it and a queue: an object that is freed waits in the queue, and the
// other cache frees the oldest when there are too many. Both must hand out the same places all the time.

namespace {

using namespace properties;
using slab::DynamicCache;
using slab::Geometry;
using slab::Misuse;
using slab::ObjectSizeType;
using slab::Row;
using slab::Zero;
using enum slab::ObjectSizeType;
using Place = std::pair<std::size_t, std::size_t>;

struct Quarantine : testing::Test {
  Quarantine() { reports.clear(); }
};

template <Row R, class Policy>
struct Twins {
  explicit Twins(const Geometry& geometry) : cache{geometry, backend}, twin{geometry, twins_backend} {}

  struct Object {
    void* object;
    void* of_twin;
    std::uint8_t filled_with;
  };

  void alloc(bool can_grow) {
    void* const object = can_grow ? cache.alloc() : cache.alloc_no_grow();
    void* expected = twin.alloc_no_grow();
    if (!expected && !waiting.empty()) {
      expected = waiting.front().of_twin;
      waiting.pop_front();
    } else if (!expected && can_grow) {
      expected = twin.alloc();
    }
    ASSERT_EQ(backend.place_of(object), twins_backend.place_of(expected));
    if (!object) return;
    const std::size_t size = cache.geometry().object_size();
    for (std::size_t i = 0; Policy::zero == Zero::OnAlloc && i < size; ++i)
      ASSERT_EQ(static_cast<unsigned char*>(object)[i], 0);
    live.push_back({object, expected, ++fill});
    std::memset(object, fill, size);
  }
  void free(std::size_t index) {
    std::swap(live.at(index), live.back());
    const Object object = live.back();
    live.pop_back();
    for (std::size_t i = 0; i < cache.geometry().object_size(); ++i)
      ASSERT_EQ(static_cast<unsigned char*>(object.object)[i], object.filled_with);
    backend.looked_up = 0;
    cache.free(object.object);
    ASSERT_LE(backend.looked_up, 1u) << "for what is freed, not for what leaves";
    waiting.push_back(object);
    if (waiting.size() > Policy::quarantine_objects) free_oldest_of_twin();
  }
  void shrink() {
    const std::size_t slabs = backend.slabs, of_twin = twins_backend.slabs;
    backend.looked_up = 0;
    const std::size_t released = cache.shrink();
    ASSERT_EQ(backend.looked_up, 0u);
    while (!waiting.empty()) free_oldest_of_twin();
    twin.shrink();
    ASSERT_EQ(released, slabs - backend.slabs);
    ASSERT_EQ(released, of_twin - twins_backend.slabs);
  }
  void free_oldest_of_twin() {
    twin.free(waiting.front().of_twin);
    waiting.pop_front();
  }
  void compare() {
    slab::CacheStatistics expected = twin.statistics();
    expected.allocated_objects -= waiting.size(), expected.free_objects += waiting.size();
    ASSERT_EQ(cache.statistics(), expected);
    ASSERT_EQ(cache.statistics().allocated_objects, live.size());
    ASSERT_TRUE(reports.empty()) << to_string(reports[0].kind);
  }

  SlabsInOrder backend, twins_backend;
  DynamicCache<R, SlabsInOrder, Policy> cache;
  DynamicCache<R, SlabsInOrder, RecordingAndKeeping<Policy::empty_slabs_kept>> twin;
  std::vector<Object> live;
  std::deque<Object> waiting;
  std::uint8_t fill = 0;
};

/// Random operations, with more or fewer objects in turn.
template <Row R, class Policy>
void run(const Geometry& geometry, std::uint64_t seed, std::size_t steps) {
  SCOPED_TRACE(testing::Message() << to_string(R) << ", quarantine of " << Policy::quarantine_objects << ", K "
                                  << Policy::empty_slabs_kept << ", seed " << seed);
  std::mt19937_64 random{seed};
  Twins<R, Policy> twins{geometry};
  const std::size_t most = 3 * geometry.objects_per_slab() + 5;
  for (std::size_t step = 0; step < steps; ++step) {
    const bool grows = step / most % 2 == 0;
    const auto choice = random() % 100;
    if (choice == 0)
      twins.shrink();
    else if (!twins.live.empty() && (twins.live.size() >= most || choice < (grows ? 40u : 60u)))
      twins.free(random() % twins.live.size());
    else
      twins.alloc(choice % 4 != 0);
    if (testing::Test::HasFatalFailure()) return;
    twins.compare();
    if (step % 16 == 0) {
      ASSERT_EQ(twins.cache.find_audit_failure(), slab::AuditFailure::None);
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  while (!twins.live.empty()) {
    twins.free(0);
    if (testing::Test::HasFatalFailure()) return;
  }
  twins.compare();
  EXPECT_LE(twins.cache.statistics().empty_slabs, Policy::empty_slabs_kept);
  twins.shrink();
}

template <std::size_t Objects, std::size_t Kept>
using Waiting = Guarded<0, false, Objects, Zero::Never, false, Kept>;
template <std::size_t Objects, std::size_t Kept>
using WaitingAndAll = Guarded<9, true, Objects, Zero::OnAlloc, true, Kept>;

/// With pages of 64 bytes.
template <class Policy>
Geometry small_pages(std::size_t slab_size, ObjectSizeType type, std::size_t object_size) {
  return Geometry::make<Policy>(slab_size, 64, type, object_size, 8).value();
}

TEST_F(Quarantine, LetsTheOldestLeaveFirstAndAllOfThemBeforeTheBackendIsAsked) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    run<Row::SmallSinglePage, Waiting<1, 1>>(Geometry::make(512, 512, Small, 20, 8).value(), seed, 3000);
    using Four = Waiting<4, 0>;
    run<Row::Large, Four>(small_pages<Four>(512, Large, 24), seed, 3000);
    run<Row::Large, Four>(small_pages<Four>(128, Large, 72), seed, 1000);  // one object a slab
  }
}

TEST_F(Quarantine, DoesSoWithTheOtherGuards) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    using Four = WaitingAndAll<4, 1>;
    run<Row::SmallSinglePage, Four>(Geometry::make<Four>(512, 512, Small, 20, 8).value(), seed, 3000);
    run<Row::SmallMultiPage, Four>(small_pages<Four>(512, Small, 40), seed, 3000);
    using Many = WaitingAndAll<64, 0>;
    run<Row::Large, Many>(small_pages<Many>(512, Large, 24), seed, 3000);
  }
}

TEST_F(Quarantine, CountsAsFreeForReserve) {
  using Policy = Waiting<4, 0>;
  SlabsInOrder backend;
  DynamicCache<Row::Large, SlabsInOrder, Policy> cache{small_pages<Policy>(128, Large, 32), backend};  // four a slab
  std::vector<void*> objects(9);
  for (std::size_t i = 0; i < 8; ++i) objects[i] = cache.alloc();
  for (std::size_t i = 0; i < 4; ++i) cache.free(objects[i]);
  ASSERT_EQ(cache.statistics().free_objects, 4u);
  ASSERT_TRUE(cache.reserve(4));
  EXPECT_EQ(backend.slabs, 2u) << "what waits is enough";
  ASSERT_TRUE(cache.reserve(5));
  EXPECT_EQ(backend.slabs, 3u);
  for (std::size_t i = 0; i < 4; ++i) objects[i] = cache.alloc_no_grow();
  objects[8] = cache.alloc_no_grow();
  ASSERT_NE(objects[8], nullptr);
  EXPECT_EQ(cache.statistics().free_objects, 3u);
  for (void* object : objects) cache.free(object);
  EXPECT_EQ(cache.shrink(), backend.made);
}

TEST_F(Quarantine, IsEmptyAfterShrinkAndDestruction) {
  using Policy = WaitingAndAll<64, 0>;
  SlabsInOrder backend;
  {
    DynamicCache<Row::Large, SlabsInOrder, Policy> cache{small_pages<Policy>(256, Large, 40), backend};
    std::vector<void*> objects;
    for (int i = 0; i < 10; ++i) objects.push_back(cache.alloc());
    for (void* object : objects) cache.free(object);
    const std::size_t slabs = backend.slabs;
    ASSERT_GT(slabs, 2u);
    EXPECT_EQ(cache.statistics().allocated_objects, 0u);
    EXPECT_EQ(cache.shrink(), slabs);
    EXPECT_EQ(backend.slabs, 0u);
    EXPECT_EQ(cache.statistics(), slab::CacheStatistics{});
    for (void*& object : objects) object = cache.alloc();
    for (void* object : objects) cache.free(object);
  }
  EXPECT_TRUE(backend.has_everything_back());
  EXPECT_TRUE(reports.empty());
}

TEST_F(Quarantine, LosesWhatLiesInASlabThatIsSetAside) {
  using Policy = WaitingAndAll<64, 0>;
  SlabsInOrder backend;
  std::vector<void*> lost_slabs, lost_infos;
  {
    DynamicCache<Row::Large, SlabsInOrder, Policy> cache{small_pages<Policy>(256, Large, 32), backend};
    const std::size_t n = cache.geometry().objects_per_slab();
    std::vector<void*> objects;
    for (std::size_t i = 0; i < 3 * n; ++i) objects.push_back(cache.alloc());
    cache.free(objects[0]), cache.free(objects[n]), cache.free(objects[1]), cache.free(objects[2 * n]);
    slab::SlabInfo* const info = backend.pages.at(reinterpret_cast<std::uintptr_t>(objects[0]) & ~std::uintptr_t{63});
    reinterpret_cast<std::uint8_t*>(info)[20] ^= 4;  // a link
    EXPECT_EQ(cache.find_audit_failure(), slab::AuditFailure::DamagedSlabInfo);
    cache.free(objects[2]);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
    EXPECT_EQ(reports[0].pointer, info);
    EXPECT_EQ(cache.statistics().set_aside_slabs, 1u);
    EXPECT_EQ(cache.statistics().allocated_objects, 2 * n - 2);
    EXPECT_EQ(cache.statistics().free_objects, 2u);
    EXPECT_TRUE(cache.audit());
    EXPECT_EQ(cache.alloc_no_grow(), objects[n]);
    EXPECT_EQ(cache.alloc_no_grow(), objects[2 * n]);
    EXPECT_EQ(cache.alloc_no_grow(), nullptr);
    // The same where alloc() comes upon the damage.
    cache.free(objects[n]);
    slab::SlabInfo* const second = backend.pages.at(reinterpret_cast<std::uintptr_t>(objects[n]) & ~std::uintptr_t{63});
    reinterpret_cast<std::uint8_t*>(second)[28] ^= 1;
    EXPECT_EQ(cache.alloc_no_grow(), nullptr);
    ASSERT_EQ(reports.size(), 2u);
    EXPECT_EQ(reports[1].pointer, second);
    EXPECT_EQ(cache.statistics().set_aside_slabs, 2u);
    EXPECT_EQ(cache.statistics().free_objects, 0u);
    EXPECT_TRUE(cache.audit());
    for (std::size_t i = 0; i < n; ++i) cache.free(objects[2 * n + i]);
    for (const std::size_t first : {std::size_t{0}, n}) {
      lost_slabs.push_back(objects[first]);
      lost_infos.push_back(reinterpret_cast<std::byte*>(first == 0 ? info + 1 : second + 1) -
                           cache.geometry().slab_info_size());
    }
    EXPECT_EQ(reports.size(), 2u);
  }
  ASSERT_EQ(backend.slabs, 2u);
  for (std::size_t i = 0; i < 2; ++i) {
#if defined(SLAB_ASAN)
    __asan_unpoison_memory_region(lost_slabs[i], 256);
#endif
    backend.free_slab(lost_slabs[i], 256, 64);
    backend.free_slab_info(lost_infos[i], 64);
  }
}

// The entry of an object in quarantine is overwritten with "live", which hides that it is freed again. But not from
// AddressSanitizer, which ends the test.
#if !defined(SLAB_ASAN)
TEST_F(Quarantine, HoldsNothingOfASlabThatGoesBack) {
  using Policy = Guarded<0, false, 2, Zero::Never, false, 0>;
  SlabsInOrder backend;
  void* lost = nullptr;
  {
    DynamicCache<Row::Large, SlabsInOrder, Policy> cache{small_pages<Policy>(128, Large, 64), backend};  // two a slab
    std::vector<void*> objects;
    for (int i = 0; i < 6; ++i) objects.push_back(cache.alloc());
    slab::SlabInfo* const info = backend.pages.at(reinterpret_cast<std::uintptr_t>(objects[0]));
    lost = reinterpret_cast<std::byte*>(info + 1) - cache.geometry().slab_info_size();
    cache.free(objects[1]), cache.free(objects[0]);
    static_cast<std::uint8_t*>(lost)[0] = 0xFF;
    cache.free(objects[0]);  // 1 leaves: 0 and again 0 are in quarantine
    for (int i = 2; i < 6; ++i) cache.free(objects[i]);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
    EXPECT_EQ(reports[0].pointer, objects[0]);
    EXPECT_TRUE(cache.audit());
    EXPECT_EQ(cache.statistics().allocated_objects, 0u);
    EXPECT_EQ(cache.statistics().set_aside_slabs, 1u);
  }
  EXPECT_EQ(reports.size(), 1u);
  ASSERT_EQ(backend.slabs, 1u);
  for (const auto& [slab, number] : backend.number)
    if (number == 0) backend.free_slab(slab, 128, 64);
  backend.free_slab_info(lost, 72);
}
#endif

}  // namespace

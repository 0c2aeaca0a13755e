#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/heap_backend.hpp"
#include "properties/allocator/recorded_reports.hpp"

// What a write to memory that is no live object can do to a Checked cache: nothing, unless it hits the bookkeeping.

namespace {

using properties::HeapBackend;
using properties::RecordingAndKeeping;
using properties::reports;
using slab::DynamicCache;
using slab::Geometry;
using slab::Misuse;
using slab::ObjectSizeType;
using slab::Row;

/// Remembers where its slabs and the memory of their SlabInfos lie, in the order in which they were handed out. What
/// does not come back, as a slab that was set aside, it frees in the end.
struct OrderedBackend : HeapBackend {
  ~OrderedBackend() {
    for (void* const memory : outstanding) std::free(memory);
  }
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    void* const slab = HeapBackend::alloc_slab(slab_size, page_size);
    slabs_in_order.push_back(static_cast<std::byte*>(slab));
    outstanding.insert(slab);
    return slab;
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    outstanding.erase(slab);
    HeapBackend::free_slab(slab, slab_size, page_size);
  }
  void* alloc_slab_info(std::size_t size) noexcept {
    void* const info = HeapBackend::alloc_slab_info(size);
    infos_in_order.push_back(static_cast<std::byte*>(info));
    outstanding.insert(info);
    return info;
  }
  void free_slab_info(void* info, std::size_t size) noexcept {
    outstanding.erase(info);
    HeapBackend::free_slab_info(info, size);
  }
  std::vector<std::byte*> slabs_in_order, infos_in_order;
  std::set<void*> outstanding;
};

/// Behind AddressSanitizer's back, and a byte at a time because it replaces memset().
__attribute__((no_sanitize("address"), noinline)) void write_stray(std::byte* at, std::byte value) {
  *static_cast<volatile std::byte*>(at) = value;
}

/// A cache that gives no slab back, and its objects by the place where they lie: the slab's number and the slot's.
template <Row R>
struct Placed {
  explicit Placed(const Geometry& geometry) : cache{geometry, backend} {}
  ~Placed() {
    for (const auto& [slab, slot] : live) cache.free(at(slab, slot));
  }

  std::byte* at(std::size_t slab, std::size_t slot) const {
    return backend.slabs_in_order[slab] + slot * cache.geometry().stride();
  }
  std::pair<std::size_t, std::size_t> place_of(const void* object) const {
    for (std::size_t slab = 0; slab < backend.slabs_in_order.size(); ++slab) {
      const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(object) - at(slab, 0));
      if (offset < cache.geometry().slab_size()) return {slab, offset / cache.geometry().stride()};
    }
    return {SIZE_MAX, SIZE_MAX};
  }
  auto alloc() {
    const auto place = place_of(cache.alloc());
    live.insert(place);
    return place;
  }
  void free(std::size_t slab, std::size_t slot) {
    cache.free(at(slab, slot));
    live.erase({slab, slot});
  }

  OrderedBackend backend;
  DynamicCache<R, OrderedBackend, RecordingAndKeeping<100>> cache;
  std::set<std::pair<std::size_t, std::size_t>> live;
};

/// Writes to each byte of each `step`th slot while that is free, in a slab that is current, partial or empty; then
/// allocates and frees. A twin of the cache, to which nothing is written, must do the same all the time.
template <Row R>
void write_to_freed_objects(const Geometry& geometry, std::size_t step) {
  SCOPED_TRACE(testing::Message() << to_string(R) << ", entries of " << geometry.entry_size());
  reports.clear();
  std::mt19937_64 random{1};
  Placed<R> cache{geometry}, twin{geometry};
  const auto free_in_both = [&](std::size_t slab, std::size_t slot) { cache.free(slab, slot), twin.free(slab, slot); };
  const auto alloc_in_both = [&] { ASSERT_EQ(cache.alloc(), twin.alloc()); };
  const std::size_t objects = geometry.objects_per_slab();
  for (std::size_t i = 0; i < 3 * objects; ++i) alloc_in_both();
  for (std::size_t slot = 0; slot < objects; slot += step) {
    const std::size_t slab = slot / step % 3;
    for (std::size_t byte = 0; byte < geometry.stride(); ++byte)
      for (const std::byte value : {std::byte{0}, std::byte{0xFF}, static_cast<std::byte>(random())}) {
        if (cache.live.contains({slab, slot})) free_in_both(slab, slot);
        write_stray(cache.at(slab, slot) + byte, value);
        ASSERT_EQ(cache.cache.statistics(), twin.cache.statistics());
        for (int i = 0; i < 4; ++i) {
          if (cache.live.empty() || (random() % 2 == 0 && cache.live.size() < 3 * objects)) {
            alloc_in_both();
          } else {
            auto any = cache.live.lower_bound({random() % 3, random() % objects});
            if (any == cache.live.end()) any = cache.live.begin();
            const auto [of_slab, of_slot] = *any;
            free_in_both(of_slab, of_slot);
          }
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    ASSERT_TRUE(cache.cache.audit());
    while (cache.live.size() < 3 * objects) {
      alloc_in_both();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_EQ(cache.backend.slabs_in_order.size(), 3u);
  EXPECT_TRUE(reports.empty());
}

Geometry made(std::size_t slab_size, std::size_t page_size, ObjectSizeType type, std::size_t object_size) {
  return Geometry::make(slab_size, page_size, type, object_size, 8).value();
}

TEST(StrayWrite, IntoAnyByteOfAnyFreedObjectChangesNothing) {
  using enum ObjectSizeType;
  write_to_freed_objects<Row::SmallSinglePage>(made(4096, 4096, Small, 60), 1);
  write_to_freed_objects<Row::SmallSinglePage>(made(4096, 4096, Small, 8), 1);
  write_to_freed_objects<Row::SmallMultiPage>(made(8192, 4096, Small, 200), 1);
  write_to_freed_objects<Row::Large>(made(4096, 4096, Large, 64), 1);
  write_to_freed_objects<Row::Large>(made(1 << 19, 4096, Large, 8), 16'000);
}

// The table of slots itself, which lies behind the last object (docs/decisions/links-beside-the-slots.md).

template <Row R>
struct Damaged {
  static constexpr std::size_t freed = 3;

  explicit Damaged(const Geometry& made, std::size_t carved) : geometry{made}, cache{made, backend}, objects(carved) {
    reports.clear();
    for (std::byte*& object : objects) object = static_cast<std::byte*>(cache.alloc());
    live.insert(objects.begin(), objects.end());
    for (std::size_t i = 0; i < freed; ++i) free(2 * i);  // the list: 4, 2, 0
  }
  ~Damaged() {
    const std::size_t before = reports.size();
    for (std::byte* object : live) cache.free(object);
    EXPECT_EQ(reports.size(), before);
    EXPECT_EQ(cache.statistics(), slab::CacheStatistics{.set_aside_slabs = set_aside()});
    EXPECT_EQ(backend.has_everything_back(), set_aside() == 0) << "what was set aside never goes back";
  }

  std::size_t set_aside() const { return cache.statistics().set_aside_slabs; }

  void free(std::size_t index) {
    cache.free(objects[index]);
    live.erase(objects[index]);
  }
  std::uint32_t entry(std::size_t index) const {
    std::uint32_t value = 0;
    std::memcpy(&value, place_of_entry(index), geometry.entry_size());
    return value;
  }
  void write(std::size_t index, std::uint32_t value) {
    std::memcpy(place_of_entry(index), &value, geometry.entry_size());
  }
  /// By the layout: in front of the 64 bytes of SlabInfo, without the padding that follows the last entry.
  std::byte* place_of_entry(std::size_t index) const {
    std::byte* const table =
        R == Row::Large ? backend.infos_in_order.front() : backend.slabs_in_order.front() + geometry.slab_info_offset();
    return table + index * geometry.entry_size();
  }
  /// Allocates until there is nothing more, and checks each object. Returns how many.
  std::size_t drain() {
    for (std::size_t count = 0;; ++count) {
      const slab::CacheStatistics before = cache.statistics();
      const std::size_t reported = reports.size();
      auto* const object = static_cast<std::byte*>(cache.alloc_no_grow());
      if (!object) {
        const bool is_damaged = before.free_objects != 0;
        EXPECT_EQ(cache.statistics(), is_damaged ? slab::CacheStatistics{.set_aside_slabs = 1} : before);
        EXPECT_EQ(reports.size(), reported + is_damaged);
        for (std::size_t i = reported; i < reports.size(); ++i) {
          EXPECT_EQ(reports[i].kind, Misuse::CorruptedFreeList);
          EXPECT_EQ(reports[i].pointer, backend.slabs_in_order.front());
          EXPECT_EQ(reports[i].cache, &cache);
        }
        return count;
      }
      const auto offset = static_cast<std::size_t>(object - backend.slabs_in_order.front());
      EXPECT_TRUE(offset % geometry.stride() == 0 && offset / geometry.stride() < geometry.objects_per_slab());
      EXPECT_TRUE(live.insert(object).second) << "handed out twice: " << offset;
      std::memset(object, 0xA5, geometry.object_size());
    }
  }

  Geometry geometry;
  OrderedBackend backend;
  DynamicCache<R, OrderedBackend, RecordingAndKeeping<0>> cache;
  std::vector<std::byte*> objects;  // by index
  std::set<std::byte*> live;
};

/// Each value in turn, in the entry of the first, the second and the last slot of the list.
template <Row R>
void damage_entries(const Geometry& geometry, const std::vector<std::uint32_t>& values) {
  const std::size_t all = geometry.objects_per_slab();
  for (const std::size_t carved : {std::size_t{5}, all})
    for (const std::size_t index : {0u, 2u, 4u})
      for (const std::uint32_t value : values) {
        SCOPED_TRACE(testing::Message() << to_string(R) << ", entries of " << geometry.entry_size() << ", " << carved
                                        << " carved, entry " << index << " says " << value);
        Damaged<R> damaged{geometry, carved};
        const std::uint32_t before = damaged.entry(index), live = damaged.entry(1);
        const auto next = [&](std::uint32_t entry) { return entry < carved ? entry : all; };  // or the list ends
        damaged.write(index, value);
        ASSERT_EQ(damaged.cache.audit(), value == before);
        const std::size_t free = damaged.freed + all - carved, found = damaged.drain();
        ASSERT_TRUE(value != before || found == free) << found;
        // What the last free slot names does not matter until that is carved, nor once every slot is used.
        const bool loses_none = (value != live && next(value) == next(before)) || (index == 0 && carved == all);
        // An object of a slab that was set aside is freed without effect; else it is handed out again.
        const std::size_t set_aside = damaged.set_aside(), reported = reports.size();
        ASSERT_EQ(set_aside, found < free) << found;
        ASSERT_TRUE(loses_none || set_aside == 1);
        damaged.free(1);
        EXPECT_EQ(damaged.drain(), 1 - set_aside);
        EXPECT_EQ(reports.size(), reported);
        if (testing::Test::HasFailure()) return;
      }
}

TEST(CorruptedFreeList, IsReportedForADamagedEntryWhichIsNotFollowedAndTheSlabSetAside) {
  using enum ObjectSizeType;
  std::vector<std::uint32_t> values(256);
  for (std::uint32_t i = 0; i < values.size(); ++i) values[i] = i;
  damage_entries<Row::SmallSinglePage>(made(128, 128, Small, 8), values);
  damage_entries<Row::SmallMultiPage>(made(256, 64, Small, 24), values);
  damage_entries<Row::Large>(made(64, 64, Large, 8), values);
  values = {0, 1, 2, 3, 4, 5, 6, 300, 402, 403, 404, 0xFFFD, 0xFFFE, 0xFFFF};
  damage_entries<Row::SmallSinglePage>(made(4096, 4096, Small, 8), values);
  damage_entries<Row::Large>(made(4096, 4096, Large, 8), values);
}

TEST(CorruptedFreeList, IsReportedByTheAllocThatTurnsToTheDamagedSlab) {
  Damaged<Row::Large> damaged{made(64, 64, ObjectSizeType::Large, 8), 8};
  const auto alloc = [&] {
    auto* const object = static_cast<std::byte*>(damaged.cache.alloc());
    damaged.live.insert(object);
    return object;
  };
  for (std::size_t i = 0; i < damaged.freed; ++i) alloc();  // the first slab is full,
  std::byte* in_second = nullptr;
  for (int i = 0; i < 8; ++i) in_second = alloc();  // then the second
  damaged.free(3);  // the first is current
  damaged.cache.free(in_second);  // the second is current, the first partial
  damaged.write(3, damaged.entry(1));  // its free slot looks live
  EXPECT_EQ(alloc(), in_second);
  EXPECT_TRUE(reports.empty());
  EXPECT_EQ(damaged.cache.alloc_no_grow(), nullptr);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
  EXPECT_EQ(reports[0].pointer, damaged.backend.slabs_in_order.front());
}

TEST(CorruptedFreeList, InOneSlabLeavesTheOthersAsTheyWere) {
  Damaged<Row::SmallSinglePage> damaged{made(4096, 4096, ObjectSizeType::Small, 64), 97 * 62};
  const std::size_t in_slab = damaged.geometry.objects_per_slab();
  ASSERT_EQ(damaged.backend.slabs_in_order.size() * in_slab, damaged.objects.size());
  for (std::size_t i = 2 * damaged.freed; i < damaged.objects.size(); i += 2) damaged.free(i);
  damaged.write(2, damaged.entry(1));
  const slab::CacheStatistics before = damaged.cache.statistics();
  const auto alloc = [&] { return damaged.cache.alloc_no_grow(); };
  std::set<void*> found;
  for (void* object = alloc(); object; object = alloc()) ASSERT_TRUE(found.insert(object).second);
  EXPECT_GE(found.size(), before.free_objects - in_slab / 2);
  EXPECT_EQ(damaged.set_aside(), 1u);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedFreeList);
  EXPECT_TRUE(damaged.cache.audit());
  EXPECT_TRUE(damaged.cache.reserve(10));
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(found.insert(alloc()).second);
  EXPECT_FALSE(found.contains(nullptr));
  for (void* object : found) damaged.cache.free(object);
  EXPECT_GT(damaged.cache.shrink(), 0u);
}

// SlabInfo, which lies behind that table.

/// Writes `size` bytes from the end of the last object on, as one that is overrun does, in the first, the second or
/// the last slab of five; then frees everything in one of three orders and destroys the cache.
template <Row R>
void overrun(const Geometry& geometry, std::size_t victim, std::size_t size, std::byte value, int order) {
  reports.clear();
  OrderedBackend backend;
  std::byte* info = nullptr;
  {
    DynamicCache<R, OrderedBackend, RecordingAndKeeping<1>> cache{geometry, backend};
    std::vector<void*> objects(5 * geometry.objects_per_slab());
    for (void*& object : objects) object = cache.alloc();
    if (order == 1) std::reverse(objects.begin(), objects.end());
    if (order == 2) std::shuffle(objects.begin(), objects.end(), std::mt19937_64{1});
    for (int i = 0; i < 7; ++i, objects.pop_back()) cache.free(objects.back());
    std::byte* const bookkeeping =
        R == Row::Large ? backend.infos_in_order[victim] : backend.slabs_in_order[victim] + geometry.slab_info_offset();
    info = bookkeeping + geometry.slab_info_size() - sizeof(slab::SlabInfo);
    for (std::size_t i = 0; i < size; ++i) write_stray(bookkeeping + i, value);
    for (void* object : objects) cache.free(object);
    EXPECT_TRUE(reports.size() != 0 || cache.audit()) << "what is damaged is reported, or does not matter";
  }
  // The table may have been hit too, so that a right free of this slab is a DoubleFree or finds the table damaged.
  std::size_t damaged = 0;
  for (const slab::MisuseReport& report : reports) {
    const auto offset =
        static_cast<std::size_t>(static_cast<const std::byte*>(report.pointer) - backend.slabs_in_order[victim]);
    EXPECT_TRUE(report.pointer == info || offset < geometry.slab_size()) << to_string(report.kind);
    damaged += report.kind == Misuse::CorruptedSlabInfo || report.kind == Misuse::CorruptedFreeList;
  }
  EXPECT_LE(damaged, 1u);
}

TEST(CorruptedSlabInfo, IsReportedOnceHoweverFarTheLastObjectIsOverrun) {
  using enum ObjectSizeType;
  const auto overrun_all = [](auto row, const Geometry& geometry) {
    for (const std::size_t victim : {0u, 1u, 4u})
      for (std::size_t size = 1; size <= geometry.slab_info_size(); ++size)
        for (const std::byte value : {std::byte{0}, std::byte{0xFF}, std::byte{0xA5}, std::byte{3}})
          for (const int order : {0, 1, 2}) {
            SCOPED_TRACE(testing::Message() << to_string(decltype(row)::value) << ", slab " << victim << ", " << size
                                            << " bytes of " << static_cast<int>(value) << ", order " << order);
            overrun<decltype(row)::value>(geometry, victim, size, value, order);
            if (testing::Test::HasFailure()) return;
          }
  };
  overrun_all(std::integral_constant<Row, Row::SmallSinglePage>{}, made(256, 256, Small, 16));
  overrun_all(std::integral_constant<Row, Row::SmallMultiPage>{}, made(512, 128, Small, 40));
  overrun_all(std::integral_constant<Row, Row::Large>{}, made(256, 64, Large, 40));
}

/// Overwrites the SlabInfos of the second and the fourth of five full slabs. No sound link leads to the third any more,
/// which is not damaged itself, and which is the current one if an object was freed there before.
template <Row R>
void damage_both_neighbours(const Geometry& geometry, bool is_current) {
  SCOPED_TRACE(testing::Message() << to_string(R) << (is_current ? ", current" : ""));
  reports.clear();
  OrderedBackend backend;
  DynamicCache<R, OrderedBackend, RecordingAndKeeping<1>> cache{geometry, backend};
  const std::size_t in_slab = geometry.objects_per_slab();
  std::vector<void*> objects(5 * in_slab);
  for (void*& object : objects) object = cache.alloc();
  const auto info_of = [&](std::size_t slab) {
    return (R == Row::Large ? backend.infos_in_order[slab]
                            : backend.slabs_in_order[slab] + geometry.slab_info_offset()) +
           geometry.slab_info_size() - sizeof(slab::SlabInfo);
  };
  if (is_current) cache.free(objects[3 * in_slab - 1]);
  for (const std::size_t slab : {1u, 3u})
    for (std::size_t i = 0; i < sizeof(slab::SlabInfo); ++i) write_stray(info_of(slab) + i, std::byte{0xA5});
  cache.free(objects[in_slab]);
  EXPECT_EQ(reports.size(), 2u);
  EXPECT_EQ(cache.statistics(), (slab::CacheStatistics{2, 0, 0, 2 * in_slab, 0, 3}));
  for (int times = 0; times < 2; ++times) {
    cache.free(objects[2 * in_slab]);
    ASSERT_EQ(reports.size(), 3u) << "when it is met, and once";
    EXPECT_EQ(reports[2].kind, Misuse::CorruptedSlabInfo);
    EXPECT_EQ(reports[2].pointer, info_of(2));
    EXPECT_EQ(cache.statistics(), (slab::CacheStatistics{2, 0, 0, 2 * in_slab, 0, 3}));
    EXPECT_TRUE(cache.audit());
  }
  EXPECT_EQ(cache.alloc_no_grow(), nullptr) << "its slots are not free";
  for (const std::size_t slab : {0u, 4u})
    for (std::size_t i = 0; i < in_slab; ++i) cache.free(objects[slab * in_slab + i]);
  EXPECT_EQ(reports.size(), 3u);
}

TEST(CorruptedSlabInfo, OnBothSidesOfASoundSlabSetsThatAsideToo) {
  using enum ObjectSizeType;
  for (const bool is_current : {false, true}) {
    damage_both_neighbours<Row::SmallSinglePage>(made(256, 256, Small, 16), is_current);
    damage_both_neighbours<Row::SmallMultiPage>(made(512, 128, Small, 40), is_current);
    damage_both_neighbours<Row::Large>(made(256, 64, Large, 40), is_current);
  }
}

// In row 3 alone the SlabInfo says where its slab begins. Moved by one stride, it would make each object its neighbour.
TEST(CorruptedSlabInfo, FreesNoNeighbourOfAnObjectWhoseSlabSeemsToBeginElsewhere) {
  reports.clear();
  const Geometry geometry = made(4096, 4096, ObjectSizeType::Large, 64);
  OrderedBackend backend;
  DynamicCache<Row::Large, OrderedBackend, RecordingAndKeeping<1>> cache{geometry, backend};
  std::vector<void*> objects(2 * geometry.objects_per_slab());
  for (void*& object : objects) object = cache.alloc();
  ASSERT_EQ(backend.infos_in_order.size(), 2u);
  std::byte* const info = backend.infos_in_order[0] + geometry.slab_info_size() - sizeof(slab::SlabInfo);
  std::byte* const base = info + offsetof(slab::SlabInfo, slab);
  write_stray(base, *base ^ std::byte{64});  // the slab is full, and not the current one
  cache.free(objects[5]);
  ASSERT_EQ(reports.size(), 1u) << "an object beside it was freed";
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(reports[0].pointer, info);
  EXPECT_EQ(cache.statistics().set_aside_slabs, 1u);
  void* const another = cache.alloc();
  EXPECT_EQ(std::find(objects.begin(), objects.end(), another), objects.end()) << "an allocated object";
  objects.push_back(another);
  for (std::size_t i = geometry.objects_per_slab(); i < objects.size(); ++i) cache.free(objects[i]);
  EXPECT_EQ(reports.size(), 1u);
}

TEST(CorruptedSlabInfo, IsSeenInOneFilledWithAnyByteAfterAnyNumberOfRepairs) {
  using namespace slab::detail;
  std::uint16_t key = first_seal_key;
  for (int repairs = 0; repairs < 65'536; ++repairs, key = next_seal_key(key)) {
    slab::SlabInfo info;
    std::memset(static_cast<void*>(&info), key & 0xFF, sizeof info);
    ASSERT_FALSE(has_sound_links(info, key) || has_sound_slots(info, key)) << repairs;
  }
}

TEST(StrayWrite, WideEntriesNameSlotsBeyondTheReachOfNarrowOnes) {
  Placed<Row::Large> cache{made(1 << 20, 4096, ObjectSizeType::Large, 8)};
  const std::size_t objects = cache.cache.geometry().objects_per_slab();
  ASSERT_EQ(objects, 131'072u);
  for (std::size_t i = 0; i < objects; ++i) ASSERT_EQ(cache.alloc(), std::pair(std::size_t{0}, i));
  for (const std::size_t slot : {objects - 1, std::size_t{65'536}, std::size_t{3}}) cache.free(0, slot);
  for (const std::size_t slot : {std::size_t{3}, std::size_t{65'536}, objects - 1})
    ASSERT_EQ(cache.alloc(), std::pair(std::size_t{0}, slot));
}

}  // namespace

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/guarded_policies.hpp"

// The members of slab::Debug but the quarantine, each alone and together: what a write behind an object or to a freed
// slot, zeroing and a misuse give. quarantine_test.cpp has the other.

namespace {

using namespace properties;
using slab::Cache;
using slab::Config;
using slab::DynamicCache;
using slab::Geometry;
using slab::Misuse;
using slab::MisuseReport;
using slab::ObjectSizeType;
using slab::Row;
using slab::Zero;
using enum slab::ObjectSizeType;

struct Guards : testing::Test {
  Guards() { reports.clear(); }
};
using DebugDeathTest = Guards;

// What is added to a slot.

static_assert(made<OnlyRedZone>(4096, Small, 60).stride() == 80);
static_assert(made<OnlyCallers>(4096, Small, 60).stride() == 80);
static_assert(made<OnlyPattern>(4096, Small, 60).stride() == 64);
static_assert(made<Everything>(4096, Small, 60).stride() == 88);  // 60 + 5 + 16, to the next 8
static_assert(made<Everything>(4096, Small, 60, 32).stride() == 96);
static_assert(made<Everything>(4096, Small, 60).object_size() == 60);
static_assert(made<Everything>(4096, Small, 60).objects_per_slab() == 45);
static_assert(made<slab::Checked>(4096, Small, 60).objects_per_slab() == 62);
static_assert(made<OnlyQuarantine>(4096, Small, 60) == made<slab::Checked>(4096, Small, 60));
static_assert(Geometry::make<slab::Debug>(4096, 4096, Large, 4064, 8).ok());
static_assert(Geometry::make<slab::Debug>(4096, 4096, Large, 4065, 8).error() == slab::GeometryError::ObjectTooLarge);
static_assert(slab::Debug::red_zone_bytes == 16 && slab::Debug::verify_pattern && slab::Debug::track_callers &&
              slab::Debug::quarantine_objects == 64 && slab::Debug::zero == Zero::Never);

TEST_F(DebugDeathTest, ADynamicCacheRefusesAGeometryWithoutRoomForItsPolicy) {
  HeapBackend backend;
  using Dynamic = DynamicCache<Row::Large, HeapBackend, OnlyCallers>;
  EXPECT_DEATH((Dynamic{made<slab::Checked>(4096, Large, 56), backend}), "no room for what the policy adds");
  EXPECT_DEATH((Dynamic{made<slab::Checked>(4096, Large, 56, 64), backend}), "no room for what the policy adds");
  Dynamic{made<slab::Checked>(4096, Large, 48, 64), backend}.free(nullptr);
}

TEST_F(DebugDeathTest, TheDefaultHandlerSaysWhatWasWrittenWhereAndWhoHadIt) {
  HeapBackend backend;
  Cache<Block, Config{}, HeapBackend, slab::Debug> cache{backend};
  Block* const block = cache.alloc();
  write_byte(reinterpret_cast<std::byte*>(block) + 61, 7);
  EXPECT_DEATH(cache.free(block),
               "slab: WriteBeyondObject: pointer 0x[0-9a-f]+, .*\nslab: byte 61 is 07, of 1 changed\n"
               "slab: allocated by 0x[0-9a-f]+\nslab: misuse");
  for (std::size_t at = 61; at < 71; ++at) write_byte(reinterpret_cast<std::byte*>(block) + at, 7);
  EXPECT_DEATH(cache.free(block),
               "\nslab: byte 61 is 07, byte 62 07, byte 63 07, byte 64 07, byte 65 07, byte 66 07, byte 67 07, "
               "byte 68 07, of 10 changed\nslab: allocated by 0x[0-9a-f]+\nslab: misuse of a cache\n");
  for (std::size_t at = 61; at < 71; ++at) write_byte(reinterpret_cast<std::byte*>(block) + at, 0xBD);
  cache.free(block);
  EXPECT_DEATH(cache.free(block), "DoubleFree.*\nslab: allocated by 0x[0-9a-f]+, freed by 0x[0-9a-f]+\n");
}

// Every byte of a slot, in each row and both caches.

::testing::AssertionResult is_reported(Misuse kind, const void* pointer, const void* cache, const std::byte* slot,
                                       const Written& written) {
  if (reports.size() != 1) return ::testing::AssertionFailure() << reports.size() << " reports";
  const MisuseReport& report = reports[0];
  if (report.kind != kind) return ::testing::AssertionFailure() << to_string(report.kind);
  if (report.pointer != pointer || report.cache != cache) return ::testing::AssertionFailure() << "another pointer";
  if (report.offset != written.offset || report.changed_bytes != written.size)
    return ::testing::AssertionFailure() << report.changed_bytes << " bytes at " << report.offset;
  for (std::size_t i = 0; i < sizeof report.found; ++i) {
    const std::uint8_t expected = i < written.size ? read_byte(slot + written.offset + i) : 0;
    if (report.found[i] != expected) return ::testing::AssertionFailure() << "found " << int{report.found[i]};
  }
  return ::testing::AssertionSuccess();
}

template <class C>
void write_behind_objects(C& cache) {
  using Policy = decltype(policy_of(cache));
  const Geometry& geometry = cache.geometry();
  const std::size_t end = geometry.stride() - (Policy::track_callers ? 16 : 0);
  ASSERT_GE(end - geometry.object_size(), Policy::red_zone_bytes);
  void* const neighbour = cache.alloc();
  void* const object = cache.alloc();
  auto* const slot = static_cast<std::byte*>(object);
  const slab::CacheStatistics before = cache.statistics();
  using T = decltype(cache.alloc());
  for (const Written& written : writes_of(geometry.object_size(), end)) {
    SCOPED_TRACE(testing::Message() << to_string(geometry.row()) << " " << written.size << " at " << written.offset);
    std::vector<std::uint8_t> bytes;
    change(slot, written);
    for (std::size_t i = 0; i < geometry.stride(); ++i) bytes.push_back(read_byte(slot + i));
    EXPECT_EQ(cache.find_audit_failure(), slab::AuditFailure::WrittenRedZone);
    for (int times = 0; times < 2; ++times) {
      reports.clear();
      cache.free(static_cast<T>(object));
      ASSERT_TRUE(is_reported(Misuse::WriteBeyondObject, object, &cache, slot, written));
    }
    for (std::size_t i = 0; i < geometry.stride(); ++i) ASSERT_EQ(read_byte(slot + i), bytes[i]) << i;
    ASSERT_EQ(cache.statistics(), before);
    std::set<void*> live;
    cache.for_each_live([&](void* one) { live.insert(one); });
    ASSERT_EQ(live, (std::set<void*>{neighbour, object}));
    change(slot, written);  // as it was
    ASSERT_TRUE(cache.audit());
  }
  reports.clear();
  cache.free(static_cast<T>(object)), cache.free(static_cast<T>(neighbour));
  EXPECT_TRUE(reports.empty());
}

template <class C>
void write_to_freed(C& cache) {
  using Policy = decltype(policy_of(cache));
  const Geometry& geometry = cache.geometry();
  const std::size_t end = geometry.stride() - (Policy::track_callers ? 16 : 0);
  using T = decltype(cache.alloc());
  for (const Written& written : writes_of(0, end)) {
    SCOPED_TRACE(testing::Message() << to_string(geometry.row()) << " " << written.size << " at " << written.offset);
    std::vector<T> objects;
    for (std::size_t i = 0; i < 4; ++i) objects.push_back(cache.alloc());
    reports.clear();
    for (T object : objects) cache.free(object);
    auto* const slot = reinterpret_cast<std::byte*>(objects[2]);  // free, or with a quarantine of three in that
    change(slot, written);
    ASSERT_EQ(cache.find_audit_failure(), slab::AuditFailure::WrittenAfterFree);
    std::array<std::byte, 256> bytes{};
    for (std::size_t i = 0; i < end; ++i) bytes[i] = std::byte{read_byte(slot + i)};
    ASSERT_TRUE(reports.empty());
    std::vector<T> again;
    for (std::size_t reported = 0; reported == 0 && again.size() < 2 * geometry.objects_per_slab();) {
      again.push_back(cache.alloc());
      reported = reports.size();
      ASSERT_EQ(reported != 0, again.back() == objects[2]) << "reported by the alloc() that hands it out, no other";
    }
    // It was the second of three in quarantine, which no other slot is left for.
    ASSERT_EQ(cache.statistics().free_objects == 1, Policy::quarantine_objects != 0);
    ASSERT_TRUE(is_reported(Misuse::WriteAfterFree, slot, &cache, bytes.data(), written));
    ASSERT_TRUE(cache.audit());
    for (T object : again) cache.free(object);
    ASSERT_EQ(reports.size(), 1u);
    ASSERT_EQ(cache.statistics().allocated_objects, 0u);
    cache.shrink();
  }
}

TEST_F(Guards, EachByteBehindAnObjectIsVerifiedWhenItIsFreed) {
  const auto test = [](auto&& cache) { write_behind_objects(cache); };
  in_single_page<OnlyRedZone>(test);
  in_each_row<Everything>(test);
  in_each_row<EverythingAtOnce>(test);
}

TEST_F(Guards, EachByteOfAFreedSlotIsVerifiedBeforeItIsHandedOut) {
  const auto test = [](auto&& cache) { write_to_freed(cache); };
  in_large<OnlyPattern>(test);
  in_each_row<Everything>(test);
  in_each_row<EverythingAtOnce>(test);
}

// Contents.

/// Calls `check` with each byte of each object, once as the slots are new and then again, and fills them.
template <class C, class Check>
void use_twice(C& cache, Check check) {
  const Geometry& geometry = cache.geometry();
  std::vector<decltype(cache.alloc())> objects(geometry.objects_per_slab());
  for (const bool is_first : {true, false}) {
    for (auto& object : objects) {
      object = cache.alloc();
      for (std::size_t i = 0; i < geometry.object_size(); ++i)
        check(is_first, read_byte(reinterpret_cast<std::byte*>(object) + i));
      std::memset(static_cast<void*>(object), 0x33, geometry.object_size());
    }
    for (auto object : objects) cache.free(object);
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(Guards, ZeroSaysWhatAnObjectHolds) {
  const auto is_zero = [](bool, std::uint8_t byte) { ASSERT_EQ(byte, 0); };
  in_single_page<OnlyZeroOnAlloc>([&](auto&& cache) { use_twice(cache, is_zero); });
  in_each_row<Everything>([&](auto&& cache) { use_twice(cache, is_zero); });
  const auto is_zero_if_freed = [](bool is_first, std::uint8_t byte) {
    ASSERT_EQ(byte, is_first ? HeapBackend::junk : 0);
  };
  in_large<OnlyZeroOnFree>([&](auto&& cache) { use_twice(cache, is_zero_if_freed); });
  in_each_row<EverythingAtOnce>([&](auto&& cache) { use_twice(cache, is_zero_if_freed); });
  const auto is_as_it_was = [](bool is_first, std::uint8_t byte) {
    ASSERT_EQ(byte, is_first ? HeapBackend::junk : 0x33);
  };
  in_single_page<OnlyRedZone>([&](auto&& cache) { use_twice(cache, is_as_it_was); });
}

TEST_F(Guards, WhatAFreedObjectHeldIsGoneAtOnce) {
  in_large<OnlyZeroOnFree>([](auto&& cache) {
    void* const object = cache.alloc();
    const std::size_t size = cache.geometry().object_size();
    std::memset(object, 0x33, size);
    cache.free(object);
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(read_byte(static_cast<std::byte*>(object) + i), 0);
  });
}

// Every other misuse is what it is without guards.

template <class C>
void misuse(C& cache, C& other) {
  using T = decltype(cache.alloc());
  const Geometry& geometry = cache.geometry();
  std::vector<T> objects;
  for (std::size_t i = 0; i < 8; ++i) objects.push_back(cache.alloc());
  for (std::size_t i = 0; i < 5; ++i) cache.free(objects[i]);
  T foreign = other.alloc();
  auto* const slab = reinterpret_cast<std::byte*>(objects[0]);
  const slab::CacheStatistics before = cache.statistics();
  const auto gives = [&](void* pointer, Misuse kind) {
    reports.clear();
    cache.free(static_cast<T>(pointer));
    ASSERT_EQ(reports.size(), 1u) << to_string(kind);
    EXPECT_EQ(reports[0].kind, kind) << to_string(reports[0].kind);
    EXPECT_EQ(reports[0].pointer, pointer);
    EXPECT_EQ(cache.statistics(), before);
    EXPECT_TRUE(cache.audit());
  };
  for (std::size_t i = 0; i < 5; ++i) gives(objects[i], Misuse::DoubleFree);
  gives(slab + 1, Misuse::InteriorPointer);
  gives(slab + 6 * geometry.stride() + geometry.object_size(), Misuse::InteriorPointer);
  gives(slab + 7 * geometry.stride() - 8, Misuse::InteriorPointer);
  gives(slab + 8 * geometry.stride(), Misuse::NeverAllocated);
  if (geometry.row() != Row::Large) gives(slab + geometry.slab_size() - 64, Misuse::SlabInfoPointer);
  gives(foreign, Misuse::OtherCache);
  for (std::size_t i = 5; i < 8; ++i) cache.free(objects[i]);
  other.free(foreign);
  EXPECT_EQ(cache.shrink(), 1u);
}

template <Row R, class Policy>
void misuse(const Geometry& geometry) {
  SlabsInOrder backend;
  DynamicCache<R, SlabsInOrder, Policy> cache{geometry, backend}, other{geometry, backend};
  misuse(cache, other);
}

TEST_F(Guards, EveryOtherMisuseIsReportedAsWithout) {
  misuse<Row::SmallSinglePage, OnlyRedZone>(made<OnlyRedZone>(4096, Small, 60));
  misuse<Row::Large, OnlyPattern>(made<OnlyPattern>(4096, Large, 60));
  misuse<Row::Large, OnlyQuarantine>(made<OnlyQuarantine>(4096, Large, 60));
  misuse<Row::Large, OnlyCallers>(made<OnlyCallers>(4096, Large, 60));
  misuse<Row::SmallSinglePage, Everything>(made<Everything>(4096, Small, 60));
  misuse<Row::SmallMultiPage, Everything>(made<Everything>(8192, Small, 60));
  misuse<Row::Large, Everything>(made<Everything>(4096, Large, 60));
  misuse<Row::SmallSinglePage, EverythingAtOnce>(made<EverythingAtOnce>(4096, Small, 60));
}

// A handler may call the cache, and may leave by longjmp.

struct Answering : Everything {
  static inline void (*answer)() = nullptr;
  static void on_misuse(const MisuseReport& report) noexcept {
    reports.push_back(report);
    answer();
  }
};
using AnsweringCache = DynamicCache<Row::Large, HeapBackend, Answering>;
AnsweringCache* answering = nullptr;
jmp_buf before_the_call;

TEST_F(Guards, AHandlerMayCallTheCache) {
  HeapBackend backend;
  AnsweringCache cache{made<Answering>(4096, Large, 60), backend};
  answering = &cache;
  Answering::answer = [] {
    const std::size_t told = reports.size(), allocated = answering->statistics().allocated_objects;
    answering->free(answering->alloc());
    EXPECT_TRUE(answering->reserve(100));
    answering->free(answering->alloc_no_grow());
    static_cast<void>(answering->shrink());
    EXPECT_EQ(answering->statistics().allocated_objects, allocated);
    EXPECT_EQ(reports.size(), told);
  };
  void* const object = cache.alloc();
  change(static_cast<std::byte*>(object), {60, 1});
  cache.free(object);
  change(static_cast<std::byte*>(object), {60, 1});
  void* const other = cache.alloc();
  cache.free(object);
  change(static_cast<std::byte*>(object), {7, 1});
  while (cache.alloc_no_grow() != object) ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].kind, Misuse::WriteAfterFree);
  EXPECT_TRUE(cache.audit());
  cache.free(other);
  std::vector<void*> live;
  cache.for_each_live([&](void* one) { live.push_back(one); });
  for (void* one : live) cache.free(one);
  EXPECT_EQ(reports.size(), 2u);
}

TEST_F(Guards, AHandlerMayLeaveByLongjmp) {
  HeapBackend backend;
  AnsweringCache cache{made<Answering>(4096, Large, 60), backend};
  Answering::answer = [] { std::longjmp(before_the_call, 1); };
  void* volatile object = cache.alloc();
  change(static_cast<std::byte*>(object), {60, 1});
  if (setjmp(before_the_call) == 0) {
    cache.free(object);
    FAIL();
  }
  change(static_cast<std::byte*>(object), {60, 1});
  cache.free(object);
  change(static_cast<std::byte*>(object), {7, 1});
  const std::size_t all = cache.geometry().objects_per_slab();
  if (setjmp(before_the_call) == 0) {
    for (std::size_t i = 0; i < all; ++i) ASSERT_NE(cache.alloc_no_grow(), nullptr);
    FAIL();
  }
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].kind, Misuse::WriteAfterFree);
  EXPECT_EQ(cache.statistics().allocated_objects, all) << "the slot is allocated all the same";
  EXPECT_TRUE(cache.audit());
  std::vector<void*> live;
  cache.for_each_live([&](void* one) { live.push_back(one); });
  for (void* one : live) cache.free(one);
  EXPECT_EQ(reports.size(), 2u);
}

// The tools still know whose each byte is.

#if defined(SLAB_ASAN)
extern "C" int __asan_address_is_poisoned(const volatile void* address);

TEST_F(Guards, AddressSanitizerForbidsAllButLiveObjects) {
  in_each_row<Everything>([](auto&& cache) {
    const auto forbidden = [&](const void* object) {
      std::size_t count = 0;
      for (std::size_t i = 0; i < cache.geometry().stride(); ++i)
        count += __asan_address_is_poisoned(static_cast<const std::byte*>(object) + i) != 0;
      return count;
    };
    const std::size_t stride = cache.geometry().stride(), around = stride - cache.geometry().object_size();
    std::vector<decltype(cache.alloc())> objects;
    for (int i = 0; i < 8; ++i) objects.push_back(cache.alloc());
    for (auto object : objects) EXPECT_EQ(forbidden(object), around);
    for (int i = 0; i < 5; ++i) cache.free(objects[static_cast<std::size_t>(i)]);
    static_cast<void>(cache.audit());
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(forbidden(objects[i]), i < 5 ? stride : around);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(forbidden(objects.emplace_back(cache.alloc())), around);
    for (std::size_t i = 5; i < 10; ++i) cache.free(objects[i]);
  });
}
#endif

}  // namespace

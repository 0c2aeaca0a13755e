#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include <slab/slab.hpp>
#include "properties/allocator/damaged_world.hpp"
#include "properties/allocator/recorded_reports.hpp"

// What a reserve() asks of the backend; one that comes upon damaged slabs, or upon a backend that errs, and is refused.

namespace {

using properties::HeapBackend;
using properties::reports;
using slab::Cache;
using slab::CacheStatistics;
using slab::Misuse;
using slab::Row;

struct Object {
  std::byte bytes[64];
};

/// Has so many slabs, and may hand out its first one again after the last.
struct ScarceBackend : properties::DamagedSlabs {
  void* alloc_slab(std::size_t slab_size, std::size_t page_size) noexcept {
    if (left == 0) return hands_out_again ? made.front() : nullptr;
    --left;
    made.push_back(static_cast<std::byte*>(HeapBackend::alloc_slab(slab_size, page_size)));
    return made.back();
  }
  void free_slab(void* slab, std::size_t slab_size, std::size_t page_size) noexcept {
    ++left;
    HeapBackend::free_slab(slab, slab_size, page_size);
  }
  /// What the cache will never give back: one bit of the SlabInfo changes.
  void damage(std::size_t slab) {
    made[slab][4096 - 8] ^= std::byte{1};
    set_aside.push_back(made[slab]);
  }

  std::size_t left = 6;
  bool hands_out_again = false;
  std::vector<std::byte*> made;
};

struct Leaving : properties::Recording {
  static inline std::jmp_buf* out = nullptr;
  static void on_misuse(const slab::MisuseReport& report) noexcept {
    Recording::on_misuse(report);
    if (out) std::longjmp(*out, 1);
  }
};

using ScarceCache = Cache<Object, slab::Config{}, ScarceBackend, Leaving>;

struct RefusedReserve : testing::Test {
  RefusedReserve() { reports.clear(); }
  ~RefusedReserve() override { Leaving::out = nullptr; }

  ScarceBackend backend;
  ScarceCache cache{backend};
  std::size_t slab = cache.geometry().objects_per_slab();
};

TEST_F(RefusedReserve, ThatComesUponDamagedSlabsGivesNoSoundOneBack) {
  ASSERT_TRUE(cache.reserve(6 * slab));
  backend.damage(4);  // the empty slabs are listed newest first
  EXPECT_FALSE(cache.reserve(6 * slab));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::CorruptedSlabInfo);
  EXPECT_EQ(cache.statistics().empty_slabs, 5u);
  backend.damage(5);
  backend.damage(3);
  EXPECT_FALSE(cache.reserve(4 * slab)) << "only three are left";
  EXPECT_EQ(reports.size(), 3u);
  EXPECT_EQ(cache.statistics(), (CacheStatistics{.empty_slabs = 3, .free_objects = 3 * slab, .set_aside_slabs = 3}));
  cache.free(cache.alloc());
  EXPECT_EQ(cache.statistics().empty_slabs, 3u) << "what the first reserve asked for stays";
}

TEST_F(RefusedReserve, BecauseTheBackendErrsIsTakenBackBeforeThatIsReported) {
  Object* const object = cache.alloc();
  backend.hands_out_again = true;
  const CacheStatistics before = cache.statistics();
  EXPECT_FALSE(cache.reserve(10 * slab));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].kind, Misuse::BackendFault);
  EXPECT_EQ(cache.statistics(), before);

  std::jmp_buf out;
  Leaving::out = &out;
  if (setjmp(out) == 0) {
    EXPECT_FALSE(cache.reserve(10 * slab));
    ADD_FAILURE() << "on_misuse has not left";
  }
  Leaving::out = nullptr;
  EXPECT_EQ(reports.size(), 2u);
  EXPECT_EQ(cache.statistics(), before);
  EXPECT_TRUE(cache.audit());
  cache.free(object);
}

/// Has room for two slabs, and notes for how many it was asked.
struct AskedBackend : HeapBackend {
  bool can_make_slabs(const slab::Geometry& /*geometry*/, std::size_t count) noexcept {
    asked.push_back(count);
    return count <= 2;
  }
  std::vector<std::size_t> asked;
};

struct Patterned : slab::Checked {
  static constexpr bool verify_pattern = true;
};

template <slab::Config C, class Policy>
void ask() {
  AskedBackend backend;
  Cache<Object, C, AskedBackend, Policy> cache{backend};
  const std::size_t slab = cache.geometry().objects_per_slab(), most = SIZE_MAX / cache.geometry().slab_size();
  EXPECT_TRUE(cache.reserve(slab + 1));
  EXPECT_TRUE(cache.reserve(2 * slab));
  EXPECT_EQ(backend.asked, std::vector<std::size_t>{2}) << "what is free is not asked for";
  EXPECT_FALSE(cache.reserve(most * slab));
  EXPECT_EQ(backend.asked.back(), most - 2);
  EXPECT_FALSE(cache.reserve(most * slab + 1));
  EXPECT_EQ(backend.asked.size(), 2u);
}
template <class Policy>
void ask_in_each_row() {
  ask<slab::Config{}, Policy>();
  ask<slab::Config{.slab_size = 8192}, Policy>();
  ask<slab::Config{.object_size_type = slab::ObjectSizeType::Large}, Policy>();
}

TEST(Reserve, AsksOnceForTheSlabsThatAreMissingAndNotForMoreThanThereAreAddresses) {
  ask_in_each_row<slab::Checked>();
  ask_in_each_row<slab::Unchecked>();
  ask_in_each_row<Patterned>();
}

}  // namespace

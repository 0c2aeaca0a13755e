// What the explorer promises, apart from what it finds: properties/explore/explore_planted.py has that.
#include "properties/explore/explorer.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include <slab/slab.hpp>

#include "properties/explore/small_geometry.hpp"
#include "properties/explore/visited_set.hpp"

namespace slabproof {
namespace {

using Outcome = Exploration::Outcome;

ExploreOptions world(slab::Row row, std::uint32_t objects, std::size_t slabs) {
  return {.setup = small_setup(row, objects, 1, true, 1), .slabs = slabs, .pointers = false};
}

TEST(Explorer, HashedAndExactModesAgree) {
  for (ExploreOptions options : {world(slab::Row::SmallSinglePage, 3, 2), world(slab::Row::SmallMultiPage, 2, 3),
                                 world(slab::Row::Large, 1, 4)}) {
    const Exploration hashed = explore(options);
    options.exact = true;
    const Exploration exact = explore(options);
    ASSERT_EQ(exact.outcome, Outcome::Complete);
    EXPECT_GT(exact.counts.states, 100u);
    EXPECT_EQ(exact.counts.states, hashed.counts.states);
    EXPECT_EQ(exact.counts.transitions, hashed.counts.transitions);
    EXPECT_EQ(exact.counts.digest, hashed.counts.digest);
    EXPECT_EQ(exact.counts.collisions, 0u);
  }
}

TEST(Explorer, ClaimsNothingWithoutMemory) {
  ExploreOptions options = world(slab::Row::SmallSinglePage, 3, 2);
  for (const std::size_t memory :
       {std::size_t{200} << 10, std::size_t{100}}) {  // there is room for a few states, for none
    options.memory = memory;
    EXPECT_EQ(explore(options).outcome, Outcome::OutOfMemory);
  }
}

// Two states are one as far as their hashes are, and two in the exact mode.
TEST(VisitedSet, TellsKeysApartInTheExactMode) {
  GrowingArray<Step> steps{16, GrowingArray<Step>::Sharing::Private};
  const std::uint64_t keys[] = {1, 2};
  for (const auto mode : {VisitedSet::Mode::Hashed, VisitedSet::Mode::Exact}) {
    VisitedSet visited{mode, steps};
    EXPECT_TRUE(visited.insert({7, 7}, &keys[0], 1, {}));
    EXPECT_EQ(visited.insert({7, 7}, &keys[1], 1, {}), mode == VisitedSet::Mode::Exact);
    EXPECT_FALSE(visited.insert({7, 7}, &keys[0], 1, {}));
  }
}

struct Silent : slab::Unchecked {
  static void on_misuse(const slab::MisuseReport&) {}
};

/// A cache that remembers what the third word of a freed object was when memory was reserved.
class ReadsDeadBytes {
 public:
  static constexpr Abilities abilities{.no_grow = true, .reserve = true, .layout = true, .owns_live_slabs = true};
  ReadsDeadBytes(const slab::Geometry& geometry, RecordingBackend& backend) : cache_{geometry, backend} {}
  void* alloc() { return dead_ = nullptr, cache_.alloc(); }
  void* alloc_no_grow() { return dead_ = nullptr, cache_.alloc_no_grow(); }
  bool reserve(std::size_t n) {
    if (!cache_.reserve(n)) return false;
    if (dead_) read_ = third_word(dead_);
    return true;
  }
  void free(void* object) {
    if (object) cache_.free(dead_ = object);
  }
  [[nodiscard]] Layout layout() const {
    const slab::Geometry& geometry = cache_.geometry();
    return {geometry.stride(), geometry.objects_per_slab(), geometry.slab_info_size(), geometry.slab_info_offset()};
  }

 private:
  __attribute__((no_sanitize("address"), noinline)) static std::uint64_t third_word(const void* object) {
    return static_cast<const volatile std::uint64_t*>(object)[2];
  }
  slab::DynamicCache<slab::Row::SmallSinglePage, RecordingBackend, Silent> cache_;
  void* dead_ = nullptr;
  std::uint64_t read_ = 0;
};

AnySubject* make_reader(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<ReadsDeadBytes>(
      storage,
      slab::Geometry::make(spec.slab_size, spec.page_size, spec.type, spec.object_size, spec.object_align).value(),
      backend);
}

TEST(Explorer, ShowsWhoReadsDeadBytesWithAnotherScrub) {
  ExploreOptions options = world(slab::Row::SmallSinglePage, 2, 2);
  options.make = make_reader;
  options.setup.caches[0].checks = false;
  options.scrub = 1;
  const Exploration odd = explore(options);
  options.scrub = 0;
  const Exploration even = explore(options);
  ASSERT_EQ(odd.outcome, Outcome::Complete) << odd.found.sentence();
  ASSERT_EQ(even.outcome, Outcome::Complete) << even.found.sentence();
  EXPECT_NE(odd.counts.digest, even.counts.digest);
}

/// As the kernel kills it when memory runs out.
class Killed : public ReadsDeadBytes {
 public:
  using ReadsDeadBytes::ReadsDeadBytes;
  void* alloc() { return std::raise(SIGKILL), nullptr; }
};

AnySubject* make_killed(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<Killed>(
      storage,
      slab::Geometry::make(spec.slab_size, spec.page_size, spec.type, spec.object_size, spec.object_align).value(),
      backend);
}

TEST(Explorer, ClaimsNothingWhenItIsKilled) {
  ExploreOptions options = world(slab::Row::SmallSinglePage, 2, 2);
  options.make = make_killed;
  EXPECT_EXIT((void)explore(options), testing::ExitedWithCode(2),
              "the work could not be done: it was ended from outside by SIGKILL");
}

}  // namespace
}  // namespace slabproof

// The explorer's promises, except for what it finds, which properties/explore/explore_planted.py tests.
#include "properties/explore/explorer.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <set>
#include <utility>
#include <vector>

#include <slab/slab.hpp>

#include "model/subject/inspector.hpp"
#include "model/subject/slab_subject_of.hpp"
#include "properties/explore/key_hash.hpp"
#include "properties/explore/small_geometry.hpp"
#include "properties/explore/visited_set.hpp"
#include "properties/explore/world.hpp"

namespace slabproof {
namespace {

using Outcome = Exploration::Outcome;

ExploreOptions world(slab::Row row, std::uint32_t objects, std::size_t slabs) {
  return {.setup = small_setup(row, objects, 1, {}, 1), .slabs = slabs, .pointers = false};
}

TEST(Explorer, ClaimsNothingWithoutMemory) {
  ExploreOptions options = world(slab::Row::SmallSinglePage, 3, 2);
  for (const std::size_t memory :
       {std::size_t{200} << 10, std::size_t{100}}) {  // there is room for a few states, for none
    options.memory = memory;
    EXPECT_EQ(explore(options).outcome, Outcome::OutOfMemory);
  }
}

TEST(KeyHash, TellsApartKeysThatDifferAnywhere) {
  constexpr std::size_t words = 9;
  const KeyHash hash{1, World::max_words};
  std::set<std::pair<std::uint64_t, std::uint64_t>> hashes;
  std::set<std::uint64_t> halves[2];
  std::size_t keys = 0;
  const auto add = [&](const std::vector<std::uint64_t>& key) {
    const Hash128 h = hash(key.data(), key.size());
    hashes.insert({h.a, h.b});
    halves[0].insert(h.a);
    halves[1].insert(h.b);
    ++keys;
  };
  for (std::size_t length = 1; length <= words; ++length) {  // of zeros: they differ in length alone
    add(std::vector<std::uint64_t>(length));
    for (std::size_t bit = 0; bit < length * 64; ++bit) {
      std::vector<std::uint64_t> key(length);
      key[bit / 64] |= std::uint64_t{1} << bit % 64;
      add(key);
    }
  }
  EXPECT_EQ(hashes.size(), keys);
  EXPECT_EQ(halves[0].size(), keys);
  EXPECT_EQ(halves[1].size(), keys);
}

TEST(VisitedSet, TellsStatesApartByEachHalfOfTheirHash) {
  GrowingArray<Step> steps{1 << 14, GrowingArray<Step>::Sharing::Private};
  VisitedSet visited{steps};
  std::uint32_t inserted = 0;
  for (const std::uint64_t a : {std::uint64_t{7}, std::uint64_t{7} | std::uint64_t{1} << 63})
    for (const std::uint64_t b : {std::uint64_t{7}, std::uint64_t{8}, std::uint64_t{7} | std::uint64_t{1} << 63}) {
      EXPECT_TRUE(visited.insert({a, b}, {}));
      EXPECT_FALSE(visited.insert({a, b}, {})) << "the same state again";
      ++inserted;
    }
  // It grows, and still knows them all.
  for (std::uint64_t a = 100; a < 5'000; ++a, ++inserted) EXPECT_TRUE(visited.insert({a, a}, {}));
  EXPECT_FALSE(visited.insert({7, 8}, {}));
  EXPECT_FALSE(visited.insert({100, 100}, {}));
  EXPECT_EQ(visited.size(), inserted);
}

struct Silent : slab::Unchecked {
  static void on_misuse(const slab::MisuseReport&) noexcept {}
};

/// A cache that keeps more empty slabs once the third word of a free slot was odd.
class ReadsDeadBytes {
 public:
  static constexpr Abilities abilities{
      .owns_live_objects = true, .layout = true, .no_grow = true, .reserve = true, .inspectable = true};
  ReadsDeadBytes(const slab::Geometry& geometry, RecordingBackend& backend) : cache_{geometry, backend} {}
  void* alloc() { return cache_.alloc(); }
  void* alloc_no_grow() { return cache_.alloc_no_grow(); }
  bool reserve(std::size_t n) { return cache_.reserve(n); }
  void free(void* object) {
    const std::uintptr_t dead = members().slots.free_head;
    cache_.free(object);
    if (!object || !dead || third_word(dead) % 2 == 0) return;
    CacheMembers keeps_more = members();
    keeps_more.kept_slabs = 7;
    set_members(keeps_more);
  }
  [[nodiscard]] Layout layout() const { return layout_in(cache_.geometry()); }
  [[nodiscard]] CacheMembers members() const { return slab::Inspector::members_of(cache_); }
  void set_members(const CacheMembers& members) { slab::Inspector::set_members_of(cache_, members); }

 private:
  __attribute__((no_sanitize("address"), noinline)) static std::uint64_t third_word(std::uintptr_t object) {
    return reinterpret_cast<const volatile std::uint64_t*>(object)[2];
  }
  slab::DynamicCache<slab::Row::SmallSinglePage, RecordingBackend, Silent> cache_;
};

AnySubject* make_reader(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<ReadsDeadBytes>(storage, geometry_of(spec).value(), backend);
}

/// The cache agrees with the model in both, but not with itself.
void expect_another_digest_with_another_scrub(ExploreOptions options) {
  options.scrub = 1;
  const Exploration odd = explore(options);
  options.scrub = 0;
  const Exploration even = explore(options);
  ASSERT_EQ(odd.outcome, Outcome::Complete) << odd.found.sentence();
  ASSERT_EQ(even.outcome, Outcome::Complete) << even.found.sentence();
  EXPECT_NE(odd.counts.digest, even.counts.digest);
}

TEST(Explorer, ShowsWhoReadsDeadBytesWithAnotherScrub) {
  ExploreOptions options = world(slab::Row::SmallSinglePage, 2, 2);
  options.make = make_reader;
  options.setup.caches[0].checks = false;
  expect_another_digest_with_another_scrub(options);
}

struct SilentQuarantine : Guarded<Guards::Quarantine> {
  static void on_misuse(const slab::MisuseReport&) noexcept {}
};
using Quarantining = slab::DynamicCache<slab::Row::SmallSinglePage, RecordingBackend, SilentQuarantine>;

/// A cache that keeps more empty slabs once its quarantine began at an odd place of its ring.
class HeedsTheRing : public SlabSubject<Quarantining, SilentQuarantine> {
 public:
  static constexpr Abilities abilities{.owns_live_objects = true,
                                       .layout = true,
                                       .no_grow = true,
                                       .reserve = true,
                                       .has_guards = true,
                                       .inspectable = true};
  using SlabSubject::SlabSubject;
  void free(void* object) {
    const bool is_odd = guard_members().first % 2 != 0;
    SlabSubject::free(object);
    if (!object || !is_odd) return;
    CacheMembers keeps_more = members();
    keeps_more.kept_slabs = 7;
    set_members(keeps_more);
  }
};

AnySubject* make_heeder(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<HeedsTheRing>(storage, geometry_of(spec).value(), backend);
}

TEST(Explorer, ShowsWhoHeedsWhereAQuarantineBegins) {
  ExploreOptions options{.setup = small_setup(slab::Row::SmallSinglePage, 2, 1, {true, Guards::Quarantine}, 1),
                         .slabs = 2,
                         .pointers = false,
                         .make = make_heeder};
  expect_another_digest_with_another_scrub(options);
}

struct Telling : slab::Checked {
  static void on_misuse(const slab::MisuseReport& report) noexcept { note_report(report); }
};
using Mapped = slab::DynamicCache<slab::Row::SmallMultiPage, RecordingBackend, Telling>;

/// A cache that keeps more empty slabs once an alloc was refused after so many calls that the backend could refuse.
template <std::uint32_t Calls>
class HeedsRefusedCall : public SlabSubject<Mapped, Telling> {
 public:
  HeedsRefusedCall(const slab::Geometry& geometry, RecordingBackend& backend)
      : SlabSubject{geometry, backend}, backend_{backend} {}
  void* alloc() {
    const std::size_t reports = report_log.size();
    void* const object = SlabSubject::alloc();
    const bool is_refused = report_log.size() > reports && report_log.back().kind == slab::Misuse::ReentrantCall;
    if (!is_refused || backend_.calls_that_may_fail() < Calls) return object;
    CacheMembers keeps_more = members();
    keeps_more.kept_slabs = 7;
    set_members(keeps_more);
    return object;
  }

 private:
  RecordingBackend& backend_;
};

template <std::uint32_t Calls>
AnySubject* make_heeding(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<HeedsRefusedCall<Calls>>(storage, geometry_of(spec).value(), backend);
}

TEST(Explorer, ShowsWhomACallInTheMiddleChanges) {
  ExploreOptions options = world(slab::Row::SmallMultiPage, 1, 1);  // with one slab the runner sees no difference
  for (const MakeSubject make : {make_heeding<0>, make_heeding<1>}) {  // in the first backend call, in the second
    options.make = make;
    options.mishaps = true;
    const Exploration exploration = explore(options);
    ASSERT_EQ(exploration.outcome, Outcome::Defect);
    EXPECT_EQ(exploration.found.violation.invariant, Invariant::M12) << exploration.found.sentence();
    options.mishaps = false;
    EXPECT_EQ(explore(options).outcome, Outcome::Complete);
  }
}

TEST(Explorer, MishapsLeadToNoOtherState) {
  for (const slab::Row row : {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large}) {
    ExploreOptions options = world(row, 1, 2);
    const Exploration with = explore(options);
    options.mishaps = false;
    const Exploration without = explore(options);
    ASSERT_EQ(with.outcome, Outcome::Complete) << with.found.sentence();
    EXPECT_GT(with.counts.mishaps, with.counts.states);
    EXPECT_EQ(without.counts.mishaps, 0u);
    EXPECT_EQ(with.counts.digest, without.counts.digest);
  }
}

/// As the kernel does when memory runs out.
class Killed : public ReadsDeadBytes {
 public:
  using ReadsDeadBytes::ReadsDeadBytes;
  void* alloc() { return std::raise(SIGKILL), nullptr; }
};

AnySubject* make_killed(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  return make_subject_in<Killed>(storage, geometry_of(spec).value(), backend);
}

TEST(Explorer, ClaimsNothingWhenItIsKilled) {
  ExploreOptions options = world(slab::Row::SmallSinglePage, 2, 2);
  options.make = make_killed;
  EXPECT_EXIT((void)explore(options), testing::ExitedWithCode(2),
              "the work could not be done: it was ended from outside by SIGKILL");
}

}  // namespace
}  // namespace slabproof

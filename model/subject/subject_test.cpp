// Other pools under the same runner.
#include "model/subject/subject.hpp"

#include <gtest/gtest.h>

#include "model/judge/runner.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"
#include "model/subject/free_list_pool.hpp"

namespace slabproof {
namespace {

/// Hands out its only object again and again.
class OneObject {
 public:
  static constexpr Abilities abilities{};
  explicit OneObject(const CacheSpec&) {}
  void* alloc() { return object_; }
  void free(void*) {}

 private:
  alignas(64) std::byte object_[64];
};

/// Claims statistics, which could not be judged without a layout.
struct StatisticsOfNoSlabs : OneObject {
  static constexpr Abilities abilities{.statistics = true};
  slab::CacheStatistics statistics() const { return {}; }
};
/// Claims audit() and does not have it.
struct NoAudit : OneObject {
  static constexpr Abilities abilities{.audit = true};
};
/// A pool that keeps its promises.
struct Audited : OneObject {
  static constexpr Abilities abilities{.audit = true};
  Invariant audit() const { return Invariant::None; }
};

static_assert(Subject<FreeListPool> && Subject<OneObject> && Subject<Audited>);
static_assert(!Subject<StatisticsOfNoSlabs>, "claimed without `layout`");
static_assert(!Subject<NoAudit>, "claimed without the function");
static_assert(!Subject<int>);

template <class S>
AnySubject* make(void* storage, const CacheSpec& spec, RecordingBackend&) {
  return make_subject_in<S>(storage, spec);
}

constexpr const char* two_allocations =
    "slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\n"
    "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=256 page_size=256 "
    "object_size=64 object_align=8\n"
    "#0 = alloc c0\n#1 = alloc c0\n";

TEST(AnotherSubject, AgreesWithRandomProgramsWithoutAnyAbility) {
  Runner runner{make<FreeListPool>};
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Program program = decode(random_bytes(seed, 600));
    ASSERT_TRUE(runner.run(program).agreed()) << runner.verdict().sentence() << "\n" << to_text(program);
  }
  EXPECT_GT(runner.operations(), 10'000u);
}

TEST(AnotherSubject, IsNotAskedForStatisticsThatItDoesNotHave) {
  Runner runner{make<FreeListPool>};
  ASSERT_TRUE(runner.run(*parse(std::string{two_allocations} + "statistics c0\n").program).agreed());
  EXPECT_EQ(runner.operations(), 2u);
}

TEST(AnotherSubject, ThatHandsOutAnObjectTwiceIsFound) {
  const Verdict verdict = Runner{make<OneObject>}.run(*parse(two_allocations).program);
  EXPECT_EQ(verdict.sentence(),
            "violated L4 at step 1 (alloc): expected an object disjoint from all live ones, observed it overlaps #0");
}

TEST(AnotherSubject, MayRunOutOfMemoryAtAnyTime) {
  struct Nothing : OneObject {
    using OneObject::OneObject;
    void* alloc() { return nullptr; }
  };
  EXPECT_TRUE(Runner{make<Nothing>}.run(*parse(two_allocations).program).agreed());
}

/// Takes memory for each object, and gives it back unless told to keep, to steal or to give up.
struct Taker {
  static constexpr Abilities abilities{.takes_memory = true};
  enum class Fault { None, Keeps, Steals, GivesUp };
  static inline Fault fault = Fault::None;

  Taker(const CacheSpec& spec, RecordingBackend& memory) : spec_{spec}, memory_{memory} {}
  void* alloc() {
    if (fault == Fault::GivesUp) return nullptr;
    void* const block = memory_.take_memory(spec_.object_size, spec_.object_align);
    return fault == Fault::Steals ? static_cast<std::byte*>(block) + spec_.object_align : block;
  }
  void free(void* object) {
    if (object && fault != Fault::Keeps) memory_.give_memory(object);
  }

 private:
  CacheSpec spec_;
  RecordingBackend& memory_;
};
static_assert(Subject<Taker>);

TEST(AnotherSubject, IsJudgedByTheMemoryThatItTakes) {
  Runner runner{[](void* storage, const CacheSpec& spec, RecordingBackend& memory) {
    return make_subject_in<Taker>(storage, spec, memory);
  }};
  using enum Taker::Fault;
  const auto signature = [&](Taker::Fault fault) {
    Taker::fault = fault;
    return runner.run(*parse(two_allocations).program).signature();
  };
  EXPECT_EQ(signature(Keeps), "B18/end");
  EXPECT_EQ(signature(Steals), "G8/alloc");
  EXPECT_EQ(signature(GivesUp), "B15/alloc");
  EXPECT_EQ(signature(None), "agreed");
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Program program = decode(random_bytes(seed, 600));
    ASSERT_TRUE(runner.run(program).agreed()) << runner.verdict().sentence() << "\n" << to_text(program);
  }
}

TEST(AnotherSubject, ThatGivesTooLittleAlignmentIsFound) {
  struct Unaligned : OneObject {
    using OneObject::OneObject;
    void* alloc() { return static_cast<std::byte*>(OneObject::alloc()) + 4; }
  };
  EXPECT_EQ(Runner{make<Unaligned>}.run(*parse(two_allocations).program).signature(), "G6/alloc");
}

}  // namespace
}  // namespace slabproof

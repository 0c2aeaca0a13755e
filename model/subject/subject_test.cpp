// Other pools under the same runner.
#include "model/subject/subject.hpp"

#include <cstring>
#include <utility>

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

/// Two objects, of which the second is lost when it is freed, unless there is no such bug.
template <bool Loses, std::size_t Capacity = 0>
struct TwoObjects : OneObject {
  static constexpr Abilities abilities{.capacity = Capacity};
  using OneObject::OneObject;
  void* alloc() {
    for (const std::size_t i : {0u, 1u})
      if (!std::exchange(is_used_[i], true)) return objects_ + 64 * i;
    return nullptr;
  }
  void free(void* object) { is_used_[object != objects_] = Loses && object != objects_; }

 private:
  alignas(64) std::byte objects_[128];
  bool is_used_[2] = {};
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

TEST(AnotherSubject, ThatHasMemoryOfItsOwnAndHandsNothingOutIsFound) {
  struct Nothing : OneObject {
    using OneObject::OneObject;
    void* alloc() { return nullptr; }
  };
  EXPECT_EQ(Runner{make<Nothing>}.run(*parse(two_allocations).program).signature(), "H1/alloc");
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
  EXPECT_EQ(signature(GivesUp), "H1/alloc");
  EXPECT_EQ(signature(None), "agreed");
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const Program program = decode(random_bytes(seed, 600));
    ASSERT_TRUE(runner.run(program).agreed()) << runner.verdict().sentence() << "\n" << to_text(program);
  }
}

TEST(AnotherSubject, MayRunOutOfItsOwnMemoryButNotSoonerThanBefore) {
  const std::string full = std::string{two_allocations} + "#2 = alloc c0\nfree #1\n#3 = alloc c0\n";
  EXPECT_TRUE((Runner{make<TwoObjects<false>>}.run(*parse(full).program).agreed()));
  EXPECT_EQ((Runner{make<TwoObjects<true>>}.run(*parse(full).program).sentence()),
            "violated H1 at step 4 (alloc): expected an object while fewer live than the 2 that lived at once before, "
            "observed null with 1");
}

TEST(AnotherSubject, HoldsAsManyObjectsAsItClaims) {
  const std::string three = std::string{two_allocations} + "#2 = alloc c0\n";
  EXPECT_TRUE((Runner{make<TwoObjects<false, 2>>}.run(*parse(three).program).agreed()));
  EXPECT_EQ((Runner{make<TwoObjects<false, 3>>}.run(*parse(three).program).sentence()),
            "violated H1 at step 2 (alloc): expected an object while fewer than 3 live, observed null with 2");
}

/// Has memory for eight objects, and is refused it at times; has none for ever after if told to.
struct IsRefused {
  static constexpr Abilities abilities{.refuses_memory = true};
  static inline bool gives_up = false;
  explicit IsRefused(const CacheSpec&) {}
  void refuse_memory(bool is_refused) {
    is_refused_ = is_refused;
    was_refused_ |= is_refused;
  }
  void* alloc() { return is_refused_ || (gives_up && was_refused_) ? nullptr : objects_ + 64 * count_++; }
  void free(void*) {}

 private:
  alignas(64) std::byte objects_[512];
  std::size_t count_ = 0;
  bool is_refused_ = false, was_refused_ = false;
};
static_assert(Subject<IsRefused>);
struct CannotBeRefused : OneObject {
  static constexpr Abilities abilities{.refuses_memory = true};
};
static_assert(!Subject<CannotBeRefused>, "claimed without the function");
static_assert(Abilities{.takes_memory = true, .refuses_memory = true}.contradiction());

TEST(AnotherSubject, IsRefusedMemoryOfItsOwnForACallAndNoLonger) {
  const std::string refused = std::string{two_allocations} + "fail b0 any after=1 once\n#2 = alloc c0\n#3 = alloc c0\n";
  IsRefused::gives_up = true;
  EXPECT_TRUE(Runner{make<IsRefused>}.run(*parse(refused).program).agreed());
  EXPECT_EQ(Runner{make<IsRefused>}.run(*parse(refused + "#4 = alloc c0\n").program).sentence(),
            "violated H1 at step 5 (alloc): expected null only when memory was refused, observed null");
  IsRefused::gives_up = false;
  EXPECT_TRUE(Runner{make<IsRefused>}.run(*parse(refused + "#4 = alloc c0\n").program).agreed());
}

TEST(AnotherSubject, ThatGivesTooLittleAlignmentIsFound) {
  struct Unaligned : OneObject {
    using OneObject::OneObject;
    void* alloc() { return static_cast<std::byte*>(OneObject::alloc()) + 4; }
  };
  EXPECT_EQ(Runner{make<Unaligned>}.run(*parse(two_allocations).program).signature(), "G6/alloc");
}

/// A heap that takes a block for each object, with 16 bytes to spare, unless it has a fault.
struct BlockHeap {
  static constexpr Abilities abilities{.sizes = true,
                                       .zeroed = true,
                                       .resizes = true,
                                       .usable_size = true,
                                       .sized_free = true,
                                       .accepts = {.max_align = 16},
                                       .takes_memory = true};
  enum class Fault { None, LeavesJunk, Wraps, LosesContents, LosesOnFailure, PromisesTooMuch, ChangesItsMind };
  static inline Fault fault = Fault::None;

  explicit BlockHeap(RecordingBackend& memory) : memory_{memory} {}
  void* allocate(std::size_t size, std::size_t) { return memory_.take_memory(size + spare, 16); }
  void free(void* object, std::size_t) { memory_.give_memory(object); }
  void* allocate_zeroed(std::size_t count, std::size_t size) {
    if (fault != Fault::Wraps && count > abilities.accepts.most / size) return nullptr;
    void* const object = allocate(count * size, 1);
    if (object && fault != Fault::LeavesJunk) std::memset(object, 0, count * size);
    return object;
  }
  void* reallocate(void* object, std::size_t size) {
    if (fault == Fault::LosesOnFailure) *static_cast<std::byte*>(object) ^= std::byte{1};
    void* const other = allocate(size, 1);
    if (!other) return nullptr;
    // What is usable was written to, but only what was asked for must be kept; both blocks have a byte.
    std::memcpy(other, object, fault == Fault::LosesContents ? 0 : 1);
    memory_.give_memory(object);
    return other;
  }
  std::size_t usable_size(void*) {
    if (fault == Fault::ChangesItsMind) return spare + ++asked_;
    return fault == Fault::PromisesTooMuch ? 4 : 8;
  }

 private:
  static constexpr std::size_t spare = 16;
  RecordingBackend& memory_;
  std::size_t asked_ = 0;
};
static_assert(Subject<BlockHeap>);

constexpr const char* a_heap = "slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=1\nheap c0 on=b0\n";

TEST(AHeap, IsJudgedByWhatItPromises) {
  Runner runner{[](void* storage, const CacheSpec&, RecordingBackend& memory) {
                  return make_subject_in<BlockHeap>(storage, memory);
                },
                Arena::default_base, language_for(BlockHeap::abilities)};
  using enum BlockHeap::Fault;
  const auto signature = [&](BlockHeap::Fault fault, const std::string& operations) {
    BlockHeap::fault = fault;
    const auto program = parse(a_heap + operations).program;
    return program ? runner.run(*program).signature() : "no program";
  };
  const std::string one = "#0 = allocate c0 size=1 align=1\n", zeroed = "#0 = allocate_zeroed c0 count=2 size=3\n",
                    wrapping = "#0 = allocate_zeroed c0 count=wraps size=8\n", resized = one + "reallocate #0 size=7\n",
                    refused = one + "fail b0 any after=0 once\nreallocate #0 size=7\n";
  EXPECT_EQ(signature(None, zeroed + "usable_size #0\n"), "agreed");
  EXPECT_EQ(signature(None, wrapping), "agreed");
  EXPECT_EQ(signature(Wraps, "#0 = allocate_zeroed c0 count=2 size=4096\n"), "agreed");  // not asked for
  EXPECT_EQ(signature(None, resized), "agreed");
  EXPECT_EQ(signature(None, refused), "agreed");
  // What an earlier program left says nothing of this one.
  EXPECT_EQ(signature(None, "heap c1 on=b0\n#0 = allocate c1 size=1 align=1\n"), "agreed");
  EXPECT_EQ(signature(None, "reallocate #0 size=7\nusable_size #0\n"), "agreed");
  EXPECT_EQ(signature(LeavesJunk, zeroed), "H2/allocate_zeroed");
  EXPECT_EQ(signature(Wraps, wrapping), "H2/allocate_zeroed");
  EXPECT_EQ(signature(LosesContents, resized), "H3/reallocate");
  EXPECT_EQ(signature(LosesOnFailure, refused), "G12/reallocate");
  EXPECT_EQ(signature(PromisesTooMuch, "#0 = allocate c0 size=5 align=1\n"), "H4/allocate");
  EXPECT_EQ(signature(ChangesItsMind, one + "usable_size #0\n"), "H4/usable_size");
}

/// A pool that takes memory for each object, and forgets what was freed until the end.
struct Forgetful {
  static constexpr Abilities abilities{.takes_memory = true};
  Forgetful(const CacheSpec& spec, RecordingBackend& memory) : spec_{spec}, memory_{memory} {}
  ~Forgetful() {
    while (count_ > 0) memory_.give_memory(blocks_[--count_]);
  }
  void* alloc() { return blocks_[count_++] = memory_.take_memory(spec_.object_size, spec_.object_align); }
  void free(void*) {}

 private:
  CacheSpec spec_;
  RecordingBackend& memory_;
  void* blocks_[8];
  std::size_t count_ = 0;
};

TEST(AnotherSubject, ThatTakesMemoryWithoutEndIsFound) {
  Runner runner{[](void* storage, const CacheSpec& spec, RecordingBackend& memory) {
    return make_subject_in<Forgetful>(storage, spec, memory);
  }};
  const Verdict verdict = runner.run(*parse(std::string{two_allocations} + "free #0\n#2 = alloc c0\n").program);
  EXPECT_EQ(verdict.signature(), "H5/alloc");
  EXPECT_EQ(verdict.sentence(),
            "violated H5 at step 3 (alloc): expected no more memory taken for 2 objects, since there was room for 2, "
            "observed more was taken");
}

/// Frees everything when it is destroyed, and writes to an object of another one if told to.
struct FreesAllAtOnce : Forgetful {
  static constexpr Abilities abilities{.owns_live_objects = true, .takes_memory = true, .reuses_memory = false};
  static inline bool writes = false;
  static inline unsigned char* last = nullptr;
  using Forgetful::Forgetful;
  ~FreesAllAtOnce() {
    if (writes) *last ^= 1;
  }
  void* alloc() { return last = static_cast<unsigned char*>(Forgetful::alloc()); }
};

TEST(AnotherSubject, MayBeDestroyedWithLiveObjectsOfItsOwn) {
  Runner runner{[](void* storage, const CacheSpec& spec, RecordingBackend& memory) {
                  return make_subject_in<FreesAllAtOnce>(storage, spec, memory);
                },
                Arena::default_base, language_for(FreesAllAtOnce::abilities)};
  const auto signature = [&](bool writes) {
    FreesAllAtOnce::writes = writes;
    return runner
        .run(*parse("slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\n"
                    "pool c0 on=b0 object_size=8 object_align=8\npool c1 on=b0 object_size=8 object_align=8\n"
                    "#0 = alloc c0\n#1 = alloc c1\ndestroy c0\n#2 = alloc c0\n")
                  .program)
        .signature();
  };
  EXPECT_EQ(signature(false), "agreed");
  EXPECT_EQ(signature(true), "G12/destroy");
}

}  // namespace
}  // namespace slabproof

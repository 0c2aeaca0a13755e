// After a death in a call, the verdict says what the call should have done.
#include <csignal>
#include <new>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "model/process/isolated.hpp"
#include "model/program/codec.hpp"
#include "model/program/trace.hpp"
#include "model/subject/slab_subject.hpp"

namespace slabproof {
namespace {

enum class Call { Nothing, Construct, Alloc, AllocNoGrow, Free, Reserve, Shrink, Destroy, Statistics, Audit };
enum class Moment { Before, After };  // what the cache does in that call

Call deadly_call = Call::Nothing;
int calls_to_survive = 0;
Moment moment = Moment::Before;

void die_in(Call call, Moment now = Moment::Before) {
  if (call == deadly_call && now == moment && calls_to_survive-- == 0) std::raise(SIGABRT);
}

/// The slab cache, which dies in one of its calls.
class Dying final : public AnySubject {
 public:
  Dying(AnySubject& inner) : AnySubject{inner.abilities()}, inner_{inner} { die_in(Call::Construct); }
  ~Dying() override {
    die_in(Call::Destroy);
    inner_.~AnySubject();
  }
  void* alloc() override {
    die_in(Call::Alloc);
    void* const object = inner_.alloc();
    die_in(Call::Alloc, Moment::After);
    return object;
  }
  void* alloc_no_grow() override { return die_in(Call::AllocNoGrow), inner_.alloc_no_grow(); }
  void free(void* object, std::size_t size, std::size_t align) override {
    die_in(Call::Free), inner_.free(object, size, align);
  }
  bool reserve(std::size_t n) override {
    die_in(Call::Reserve);
    const bool reserved = inner_.reserve(n);
    die_in(Call::Reserve, Moment::After);
    return reserved;
  }
  std::size_t shrink() override { return die_in(Call::Shrink), inner_.shrink(); }
  [[nodiscard]] slab::CacheStatistics statistics() const override {
    return die_in(Call::Statistics), inner_.statistics();
  }
  [[nodiscard]] Invariant audit() const override { return die_in(Call::Audit), inner_.audit(); }
  [[nodiscard]] Layout layout() const override { return inner_.layout(); }
  [[nodiscard]] const void* identity() const override { return inner_.identity(); }
  [[nodiscard]] std::size_t size() const override { return inner_.size(); }

 private:
  AnySubject& inner_;
};

AnySubject* make_dying(void* storage, const CacheSpec& spec, RecordingBackend& backend) {
  auto* const inner = static_cast<std::byte*>(storage) + sizeof(Dying);
  return ::new (storage) Dying{*make_slab_subject(inner, spec, backend)};
}

/// Of objects 3 a slab; `survived` calls come before the deadly one.
struct Row {
  const char* operations;
  Call call;
  int survived;
  Invariant invariant;
  const char* due;
  Moment moment = Moment::Before;
};

constexpr Row rows[] = {
    {"", Call::Construct, 0, Invariant::B17, "no backend call during construction"},
    {"#0 = alloc c0\n", Call::Alloc, 0, Invariant::L5, "an object of an empty or a new slab"},
    {"#0 = alloc c0\n#1 = alloc c0\n", Call::Alloc, 1, Invariant::L5,
     "an object of the current slab while that has a free one"},
    {"#0 = alloc c0\n#1 = alloc c0\n#2 = alloc c0\nfree #0\n#3 = alloc c0\n#4 = alloc c0\n", Call::Alloc, 4,
     Invariant::L5, "an object of the slab that became partial last"},
    {"fail b0 any after=0 once\n#0 = alloc c0\n", Call::Alloc, 0, Invariant::B15, "null after a backend call failed",
     Moment::After},
    {"#0 = alloc_no_grow c0\n", Call::AllocNoGrow, 0, Invariant::B20, "null while no slab has a free object"},
    {"#0 = alloc c0\n#1 = alloc c0\nfree #0\n", Call::Free, 0, Invariant::S3, "1 objects allocated"},
    {"free_null c0\n", Call::Free, 0, Invariant::M10, "free of null to do nothing"},
    {"reserve c0 4\n", Call::Reserve, 0, Invariant::B20, "4 free objects after a true reserve"},
    {"reserve c0 everything\n", Call::Reserve, 0, Invariant::B20, "SIZE_MAX free objects after a true reserve"},
    {"fail b0 any after=1 once\nreserve c0 4\n", Call::Reserve, 0, Invariant::B15, "false after a backend call failed",
     Moment::After},
    {"#0 = alloc c0\nfree #0\nshrink c0\n", Call::Shrink, 0, Invariant::L7, "shrink to return 1"},
    {"#0 = alloc c0\ndestroy c0\n", Call::Destroy, 0, Invariant::M9, "1 reports of live objects"},
    {"#0 = alloc c0\nfree #0\ndouble_free #0\n", Call::Free, 1, Invariant::M1, "one report of DoubleFree"},
    {"#0 = alloc c0\nfree_interior #0 pick=0\n", Call::Free, 0, Invariant::M2, "one report of InteriorPointer"},
    {"#0 = alloc c0\nfree_slab_info #0 pick=0\n", Call::Free, 0, Invariant::M3, "one report of SlabInfoPointer"},
    {"#0 = alloc c0\nfree_never_allocated #0 pick=0\n", Call::Free, 0, Invariant::M7, "one report of NeverAllocated"},
    {"#0 = alloc c0\nfree #0\ncorrupt_link #0 pick=5\n", Call::AllocNoGrow, 0, Invariant::M11,
     "an object, whatever was written to a freed one"},
    {"reenter c0 alloc\n#0 = alloc c0\n", Call::Alloc, 1, Invariant::M12,
     "a call from a backend function refused and reported once as ReentrantCall"},
    {"#0 = alloc c0\ncall_on_misuse c0 shrink\nfree_interior #0 pick=0\n", Call::Shrink, 0, Invariant::L7,
     "shrink to return 0"},
    {"#0 = alloc c0\ncall_on_misuse c0 alloc\ndestroy c0\n", Call::Alloc, 1, Invariant::M17,
     "a call from on_misuse refused, and reported once as ReentrantCall"},
    {"call_on_misuse c0 alloc\nreenter c0 shrink\n#0 = alloc c0\n", Call::Alloc, 1, Invariant::M17,
     "a call from on_misuse refused without a report"},
    {"#0 = alloc c0\n", Call::Audit, 0, Invariant::B16, "audit() to hold inside a backend call"},
    {"#0 = alloc c0\n", Call::Audit, 1, Invariant::OfAudit, "audit() to hold"},
    {"#0 = alloc c0\n", Call::Statistics, 1, Invariant::S3, "1 objects allocated"},
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.due << "\n" << row.operations; }

struct Due : testing::TestWithParam<Row> {};

TEST_P(Due, IsLeftBehindByADeath) {
  const Row& row = GetParam();
  const ParseResult parsed =
      parse(std::string{"slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\n"
                        "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=256 "
                        "page_size=256 object_size=64 object_align=8\n"} +
            row.operations);
  ASSERT_TRUE(parsed.program);
  deadly_call = row.call;
  calls_to_survive = row.survived;
  moment = row.moment;
  Runner runner{make_dying};
  const Verdict verdict = run_isolated(runner, *parsed.program).verdict;
  EXPECT_EQ(verdict.death, "signal ABRT") << verdict.sentence();
  EXPECT_EQ(verdict.due_invariant, row.invariant);
  EXPECT_EQ(verdict.due, row.due);
  EXPECT_TRUE(verdict.explanation().starts_with(to_string(row.invariant) + ": expected " + row.due + "\n"));
}

INSTANTIATE_TEST_SUITE_P(OfACall, Due, testing::ValuesIn(rows));

TEST(Due, IsTheLastCallsAndNoneWhereNoCacheIsCalled) {
  deadly_call = Call::Nothing;
  Runner runner{make_dying};
  StepMark mark;
  runner.set_mark(&mark);
  ASSERT_TRUE(runner.start(decode({}).setup));
  ASSERT_TRUE(runner.step({}));
  EXPECT_NE(mark.words, nullptr);
  ASSERT_TRUE(runner.step({.kind = OperationKind::Recover}));
  EXPECT_EQ(mark.words, nullptr);
  EXPECT_EQ(Invariant{mark.invariant}, Invariant::None);
}

}  // namespace
}  // namespace slabproof

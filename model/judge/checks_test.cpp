// Checks after every step name the step that did the damage, and change nothing else.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "model/process/isolated.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"
#include "model/subject/free_list_pool.hpp"

namespace slabproof {
namespace {

constexpr const char* head =
    "slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\n"
    "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=512 page_size=512 "
    "object_size=64 object_align=8\n";

/// Writes into its first object in its allocation number `At`, and repairs it `Longer` allocations later.
template <int At, int Longer>
class Damages : public FreeListPool {
 public:
  using FreeListPool::FreeListPool;
  void* alloc() {
    auto* const object = static_cast<std::byte*>(FreeListPool::alloc());
    if (++allocations_ == 1) first_ = object;
    if (allocations_ == At || allocations_ == At + Longer) first_[9] ^= std::byte{1};
    return object;
  }

 private:
  int allocations_ = 0;
  std::byte* first_ = nullptr;
};

constexpr int for_good = 1 << 20;

template <int At, int Longer>
AnySubject* make_damaging(void* storage, const CacheSpec& spec, RecordingBackend&) {
  return make_subject_in<Damages<At, Longer>>(storage, spec);
}

Program allocations(std::uint32_t n) {
  Program program = *parse(head).program;
  for (std::uint32_t i = 0; i < n; ++i) program.operations.push_back({.object = i});
  return program;
}

TEST(Checks, OfEveryStepNameTheGuiltyOne) {
  Runner runner{make_damaging<5, for_good>};
  const Program program = allocations(40);
  const Verdict late = run_isolated(runner, program, {.checks = Checks::NowAndThen, .after_step = {}}).verdict;
  EXPECT_EQ(late.sentence().substr(0, 31), "violated G12 at step 15 (alloc)") << late.sentence();
  const Verdict exact = run_isolated(runner, program).verdict;
  EXPECT_EQ(exact.sentence().substr(0, 30), "violated G12 at step 4 (alloc)") << exact.sentence();
}

TEST(Checks, OfEveryStepSeeDamageThatIsPutRight) {
  Runner runner{make_damaging<5, 3>};
  EXPECT_TRUE(run_isolated(runner, allocations(40), {.checks = Checks::NowAndThen, .after_step = {}}).verdict.agreed());
  EXPECT_EQ(run_isolated(runner, allocations(40)).verdict.step, 4u);
}

// More operations than the budget allows: a failing program runs again, with the last steps checked one by one.
TEST(Checks, NameTheGuiltyStepOfAProgramThatIsTooLongForThem) {
  Runner runner{make_damaging<201, for_good>};
  Program program = allocations(200);
  program.operations.resize(8'000, {.kind = OperationKind::Recover});
  EXPECT_LT(run_isolated(runner, program).budget_ended_at, 8'000u);
  program.operations.push_back({.object = 200});
  program.operations.resize(8'100, {.kind = OperationKind::Recover});
  EXPECT_EQ(run_isolated(runner, program).verdict.step, 8'000u);
  static std::uint32_t told;  // of the child
  const auto tell = [](Runner& running, const Operation* operation) {
    told += operation != nullptr;
    if (running.violated() && told != 8'001) std::abort();
  };
  EXPECT_EQ(run_isolated(runner, program, {.after_step = tell}).verdict.signature(), "G12/alloc")
      << "told of a step twice";
}

// The checks change nothing: every event, and the verdict of a correct cache, stay the same.
TEST(Checks, ChangeNothing) {
  Runner runner;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto bytes = random_bytes(seed, 40 + seed * 2);
    runner.set_checks(Checks::NowAndThen);
    ASSERT_TRUE(runner.run(bytes).agreed()) << to_text(decode(bytes)) << runner.verdict().sentence();
    const EventLog log = runner.log();
    runner.set_checks(Checks::EveryStep);
    ASSERT_TRUE(runner.run(bytes).agreed()) << to_text(decode(bytes)) << runner.verdict().sentence();
    ASSERT_EQ(log.digest(), runner.log().digest()) << to_text(decode(bytes));
    ASSERT_EQ(log.count(), runner.log().count());
  }
}

}  // namespace
}  // namespace slabproof

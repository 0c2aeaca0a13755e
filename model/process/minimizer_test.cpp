// A minimized program is small and simple, and fails in the same way.
#include "model/process/minimizer.hpp"

#include <algorithm>
#include <csignal>
#include <optional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "model/memory/sanitizer.hpp"
#include "model/process/isolated.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"
#include "model/subject/free_list_pool.hpp"
#include "model/subject/saboteur.hpp"
#include "model/subject/slab_subject.hpp"

namespace slabproof {
namespace {

std::size_t count(const Program& program, OperationKind kind) {
  return static_cast<std::size_t>(std::count_if(program.operations.begin(), program.operations.end(),
                                                [&](const Operation& o) { return o.kind == kind; }));
}

std::string signature_of(Runner& runner, const Program& program) {
  return run_isolated(runner, program).verdict.signature();
}

/// The first program of random bytes that fails in this way.
std::optional<Program> find_failing(Runner& runner, const std::string& signature) {
  constexpr std::size_t bytes = 400;
  const IsolationOptions brief{.brief = true, .after_step = {}};
  for (std::uint64_t seed = 0; seed < 3000; ++seed)
    if (Program program = decode(random_bytes(seed, bytes));
        run_isolated(runner, program, brief).verdict.signature() == signature)
      return program;
  return std::nullopt;
}

/// Calls minimize() and checks what must be true of every result.
Program minimized(Runner& runner, const Program& program) {
  const std::string signature = signature_of(runner, program);
  const Minimized result = minimize(runner, program, {.budget = std::chrono::seconds{200}, .go_on = {}});
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.verdict.signature(), signature);
  EXPECT_EQ(signature_of(runner, result.program), signature) << to_text(result.program);
  EXPECT_LE(result.program.operations.size(), program.operations.size());
  EXPECT_EQ(result.program, renumbered(result.program)) << to_text(result.program);
  return result.program;
}

void expect_one_minimal(Runner& runner, const Program& program) {
  const std::string signature = signature_of(runner, program);
  for (std::size_t i = 0; i < program.operations.size(); ++i) {
    Program less = program;
    less.operations.erase(less.operations.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(signature_of(runner, normalised(less)), signature) << "without operation " << i << ":\n"
                                                                 << to_text(program);
  }
}

/// A broken cache, the failure to minimize, and the expected result.
struct Row {
  Sabotage sabotage;
  const char* signature;
  std::size_t operations;
  std::size_t objects_per_slab;
};

constexpr Row rows[] = {
    {Sabotage::ReturnsForeign, "G8/alloc", 1, 1},      {Sabotage::ReturnsTwice, "L4/alloc", 2, 1},
    {Sabotage::ForgetsToFreeSlab, "L6/free", 4, 1},    {Sabotage::DropsReports, "M1/double_free", 3, 1},
    {Sabotage::ForgetsToFreeSlab, "B8/reserve", 2, 1}, {Sabotage::GrowsInNoGrow, "B20/alloc_no_grow", 1, 1},
    {Sabotage::LosesASlot, "G4/start", 0, 2},          {Sabotage::TakesFromEmptierSlab, "L5/alloc", 6, 3},
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.signature; }

struct Minimizer : testing::TestWithParam<Row> {
  ~Minimizer() override { sabotage = Sabotage::None; }
};

TEST_P(Minimizer, ResultIsOneMinimalAndSimpleAndTheSameFailure) {
  sabotage = GetParam().sabotage;
  Runner runner{make_saboteur};
  const auto program = find_failing(runner, GetParam().signature);
  ASSERT_TRUE(program);
  const Program result = minimized(runner, *program);
  expect_one_minimal(runner, result);
  EXPECT_EQ(result.operations.size(), GetParam().operations) << to_text(result);
  const CacheSpec& cache = result.setup.caches[0];
  EXPECT_EQ(layout_of(cache).objects_per_slab, GetParam().objects_per_slab) << to_text(result);
  EXPECT_EQ(result.setup.cache_count, 1) << to_text(result);
  EXPECT_EQ(result.setup.backends[0], BackendSpec{}) << to_text(result);
  EXPECT_EQ(minimized(runner, result), result) << "minimizing is idempotent";
}

INSTANTIATE_TEST_SUITE_P(Of, Minimizer, testing::ValuesIn(rows), [](const auto& row) {
  std::string name = row.param.signature;
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
});

using Condition = bool (*)(int live, int frees);
bool never(int, int) { return false; }

/// A pool whose alloc hands out the last object again, or dies, on a condition.
template <Condition HandsOutAgain, Condition Dies = never>
class Broken : public FreeListPool {
 public:
  using FreeListPool::FreeListPool;
  void* alloc() {
    if (Dies(live_, frees_)) std::raise(SIGSEGV);
    if (HandsOutAgain(live_, frees_)) return last_;
    ++live_;
    return last_ = FreeListPool::alloc();
  }
  void free(void* object) {
    if (object) ++frees_, --live_;
    FreeListPool::free(object);
  }

 private:
  int live_ = 0, frees_ = 0;
  void* last_ = nullptr;
};

template <Condition HandsOutAgain, Condition Dies = never>
AnySubject* make_broken(void* storage, const CacheSpec& spec, RecordingBackend&) {
  return make_subject_in<Broken<HandsOutAgain, Dies>>(storage, spec);
}

bool two_live(int live, int) { return live == 2; }
bool eight_live_and_two_freed(int live, int frees) { return live == 8 && frees >= 2; }
bool odd_frees(int, int frees) { return frees % 2 == 1; }
bool five_more_than_fill_slabs_of_eight(int live, int frees) { return frees == 2 && live % 8 == 5; }

TEST(Minimizer, DefectThatNeedsThreeLiveObjectsKeepsThree) {
  Runner runner{make_broken<two_live>};
  const auto program = find_failing(runner, "L4/alloc");
  ASSERT_TRUE(program);
  const Program result = minimized(runner, *program);
  EXPECT_EQ(count(result, OperationKind::Alloc), 3u) << to_text(result);
  EXPECT_EQ(result.operations.size(), 3u) << to_text(result);
}

// Neither half of them nor a quarter, … nor one can be left out.
TEST(Minimizer, SlabsOfObjectsAreLeftOutTogether) {
  Program program = decode({});
  program.setup.caches[0] = {
      .type = slab::ObjectSizeType::Large, .slab_size = 64, .page_size = 64, .object_size = 8, .object_align = 1};
  for (std::uint32_t i = 0; i < 103; ++i) program.operations.push_back({.object = i});
  for (const std::uint32_t i : {3u, 5u}) program.operations.push_back({.kind = OperationKind::Free, .object = i});
  program.operations.push_back({.object = 103});
  Runner runner{make_broken<five_more_than_fill_slabs_of_eight>};
  const Program result = minimized(runner, program);
  EXPECT_EQ(result.operations.size(), 10u) << to_text(result);
}

// Without one of its two frees the program dies instead, in fewer operations.
TEST(Minimizer, StaysWithTheDefectThatItWasGiven) {
  Program program = decode({});
  for (std::uint32_t i = 0; i < 12; ++i) program.operations.push_back({.object = i});
  program.operations.insert(program.operations.begin() + 4,
                            {{.kind = OperationKind::Free, .object = 1}, {.kind = OperationKind::Free, .object = 3}});
  Runner runner{make_broken<eight_live_and_two_freed, odd_frees>};
  ASSERT_EQ(signature_of(runner, program), "L4/alloc");
  const Program result = minimized(runner, program);
  EXPECT_EQ(count(result, OperationKind::Free), 2u) << to_text(result);
  EXPECT_EQ(count(result, OperationKind::Alloc), 11u) << to_text(result);
}

/// Its fourth alloc dies in the allocator: where a Checked cache reads an owner, if null was freed before, and else
/// where a slot is free already.
class Deadly {
 public:
  static constexpr Abilities abilities{.frees_null = true};
  Deadly(const CacheSpec& spec, RecordingBackend& backend)
      : cache_{make_slab_subject(memory_[0], unchecked(spec), backend)},
        checked_{make_slab_subject(memory_[1], spec, backend)} {}
  void* alloc() {
    if (++allocs_ == 3) freed_twice_ = cache_->alloc();
    if (allocs_ == 4 && freed_null_) checked_->free(reinterpret_cast<void*>(0x5000));
    if (allocs_ == 4) cache_->free(freed_twice_), cache_->free(freed_twice_);
    return pool_.alloc();
  }
  void free(void* object) {
    if (!object) freed_null_ = true;
    pool_.free(object);
  }

 private:
  static CacheSpec unchecked(CacheSpec spec) { return spec.checks = false, spec; }
  alignas(64) std::byte memory_[2][1024];
  FreeListPool pool_{CacheSpec{.object_size = 64}};
  AnySubject *cache_, *checked_;
  void* freed_twice_ = nullptr;
  int allocs_ = 0;
  bool freed_null_ = false;
};

TEST(Minimizer, DeathKeepsItsFrame) {
  if (!has_asan) GTEST_SKIP() << "built without AddressSanitizer";
  const auto make = [](void* storage, const CacheSpec& spec, RecordingBackend& backend) {
    return make_subject_in<Deadly>(storage, spec, backend);
  };
  Runner runner{make};
  Program program = decode({});
  for (std::uint32_t i = 0; i < 4; ++i)
    for (const OperationKind kind : {OperationKind::FreeNull, OperationKind::Reserve, OperationKind::Alloc,
                                     OperationKind::Recover, OperationKind::Free})
      program.operations.push_back(
          {.kind = kind, .object = kind == OperationKind::Alloc || kind == OperationKind::Free ? i : 0});
  ASSERT_EQ(signature_of(runner, program), "died:AddressSanitizer@load_unknown/alloc")
      << run_isolated(runner, program).verdict.sentence();
  const Program result = minimized(runner, program);
  EXPECT_EQ(count(result, OperationKind::FreeNull), 1u) << to_text(result);
  EXPECT_EQ(result.operations.size(), 5u) << to_text(result);
  Program other = result;
  std::erase_if(other.operations, [](const Operation& operation) { return operation.kind == OperationKind::FreeNull; });
  const Verdict death = run_isolated(runner, other).verdict;
  EXPECT_TRUE(death.death.starts_with("AddressSanitizer: use-after-poison on address"))
      << death.death << ": the death that it could have slipped to";
}

TEST(Minimizer, ProgramThatAgreesComesBackAsItIs) {
  Runner runner;
  const Program program = decode(random_bytes(1, 200));
  const Minimized result = minimize(runner, program);
  EXPECT_TRUE(result.verdict.agreed());
  EXPECT_EQ(result.program, program);
}

TEST(Minimizer, KeepsWhatWasReachedWhenItIsStopped) {
  Runner runner{make_broken<two_live>};
  const auto program = find_failing(runner, "L4/alloc");
  ASSERT_TRUE(program);
  std::size_t reached = 0;
  const Minimized result = minimize(runner, *program, {.go_on = [&](const Program& smallest, std::uint64_t) {
                                      reached = smallest.operations.size();
                                      return reached > program->operations.size() / 2;
                                    }});
  EXPECT_FALSE(result.finished);
  EXPECT_EQ(result.program.operations.size(), reached);
  EXPECT_EQ(result.verdict.signature(), "L4/alloc");
}

}  // namespace
}  // namespace slabproof

// A death or a hang of a program is a verdict like any other.
#include "model/process/isolated.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "model/memory/sanitizer.hpp"
#include "model/process/pass.hpp"
#include "model/program/trace.hpp"
#include "model/subject/slab_subject.hpp"

namespace slabproof {
namespace {

/// What a subject does in its second alloc.
enum class Deed { Nothing, Abort, Overflow, Loop, Stop, Exit, Assert, Throw };
Deed deed = Deed::Nothing;

/// Hands out what it has, and once does something else.
class Deadly {
 public:
  static constexpr Abilities abilities{};
  void* alloc() {
    if (++allocations_ == 2) act();
    return &objects_[allocations_ * 64];
  }
  void free(void*) {}

 private:
  static void act() {
    volatile int large = 0x7FFFFFFF;
    switch (deed) {
      case Deed::Nothing: break;
      case Deed::Abort: std::raise(SIGSEGV); break;
      case Deed::Overflow: large = large + 1; break;
      case Deed::Loop:
        for (;;) large = 0;
      case Deed::Stop: std::raise(SIGSTOP); break;
      case Deed::Exit: std::_Exit(0);
      case Deed::Throw: throw std::bad_alloc{};
      case Deed::Assert: std::fputs("pool.hpp:7: Assertion 'head' failed.\n", stderr); std::abort();
    }
  }
  std::size_t allocations_ = 0;
  alignas(64) std::byte objects_[1024];
};

AnySubject* make_deadly(void* storage, const CacheSpec&, RecordingBackend&) { return make_subject_in<Deadly>(storage); }

Program program(const std::string& operations) {
  return *parse(
              "slabproof trace 1\nbackend b0 reuse=lifo placement=adjacent seed=0\n"
              "cache c0 on=b0 kind=DynamicCache policy=Checked empty_slabs_kept=1 type=Small slab_size=256 "
              "page_size=256 object_size=64 object_align=8\n" +
              operations)
              .program;
}

IsolatedRun run_deadly(Deed what) {
  deed = what;
  Runner runner{make_deadly};
  return run_isolated(runner, program("#0 = alloc c0\nfree #0\n#1 = alloc c0\n"));
}

TEST(Isolation, ProgramThatAgreesAgrees) { EXPECT_TRUE(run_deadly(Deed::Nothing).verdict.agreed()); }

TEST(Isolation, SignalIsADeathWithItsStepAndOperation) {
  const Verdict verdict = run_deadly(Deed::Abort).verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::Died);
  EXPECT_EQ(verdict.step, 2u);
  EXPECT_EQ(verdict.operation, StepKind{OperationKind::Alloc});
  EXPECT_TRUE(verdict.death.starts_with(has_asan ? "AddressSanitizer: SEGV on " : "signal SEGV")) << verdict.death;
}

TEST(Isolation, UndefinedBehaviourIsADeath) {
  const Verdict verdict = run_deadly(Deed::Overflow).verdict;
  if (!has_asan) GTEST_SKIP() << "built without UndefinedBehaviorSanitizer";
  EXPECT_EQ(verdict.signature(), "died:UndefinedBehaviorSanitizer/alloc") << verdict.sentence();
}

TEST(Isolation, HangIsAVerdictWithItsStepAndOperation) {
  const auto seconds = [] {
    rusage of_children{};
    getrusage(RUSAGE_CHILDREN, &of_children);
    return of_children.ru_utime.tv_sec;
  };
  const auto before = seconds();
  const Verdict verdict = run_deadly(Deed::Loop).verdict;
  EXPECT_EQ(verdict.signature(), "hung/alloc");
  EXPECT_EQ(verdict.step, 2u);
  EXPECT_LE(seconds() - before, 4) << "nobody waits for longer, whoever asks";
}

TEST(Isolation, AProgramThatIsStoppedHangs) { EXPECT_EQ(run_deadly(Deed::Stop).verdict.signature(), "hung/alloc"); }

TEST(Pass, AnInputThatIsStoppedHangs) {
  std::vector<Verdict::Kind> kinds;
  run_pass(
      3, [](std::size_t i, StepMark&, std::uint64_t&) { return i == 1 ? std::raise(SIGSTOP) : 0, Verdict{}; },
      [&](const Passed& passed) { return kinds.push_back(passed.verdict.kind), true; });
  using enum Verdict::Kind;
  EXPECT_EQ(kinds, (std::vector{Agreed, Hung, Agreed}));
}

TEST(Pass, AProcessRunsNoMoreInputsThanItMay) {
  std::vector<std::size_t> first;
  run_pass(
      5, [](std::size_t, StepMark&, std::uint64_t&) { return Verdict{}; },
      [&](const Passed& passed) { return first.push_back(passed.first), true; }, 2);
  EXPECT_EQ(first, (std::vector<std::size_t>{0, 0, 2, 2, 4}));
}

TEST(Pass, AProcessThatTheJudgedCodeStartsSpeaksForNoInput) {
  std::vector<std::uint64_t> notes;
  run_pass(
      4,
      [](std::size_t i, StepMark&, std::uint64_t& note) {
        if (i == 1) (void)!fork();
        note = i;
        return Verdict{};
      },
      [&](const Passed& passed) { return notes.push_back(passed.note), true; });
  EXPECT_EQ(notes, (std::vector<std::uint64_t>{0, 1, 2, 3}));
}

TEST(Isolation, AnAssertionIsADeathWithItsOwnWords) {
  const Verdict verdict = run_deadly(Deed::Assert).verdict;
  EXPECT_EQ(verdict.death, "signal ABRT: pool.hpp:7: Assertion 'head' failed.");
  EXPECT_EQ(verdict.signature(), "died:signal ABRT/alloc");
}

// Memory was refused to it, or it asked for more than there is: the harness has memory enough.
TEST(Isolation, AnExceptionThatLeavesTheSubjectIsADeath) {
  const Verdict verdict = run_deadly(Deed::Throw).verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::Died);
  EXPECT_EQ(verdict.signature(), "died:signal ABRT/alloc");
  EXPECT_NE(verdict.death.find("std::bad_alloc"), std::string::npos) << verdict.death;
}

TEST(Isolation, EndingTheProcessIsADeath) {
  const Verdict verdict = run_deadly(Deed::Exit).verdict;
  EXPECT_EQ(verdict.kind, Verdict::Kind::Died);
  EXPECT_EQ(verdict.death, "exit status 0");
}

// Masking a pointer into no slab leads the cache to memory that nobody may read.
TEST(Isolation, DeathInTheAllocatorNamesItsFirstFrameThere) {
  if (!has_asan) GTEST_SKIP() << "built without AddressSanitizer";
  static AnySubject* made = nullptr;
  const auto make = [](void* storage, const CacheSpec& spec, RecordingBackend& backend) {
    return made = make_slab_subject(storage, spec, backend);
  };
  Runner runner{make};
  IsolationOptions options;
  options.after_step = [](Runner&, const Operation* operation) {
    if (operation) made->free(reinterpret_cast<void*>(0x5000));
  };
  const Verdict verdict = run_isolated(runner, program("#0 = alloc c0\n"), options).verdict;
  EXPECT_EQ(verdict.death, "AddressSanitizer: SEGV on unknown address 0x0000000050d0, a READ memory access");
  EXPECT_EQ(verdict.frame, "load_unknown") << "the function that reads the owner";
  ASSERT_GE(verdict.frames.size(), 2u);
  EXPECT_TRUE(verdict.frames[0].starts_with("load_unknown poison.hpp:")) << verdict.frames[0];
}

// The report begins with the place of the finding, which is not a stack frame.
TEST(Isolation, UndefinedBehaviourInTheAllocatorNamesItsFirstFrameThere) {
  if (!has_asan) GTEST_SKIP() << "built without UndefinedBehaviorSanitizer";
  static AnySubject* made = nullptr;
  const auto make = [](void* storage, const CacheSpec& spec, RecordingBackend& backend) {
    return made = make_slab_subject(storage, spec, backend);
  };
  Runner runner{make};
  IsolationOptions options;
  options.after_step = [](Runner&, const Operation* operation) {
    if (operation) made->free(static_cast<std::byte*>(made->alloc()) + 1);
  };
  Program unchecked = program("#0 = alloc c0\n");
  unchecked.setup.caches[0].checks = false;
  const Verdict verdict = run_isolated(runner, unchecked, options).verdict;
  EXPECT_EQ(verdict.signature(), "died:UndefinedBehaviorSanitizer@store_link/alloc") << verdict.sentence();
}

// One object twice: the judge finds it in a child as well as here.
class Twice {
 public:
  static constexpr Abilities abilities{};
  void* alloc() { return object_; }
  void free(void*) {}

 private:
  alignas(8) std::byte object_[64];
};
AnySubject* make_twice(void* storage, const CacheSpec&, RecordingBackend&) { return make_subject_in<Twice>(storage); }

TEST(Isolation, ViolationIsTheSameInAChild) {
  const Program twice = program("#0 = alloc c0\n#1 = alloc c0\n");
  Runner runner{make_twice};
  const Verdict isolated = run_isolated(runner, twice).verdict, here = runner.run(twice);
  EXPECT_EQ(here.signature(), "L4/alloc");
  EXPECT_EQ(isolated.sentence(), here.sentence());
  EXPECT_EQ(isolated.signature(), here.signature());
}

TEST(Isolation, SignatureTellsFailuresApart) {
  const auto signature = [](Verdict::Kind kind, OperationKind operation, Invariant id, const char* death,
                            const char* frame) {
    return Verdict{kind, 7, operation, {id, Cause::None, "this", "that"}, DeathBy::None, death, frame}.signature();
  };
  using enum Verdict::Kind;
  EXPECT_EQ(signature(Violated, OperationKind::Alloc, Invariant::B2, "", ""), "B2/alloc");
  EXPECT_NE(signature(Violated, OperationKind::Alloc, Invariant::B2, "", ""),
            signature(Violated, OperationKind::Reserve, Invariant::B2, "", ""));
  EXPECT_NE(signature(Violated, OperationKind::Alloc, Invariant::B2, "", ""),
            signature(Violated, OperationKind::Alloc, Invariant::B1, "", ""));
  EXPECT_NE(signature(Died, OperationKind::Alloc, Invariant::None, "signal SEGV", "alloc"),
            signature(Died, OperationKind::Alloc, Invariant::None, "signal SEGV", "free"));
  EXPECT_NE(signature(Died, OperationKind::Alloc, Invariant::None, "signal SEGV", ""),
            signature(Died, OperationKind::Alloc, Invariant::None, "signal ABRT", ""));
  EXPECT_NE(signature(Hung, OperationKind::Alloc, Invariant::None, "", ""),
            signature(Hung, OperationKind::Free, Invariant::None, "", ""));
  EXPECT_EQ(signature(Died, OperationKind::Free, Invariant::None, "AddressSanitizer: use-after-poison", "free"),
            signature(Died, OperationKind::Free, Invariant::None, "AddressSanitizer: unknown-crash", "free"))
      << "ASan's word for it depends on what lies beside the address";
}

}  // namespace
}  // namespace slabproof

// What a backend hands out, keeps and notes; how it fails, and how it errs.
#include "model/memory/recording_backend.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/memory/recording_backend_caller.hpp"

namespace slabproof {
namespace {

using enum OperationKind;

TEST(RecordingBackend, HandsOutNoMoreSlabsThanItSays) {
  Caller caller{single_page};
  for (std::size_t n = 0; n < max_slabs - 3; ++n) {
    caller.begin(Alloc);
    ASSERT_TRUE(caller.alloc_slab());
  }
  for (const std::size_t count : {std::size_t{3}, std::size_t{4}}) {
    caller.begin(Reserve);
    caller.context.wanted = count * caller.model.layout.objects_per_slab;
    EXPECT_EQ(caller.can_make(count), count == 3);
    EXPECT_EQ(caller.context.has_said_no, count == 4);
  }
  for (const bool is_there : {true, true, true, false}) {
    caller.begin(Alloc);
    EXPECT_EQ(caller.alloc_slab() != 0, is_there);
    EXPECT_EQ(caller.context.refused, is_there ? Invariant::None : Invariant::B15);
  }
  EXPECT_FALSE(caller.judgement.violated());
}

TEST(RecordingBackend, KeepsTheMapAndCountsWhatIsOut) {
  for (const CacheSpec& spec : {multi_page, large}) {
    Caller c{spec};
    const std::uintptr_t slab = c.make_slab(), info = c.record(slab).info;
    c.begin(Alloc);
    const std::uintptr_t other = c.make_slab();
    EXPECT_EQ(c.backend.slabs().size(), 2u);
    EXPECT_EQ(c.backend.infos_of(0), spec.row() == slab::Row::Large ? 2u : 0u);
    EXPECT_EQ(c.record(slab).saved_pages, 4u);
    EXPECT_NE(c.record(other).info, info);
    EXPECT_TRUE(c.backend.knows_page(slab) && c.backend.knows_page(slab + 384));
    EXPECT_FALSE(c.backend.knows_page(slab - 128));
    EXPECT_EQ(&c.record(slab + 511), &c.record(slab));
    c.begin(Free);
    c.context.freed = slab + 400;
    EXPECT_EQ(c.get(slab + 384), info);
    c.delete_pages(slab);
    EXPECT_FALSE(c.backend.knows_page(slab));
    if (spec.row() == slab::Row::Large) c.free_info(info);
    c.free_slab(slab);
    EXPECT_FALSE(c.judgement.violated());
    EXPECT_EQ(c.backend.slabs().size(), 1u);
    EXPECT_EQ(c.backend.infos_of(0), spec.row() == slab::Row::Large ? 1u : 0u);
    c.begin(Alloc);
    EXPECT_EQ(c.make_slab(), slab);  // the last to come back
    EXPECT_EQ(c.record(slab).generation, 3u);
    c.backend.abandon(c.record(other));
    EXPECT_EQ(c.backend.infos_of(0), spec.row() == slab::Row::Large ? 1u : 0u);
    c.backend.reset({});
    EXPECT_FALSE(c.backend.knows_page(slab) || c.backend.knows_page(other));
    EXPECT_EQ(c.backend.slabs().size() + c.backend.infos_of(0), 0u);
    c.begin(Alloc);
    EXPECT_TRUE(c.make_slab());
    EXPECT_EQ(c.record(slab).generation, 1u);
    EXPECT_FALSE(c.judgement.violated());
  }
}

TEST(RecordingBackend, FailsWhereItsProgramSaysAndTakesBackWhatWasMisaligned) {
  Caller c{large};
  for (const FailingCall call : {FailingCall::AllocSlab, FailingCall::AllocSlabInfo}) {
    c.begin(Alloc);
    c.fail(call);
    const std::uintptr_t slab = c.alloc_slab();
    EXPECT_EQ(slab == 0, call == FailingCall::AllocSlab);
    if (slab) EXPECT_FALSE(c.alloc_info());
    EXPECT_EQ(c.context.refused, slab ? Invariant::B7 : Invariant::B15);
    if (slab) c.free_slab(slab);
    c.begin(Alloc);
    c.fail(call, FailureMode::Misaligned);
    const std::uintptr_t misaligned = c.alloc_slab(), info = c.alloc_info();
    EXPECT_EQ(misaligned % 128, call == FailingCall::AllocSlab ? 64u : 0u);
    EXPECT_EQ(info % 8, call == FailingCall::AllocSlab ? 0u : 4u);
    c.free_info(info);
    c.free_slab(misaligned);
    EXPECT_FALSE(c.judgement.violated());
    EXPECT_EQ(c.backend.slabs().size() + c.backend.infos_of(0), 0u);
  }
  EXPECT_EQ(c.backend.slab_region().find_written() + c.backend.info_region().find_written(), 0u);
  c.begin(Alloc);
  c.fail(FailingCall::Any, FailureMode::Always);
  EXPECT_FALSE(c.alloc_slab());
  EXPECT_TRUE(c.backend.refuses_call());
  c.backend.recover();
  EXPECT_FALSE(c.backend.refuses_call());
  c.begin(Alloc);
  const std::uint32_t before = c.backend.calls_that_may_fail();
  EXPECT_TRUE(c.make_slab());
  EXPECT_EQ(c.backend.calls_that_may_fail(), before + 6);  // slab, SlabInfo and four pages
}

TEST(RecordingBackend, KnowsWhoseMemoryIs) {
  Caller c{single_page};
  const std::uintptr_t memory = address(c.backend.take_memory(100, 64));
  EXPECT_EQ(memory % 64, 0u);
  EXPECT_TRUE(c.backend.is_memory_of(0, memory, 100) && c.backend.is_memory_of(0, memory + 99, 1));
  EXPECT_FALSE(c.backend.is_memory_of(0, memory, 101) || c.backend.is_memory_of(0, memory + 99, 2));
  EXPECT_FALSE(c.backend.is_memory_of(0, memory - 1, 1) || c.backend.is_memory_of(1, memory, 1));
  EXPECT_EQ(c.backend.memory_of(0), 1u);
  c.backend.give_memory(pointer(memory));
  EXPECT_EQ(c.backend.memory_of(0), 0u);
  EXPECT_FALSE(c.backend.is_memory_of(0, memory, 1));
  c.fail(FailingCall::AllocSlab);
  EXPECT_FALSE(c.backend.take_memory(100, 64));
  EXPECT_EQ(c.context.refused, Invariant::B15);
  EXPECT_EQ(c.backend.memory_of(0), 0u);
  EXPECT_TRUE(c.backend.take_memory(100, 64));
  EXPECT_FALSE(c.judgement.violated());
}

TEST(RecordingBackend, NotesEachCallAndItsAnswer) {
  std::vector<CallRecord> records;
  call_log = &records;
  Caller c{large};
  EventLog log;
  const auto called = [&](BackendCall call, std::uint64_t a, std::uint64_t b, std::uint64_t answer) {
    log.called(call, 0, a, b);
    ASSERT_FALSE(records.empty()) << to_string(call);
    const CallRecord& record = records.front();
    EXPECT_TRUE(record.call == call && record.backend == 0 && record.a == a && record.b == b && record.answer == answer)
        << to_string(record.call) << " " << record.a << " " << record.b << " " << record.answer << " is no "
        << to_string(call) << " " << a << " " << b << " " << answer;
    records.erase(records.begin());
  };
  const std::uint64_t size = c.model.layout.slab_info_size;
  const std::uintptr_t slab = c.alloc_slab(), info = c.alloc_info();
  const std::uint64_t slab_at = c.relative(slab), info_at = c.relative(info);
  EXPECT_TRUE(c.save(slab, info));
  c.fail(FailingCall::SaveSlabInfo);
  EXPECT_FALSE(c.save(slab + 128, info));
  called(BackendCall::AllocSlab, 512, 128, slab_at);
  log.slab_given(slab_at);
  called(BackendCall::AllocSlabInfo, size, 0, info_at);
  log.slab_info_given(info_at);
  called(BackendCall::SaveSlabInfo, slab_at, info_at, 1);
  called(BackendCall::SaveSlabInfo, slab_at + 128, info_at, 0);
  c.begin(Free);
  c.context.freed = slab + 100;
  EXPECT_EQ(c.get(slab), info);
  c.backend.delete_slab_info(slab);
  c.free_info(info);
  c.free_slab(slab);
  called(BackendCall::GetSlabInfo, slab_at, 0, info_at);
  called(BackendCall::DeleteSlabInfo, slab_at, 0, 0);
  called(BackendCall::FreeSlabInfo, info_at, size, 0);
  called(BackendCall::FreeSlab, slab_at, 0, 0);
  EXPECT_EQ(c.log, log);
  void* const memory = c.backend.take_memory(100, 64);
  c.backend.give_memory(memory);
  c.fail(FailingCall::AllocSlab, FailureMode::Always);
  EXPECT_TRUE(!c.backend.take_memory(100, 64) && c.backend.refuses_call());
  log.memory_given(100, c.relative(address(memory)));
  log.memory_returned(c.relative(address(memory)));
  log.memory_given(100, 0);
  EXPECT_EQ(c.log, log);
  std::string noted;
  for (const CallRecord& record : records)
    noted +=
        std::string{to_string(record.call)} + " " + std::to_string(record.a) + " " + std::to_string(record.b) + "; ";
  EXPECT_EQ(noted,
            "take 100 64; give " + std::to_string(c.relative(address(memory))) + " 0; take 100 64; refuse 0 0; ");
  EXPECT_EQ(records.front().answer, c.relative(address(memory)));
  EXPECT_FALSE(c.judgement.violated());
  call_log = nullptr;
}

// Errors.

/// A cache with two slabs in which objects live, and calls that are let be.
struct Erring : Caller {
  explicit Erring(const CacheSpec& spec) : Caller{spec} {
    for (std::uintptr_t& slab : slabs) {
      begin(Alloc);
      slab = make_slab();
      record(slab).used = 1;
    }
    begin(Reserve);
    context.wanted = 1000;
    context.may_err = true;
  }

  std::uintptr_t slabs[2];

  void err(BackendError how, std::uint32_t argument) {
    Operation operation{.kind = OperationKind::Fault, .argument = argument};
    operation.detail = static_cast<std::uint8_t>(how);
    backend.err(operation);
  }
  [[nodiscard]] bool has_erred(BackendError how, std::uintptr_t given, std::uintptr_t reported, std::uintptr_t slab,
                               std::size_t size, unsigned let_be = 0, std::size_t offset = 0) const {
    const Erred& erred = context.erred;
    return refused == Invariant::M13 && context.refused == Invariant::M13 && erred.how == how && erred.given == given &&
           erred.reported == reported && erred.slab == slab && erred.size == size && erred.let_be == let_be &&
           erred.offset == offset && !judgement.violated();
  }
};

TEST(ErringBackend, HandsOutWhatItsCacheHas) {
  for (const std::uint32_t after : {0u, 1u, 2u}) {
    for (const CacheSpec& spec : {single_page, multi_page, large}) {
      Erring c{spec};
      const std::uintptr_t used = c.slabs[after % 2];
      const std::uintptr_t reported =
          used + (spec.row() == slab::Row::SmallSinglePage ? c.model.layout.slab_info_offset : 0);
      c.err(BackendError::SlabAgain, after);
      const EventLog before = c.log;
      for (std::uint32_t i = 0; i < after; ++i) EXPECT_TRUE(c.make_slab());
      EXPECT_EQ(c.alloc_slab(), used);
      EXPECT_TRUE(c.has_erred(BackendError::SlabAgain, used, reported, used, spec.slab_size, after)) << after;
      EXPECT_FALSE(c.log == before);
      EXPECT_EQ(c.backend.slabs().size(), 2 + after);
    }
    Erring c{multi_page};
    c.err(BackendError::SlabInside, after);
    for (std::uint32_t i = 0; i < after; ++i) EXPECT_TRUE(c.make_slab());
    const std::uintptr_t used = c.slabs[after % 2], inside = used + 128;
    EXPECT_EQ(c.alloc_slab(), inside);
    EXPECT_TRUE(c.has_erred(BackendError::SlabInside, inside, inside, used, 512, after)) << after;
  }
  Erring c{large};
  c.err(BackendError::InfoAgain, 1);
  EXPECT_TRUE(c.make_slab());
  EXPECT_TRUE(c.alloc_slab());
  const std::uintptr_t info = c.record(c.slabs[1]).info;
  EXPECT_EQ(c.alloc_info(), info);
  EXPECT_TRUE(c.has_erred(BackendError::InfoAgain, info, info, c.slabs[1], c.model.layout.slab_info_size, 1));
  EXPECT_EQ(c.backend.infos_of(0), 3u);
}

TEST(ErringBackend, HandsOutASlabWithAPageInTheMap) {
  for (const std::uint32_t after : {0u, 3u}) {
    Erring c{multi_page};
    c.err(BackendError::EntryStale, after);
    for (std::uint32_t i = 0; i < after; ++i) EXPECT_TRUE(c.make_slab());
    const std::uintptr_t slab = c.alloc_slab(), page = slab + 128 * after;
    EXPECT_TRUE(c.has_erred(BackendError::EntryStale, slab, slab, 0, 512, after, 128 * after)) << after;
    for (std::uintptr_t at = slab; at < slab + 512; at += 128) EXPECT_EQ(c.backend.knows_page(at), at == page);
    EXPECT_EQ(c.get(after == 0 ? slab + 128 : slab), 0u);
    EXPECT_EQ(c.get(page), slab);
    EXPECT_FALSE(c.backend.knows_page(page));
    EXPECT_FALSE(c.judgement.violated());
    c.begin(Alloc);
    EXPECT_EQ(c.alloc_slab(), slab) << "it is the backend's again";
  }
}

TEST(ErringBackend, AnswersWrongWhenAPageIsLookedUp) {
  Erring c{multi_page};
  c.begin(Free);
  c.context.freed = c.slabs[0] + 100;
  EXPECT_EQ(c.backend.err_about(c.record(c.slabs[0]), 77).reported, 0u);
  c.err(BackendError::EntryLost, 0);
  const Erred lost = c.backend.err_about(c.record(c.slabs[0]), 77);
  EXPECT_TRUE(lost.how == BackendError::EntryLost && lost.reported == 77 && lost.slab == 0 && lost.given == 0);
  EXPECT_EQ(c.get(c.slabs[0]), 0u);
  c.begin(Free);
  c.context.freed = c.slabs[0] + 100;
  EXPECT_EQ(c.get(c.slabs[0]), c.info_in(c.slabs[0])) << "once";
  c.err(BackendError::EntryWrong, 5);
  const Erred wrong = c.backend.err_about(c.record(c.slabs[1]), 78);
  EXPECT_EQ(wrong.reported, 0u) << "five look-ups are let be";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(c.backend.err_about(c.record(c.slabs[1]), 78).reported, 0u);
  const Erred of_other = c.backend.err_about(c.record(c.slabs[1]), 78);
  EXPECT_TRUE(of_other.how == BackendError::EntryWrong && of_other.reported == 78 && of_other.slab == c.slabs[0]);
  c.begin(Free);
  c.context.freed = c.slabs[1];
  EXPECT_EQ(c.get(c.slabs[1]), c.info_in(c.slabs[0]));
  EXPECT_FALSE(c.judgement.violated());
}

TEST(ErringBackend, ErrsOnlyAboutSlabsInUse) {
  using Change = void (*)(SlabRecord&);
  for (const Change change : std::initializer_list<Change>{
           [](SlabRecord& slab) { slab.used = 0; }, [](SlabRecord& slab) { slab.abandoned = true; },
           [](SlabRecord& slab) { slab.fresh = true; }, [](SlabRecord& slab) { slab.cache = 1; }}) {
    for (const std::size_t changed : {1u, 2u}) {
      Erring c{single_page};
      for (std::size_t i = 0; i < changed; ++i) change(c.record(c.slabs[i]));
      c.err(BackendError::SlabAgain, 0);
      const std::uintptr_t given = c.alloc_slab();
      EXPECT_EQ(given == c.slabs[1], changed == 1);
      EXPECT_EQ(c.refused, changed == 1 ? Invariant::M13 : Invariant::None);
      EXPECT_NE(given, c.slabs[0]);
    }
  }
  for (const bool is_damaged : {true, false}) {
    for (const bool has_owner : {true, false}) {
      Erring c{multi_page};
      (is_damaged ? c.record(c.slabs[0]).damaged : c.record(c.slabs[0]).set_aside) = true;
      c.err(BackendError::EntryWrong, 0);
      EXPECT_EQ(c.backend.err_about(c.record(c.slabs[1]), 78).reported, 0u);
      if (!has_owner) c.model.damage(c.slabs[0], InfoDamage::Part::Owner);  // nobody knows whose slab it is
      c.err(BackendError::SlabAgain, 0);
      EXPECT_EQ(c.alloc_slab(), has_owner ? c.slabs[0] : c.slabs[1]);
    }
  }
  Erring c{single_page};
  c.err(BackendError::SlabAgain, 0);
  c.context.may_err = false;
  EXPECT_TRUE(c.make_slab() > c.slabs[1]);
  c.context.may_err = true;
  c.backend.recover();
  EXPECT_TRUE(c.make_slab() > c.slabs[1]);
  for (const BackendError how : {BackendError::SlabInside, BackendError::EntryStale, BackendError::InfoAgain}) {
    c.err(how, 0);
    EXPECT_TRUE(c.make_slab() > c.slabs[1]) << "of a row without a map or with its SlabInfos in slabs";
  }
  EXPECT_FALSE(c.judgement.violated());
}

TEST(ErringBackend, IsNotToBeHeeded) {
  using Heeds = void (*)(Erring&);
  for (const Heeds heeds :
       std::initializer_list<Heeds>{[](Erring& c) { c.alloc_slab(); }, [](Erring& c) { c.alloc_info(); },
                                    [](Erring& c) { c.save(c.slabs[0], c.record(c.slabs[0]).info); },
                                    [](Erring& c) { c.free_slab(c.slabs[0]); }}) {
    Erring c{large};
    c.err(BackendError::SlabAgain, 0);
    EXPECT_EQ(c.alloc_slab(), c.slabs[0]);
    EXPECT_FALSE(c.judgement.violated());
    heeds(c);
    ASSERT_TRUE(c.judgement.violated());
    EXPECT_TRUE(c.judgement.violation()->invariant == Invariant::M13 &&
                c.judgement.violation()->cause == Cause::ErrorOfBackendHeeded);
  }
  Erring c{large};
  c.begin(Reserve);
  c.context.wanted = 1000;
  c.context.may_err = true;
  const std::uintptr_t made = c.alloc_slab(), info = c.alloc_info();
  c.err(BackendError::InfoAgain, 0);
  EXPECT_TRUE(c.alloc_slab());
  EXPECT_EQ(c.alloc_info(), c.record(c.slabs[0]).info);
  c.free_info(info);
  c.free_slab(made);
  EXPECT_FALSE(c.judgement.violated()) << "what it has of its own";
}

}  // namespace
}  // namespace slabproof

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
    EXPECT_FALSE(slab && c.alloc_info());
    EXPECT_EQ(c.context.refused, slab ? Invariant::B7 : Invariant::B15);
    if (slab) c.free_slab(slab);
    c.begin(Alloc);
    c.fail(call, FailureMode::Misaligned);
    const std::uintptr_t misaligned = c.alloc_slab(), info = c.alloc_info();
    EXPECT_EQ(misaligned % 128, call == FailingCall::AllocSlab ? 64u : 0u);
    EXPECT_EQ(info % 8, call == FailingCall::AllocSlab ? 0u : 4u);
    c.free_info(info);
    c.free_slab(misaligned);
    c.begin(Alloc);
    c.fail(call, FailureMode::Misaligned);
    EXPECT_EQ(c.alloc_slab(), misaligned) << "all of it came back";
    EXPECT_EQ(c.alloc_info(), info);
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
  EXPECT_EQ(c.context.refused, Invariant::B15);
  c.context.constructing = true;
  EXPECT_FALSE(c.backend.refuses_call()) << "only where construction may fail";
  c.context.may_fail_to_construct = true;
  EXPECT_TRUE(c.backend.refuses_call());
  c.begin(Alloc);
  c.backend.recover();
  EXPECT_FALSE(c.backend.refuses_call());
  EXPECT_EQ(c.context.refused, Invariant::None);
  c.begin(Alloc);
  const std::uint32_t before = c.backend.calls_that_may_fail();
  EXPECT_TRUE(c.make_slab());
  EXPECT_EQ(c.backend.calls_that_may_fail(), before + 6);  // slab, SlabInfo and four pages
}

TEST(RecordingBackend, ForgetsAnEarlierProgram) {
  Caller c{large};
  const std::uintptr_t slab = c.make_slab(), info = c.record(slab).info;
  c.record(slab).used = 1;
  c.context.cache_index = 1;
  c.begin(Alloc);
  c.context.cache_index = 1;
  EXPECT_TRUE(c.make_slab());
  EXPECT_TRUE(c.backend.take_memory(100, 64));
  EXPECT_EQ(c.backend.infos_of(1) + c.backend.memory_of(1), 2u);
  c.backend.err({.kind = OperationKind::Fault, .detail = static_cast<std::uint8_t>(BackendError::EntryLost)});
  EXPECT_EQ(c.backend.err_about(c.record(slab), 7).reported, 7u);
  c.fail(FailingCall::Any, FailureMode::Always);
  c.backend.err({.kind = OperationKind::Fault, .detail = static_cast<std::uint8_t>(BackendError::EntryStale)});
  c.backend.reset({});
  EXPECT_EQ(c.backend.infos_of(0) + c.backend.infos_of(1) + c.backend.memory_of(1), 0u);
  EXPECT_EQ(c.backend.memory().size() + c.backend.calls_that_may_fail(), 0u);
  c.begin(Alloc);
  c.context.may_err = true;
  EXPECT_EQ(c.make_slab(), slab);
  EXPECT_EQ(c.record(slab).info, info);
  c.begin(Free);
  c.context.freed = slab;
  EXPECT_EQ(c.get(slab), info);
  EXPECT_FALSE(c.judgement.violated());
  EXPECT_FALSE(c.backend.knows_page(slab - 128) || c.backend.knows_page(slab + Arena::slab_region));
  c.backend.reset({});
  c.begin(Alloc);
  c.context.cache_index = 1;
  c.alloc_info();
  EXPECT_TRUE(c.judgement.violated()) << "the other cache has no slab any more";
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
  EXPECT_EQ(address(c.backend.take_memory(100, 64)), memory) << "all of it came back";
  c.backend.give_memory(pointer(memory));
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
  EXPECT_EQ(c.calls, 8u);
  c.begin(Free);
  c.context.freed = slab;
  EXPECT_EQ(c.get(slab), 0u);
  called(BackendCall::GetSlabInfo, slab_at, 0, 0);
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
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].answer, c.relative(address(memory)));
  EXPECT_EQ(records[2].answer, 0u);
  EXPECT_FALSE(c.judgement.violated());
  call_log = nullptr;
}

}  // namespace
}  // namespace slabproof

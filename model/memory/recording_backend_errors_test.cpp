// How a backend errs where its program says so, and that nobody may heed it.
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "model/memory/recording_backend_caller.hpp"

namespace slabproof {
namespace {

using enum OperationKind;

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
      for (std::uint32_t i = 0; i < after; ++i) EXPECT_TRUE(c.make_slab());
      EventLog log = c.log;
      log.called(BackendCall::AllocSlab, 0, spec.slab_size, spec.page_size);
      log.backend_erred(c.relative(used), BackendError::SlabAgain);
      std::vector<CallRecord> records;
      call_log = &records;
      EXPECT_EQ(c.alloc_slab(), used);
      call_log = nullptr;
      EXPECT_TRUE(c.has_erred(BackendError::SlabAgain, used, reported, used, spec.slab_size, after)) << after;
      EXPECT_EQ(c.log, log);
      EXPECT_EQ(records.back().answer, c.relative(used));
      EXPECT_EQ(c.backend.slabs().size(), 2 + after);
      if (spec.row() != slab::Row::SmallSinglePage) {
        EXPECT_EQ(c.get(used), c.record(used).info);
      }
      EXPECT_TRUE(spec.row() == slab::Row::SmallSinglePage || c.backend.knows_page(used));
      c.begin(Alloc);
      c.context.may_err = true;
      EXPECT_TRUE(c.make_slab() > c.slabs[1]) << "once";
      EXPECT_FALSE(c.judgement.violated());
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
  c.free_slab(c.alloc_slab());
  EXPECT_TRUE(c.make_slab());
  EXPECT_TRUE(c.alloc_slab());
  const std::uintptr_t info = c.record(c.slabs[1]).info;
  EXPECT_EQ(c.alloc_info(), info);
  EXPECT_TRUE(c.has_erred(BackendError::InfoAgain, info, info, c.slabs[1], c.model.layout.slab_info_size, 1));
  EXPECT_EQ(c.backend.infos_of(0), 3u);
}

TEST(ErringBackend, HandsOutASlabWithAPageInTheMap) {
  for (const std::uint32_t after : {0u, 3u, 5u}) {
    Erring c{multi_page};
    c.err(BackendError::EntryStale, after);
    for (std::uint32_t i = 0; i < after; ++i) EXPECT_TRUE(c.make_slab());
    const std::uintptr_t slab = c.alloc_slab(), page = slab + 128 * (after % 4);
    EXPECT_TRUE(c.has_erred(BackendError::EntryStale, slab, slab, 0, 512, after, 128 * (after % 4))) << after;
    EXPECT_EQ(c.backend.slab_region().untouched(), slab + 512);
    for (std::uintptr_t at = slab; at < slab + 512; at += 128) EXPECT_EQ(c.backend.knows_page(at), at == page);
    EXPECT_EQ(c.get(after == 0 ? slab + 128 : slab), 0u);
    EXPECT_EQ(c.get(page), slab);
    EXPECT_FALSE(c.backend.knows_page(page));
    EXPECT_FALSE(c.judgement.violated());
    c.begin(Alloc);
    EXPECT_EQ(c.alloc_slab(), slab) << "it is the backend's again";
    c.backend.reset({});
    c.begin(Alloc);
    c.context.may_err = true;
    c.err(BackendError::EntryStale, 0);
    const std::uintptr_t stale = c.alloc_slab();
    EXPECT_TRUE(c.backend.knows_page(stale));
    c.backend.reset({});
    EXPECT_FALSE(c.backend.knows_page(stale));
  }
}

TEST(ErringBackend, AnswersWrongWhenAPageIsLookedUp) {
  Erring c{multi_page};
  c.begin(Free);
  c.context.freed = c.slabs[0] + 100;
  EXPECT_EQ(c.backend.err_about(c.record(c.slabs[0]), 77).reported, 0u);
  c.err(BackendError::EntryWrong, 0);
  EXPECT_EQ(c.backend.err_about(c.record(c.slabs[0]), 76).reported, 76u);
  EXPECT_EQ(c.get(c.slabs[0]), c.info_in(c.slabs[1]));
  c.begin(Free);
  c.context.freed = c.slabs[0] + 100;
  c.err(BackendError::EntryLost, 0);
  const Erred lost = c.backend.err_about(c.record(c.slabs[0]), 77);
  EXPECT_TRUE(lost.how == BackendError::EntryLost && lost.reported == 77 && lost.slab == 0 &&
              lost.given + lost.size == 0);
  EXPECT_EQ(c.backend.err_about(c.record(c.slabs[0]), 77).reported, 0u) << "once";
  EXPECT_EQ(c.get(c.slabs[0]), 0u);
  c.begin(Free);
  c.context.freed = c.slabs[0] + 100;
  EXPECT_EQ(c.get(c.slabs[0]), c.info_in(c.slabs[0])) << "once";
  c.err(BackendError::EntryWrong, 5);
  const Erred wrong = c.backend.err_about(c.record(c.slabs[1]), 78);
  EXPECT_EQ(wrong.reported, 0u) << "five look-ups are let be";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(c.backend.err_about(c.record(c.slabs[1]), 78).reported, 0u);
  const Erred of_other = c.backend.err_about(c.record(c.slabs[1]), 78);
  EXPECT_TRUE(of_other.how == BackendError::EntryWrong && of_other.reported == 78 && of_other.slab == c.slabs[0] &&
              of_other.given + of_other.size == 0);
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

TEST(ErringBackend, ErrsOnlyWhereItCan) {
  CacheSpec of_one_page = large;
  of_one_page.page_size = of_one_page.slab_size;
  {
    Erring c{of_one_page};
    c.err(BackendError::SlabInside, 0);
    EXPECT_TRUE(c.make_slab() > c.slabs[1]);
    EXPECT_EQ(c.refused, Invariant::None);
  }
  Erring c{large};
  for (const std::uintptr_t slab : c.slabs) c.record(slab).used = 0;
  c.err(BackendError::InfoAgain, 0);
  EXPECT_TRUE(c.make_slab() > c.slabs[1]);
  c.record(c.slabs[0]).used = 1;
  c.context.may_err = false;
  EXPECT_TRUE(c.make_slab() > c.slabs[1]);
  c.context.may_err = true;
  c.fail(FailingCall::AllocSlabInfo);
  EXPECT_TRUE(c.alloc_slab());
  EXPECT_FALSE(c.alloc_info());
  EXPECT_EQ(c.refused, Invariant::B7) << "it fails before it errs";
  EXPECT_EQ(c.alloc_info(), c.record(c.slabs[0]).info);
  c.begin(Alloc);
  c.context.may_err = true;
  c.err(BackendError::SlabAgain, 0);
  c.fail(FailingCall::AllocSlab);
  EXPECT_FALSE(c.alloc_slab());
  EXPECT_EQ(c.refused, Invariant::B15);
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
  c.free_info(c.record(c.slabs[0]).info);
  ASSERT_TRUE(c.judgement.violated());
  EXPECT_EQ(c.judgement.violation()->invariant, Invariant::M13);
}

}  // namespace
}  // namespace slabproof

// The members that the harness knows are all that changes in a cache.
#include "model/subject/inspector.hpp"

#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "model/judge/runner.hpp"
#include "model/memory/address.hpp"
#include "model/program/policy_kind.hpp"
#include "model/program/static_caches.hpp"

namespace slabproof {
namespace {

std::string bytes_of(const Runner& runner) {
  return {static_cast<const char*>(pointer(runner.arena().cache(0))), runner.subject(0)->size()};
}

void expect_all_known(const CacheSpec& spec) {
  Setup setup;
  setup.cache_count = 1;
  setup.caches[0] = spec;
  Runner runner;
  ASSERT_TRUE(runner.start(setup));
  const CacheMembers first_members = runner.subject(0)->members();
  const GuardMembers first_guards = runner.subject(0)->guard_members();
  const std::string first_bytes = bytes_of(runner);
  // Slabs on every list: a full one, partial ones, an empty one.
  const std::uint32_t objects = 3 * static_cast<std::uint32_t>(runner.cache_model(0).layout.objects_per_slab);
  for (std::uint32_t i = 0; i < objects; ++i) ASSERT_TRUE(runner.step({.object = i}));
  for (std::uint32_t i = 0; i < objects / 2; ++i)
    ASSERT_TRUE(runner.step({.kind = OperationKind::Free, .object = objects - 1 - i}));
  ASSERT_TRUE(runner.step({.kind = OperationKind::Reserve, .argument = objects}));
  const CacheMembers members = runner.subject(0)->members();
  const GuardMembers guards = runner.subject(0)->guard_members();
  const std::string bytes = bytes_of(runner);
  ASSERT_NE(bytes, first_bytes);
  runner.subject(0)->set_members(first_members);
  runner.subject(0)->set_guard_members(first_guards);
  EXPECT_EQ(bytes_of(runner), first_bytes);
  runner.subject(0)->set_members(members);
  runner.subject(0)->set_guard_members(guards);
  EXPECT_EQ(bytes_of(runner), bytes);
  EXPECT_TRUE(runner.finish()) << runner.verdict().sentence();
}

TEST(Inspector, KnowsAllThatChangesInACache) {
  for (const auto row : {slab::Row::SmallSinglePage, slab::Row::SmallMultiPage, slab::Row::Large})
    for (const bool is_static : {false, true})
      for (const bool checks : {false, true}) {
        const StaticGeometry geometry = static_geometry(row, 0);
        CacheSpec spec;
        spec.type = row == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
        spec.slab_size = static_cast<std::uint32_t>(geometry.slab_size);
        spec.page_size = static_cast<std::uint32_t>(geometry.page_size);
        spec.object_size = static_cast<std::uint32_t>(geometry.object_size);
        spec.object_align = static_cast<std::uint32_t>(geometry.object_align);
        spec.is_static = is_static;
        spec.checks = checks;
        SCOPED_TRACE(std::string{slab::to_string(row)} + (is_static ? ", Cache" : ", DynamicCache"));
        expect_all_known(spec);
        if (!checks || is_static) continue;
        if (row == slab::Row::Large) spec.slab_size *= 4;  // an object fills the slab, and guards take room
        for (const Named<PolicyKind>& policy : policy_kinds) {
          SCOPED_TRACE(policy.name);
          spec.guards = policy.value.guards;
          expect_all_known(spec);
        }
      }
}

/// A Checked cache with a full slab, a current one with a freed slot and one that was never used, and an empty slab.
class AuditTest : public testing::Test {
 protected:
  void SetUp() override {
    struct Setup setup;
    setup.cache_count = 1;
    setup.caches[0] = {.slab_size = 128, .page_size = 128, .object_size = 16};  // 3 objects a slab
    ASSERT_TRUE(runner_.start(setup));
    for (std::uint32_t i = 0; i < 5; ++i) ASSERT_TRUE(runner_.step({.object = i}));
    ASSERT_TRUE(runner_.step({.kind = OperationKind::Free, .object = 3}));
    ASSERT_TRUE(runner_.step({.kind = OperationKind::Reserve, .argument = 3}));
    members_ = subject().members();
    ASSERT_EQ(members_.slots, (SlotsMembers{0, 1, 2}));
    ASSERT_NE(members_.empty_front, 0u);
  }
  void TearDown() override {
    subject().set_members(members_);
    EXPECT_EQ(subject().audit(), Invariant::None);
  }
  [[nodiscard]] AnySubject& subject() { return *runner_.subject(0); }
  [[nodiscard]] Invariant audit_of(const CacheMembers& members) {
    subject().set_members(members);
    return subject().audit();
  }
  static void change_info(std::uintptr_t info, const SlabInfoMembers& members) {
    slab::Inspector::set_info_at(info, true, members);
  }

  Runner runner_;
  CacheMembers members_;
};

TEST_F(AuditTest, SeesThatMoreMayGoBackThanThePolicySays) {
  CacheMembers members = members_;
  members.kept_slabs = 0;
  EXPECT_EQ(audit_of(members), Invariant::L6);
}

TEST_F(AuditTest, SeesWhereAListOfAllSlabsEnds) {
  CacheMembers members = members_;
  members.all_back = members.all_front;
  EXPECT_EQ(audit_of(members), Invariant::L2);
}

TEST_F(AuditTest, SeesAListOfAllSlabsThatNeverEnds) {
  const SlabInfoMembers last = slab::Inspector::info_at(members_.all_back, true);
  SlabInfoMembers info = last;
  info.next_slab = members_.all_front;
  change_info(members_.all_back, info);
  EXPECT_EQ(subject().audit(), Invariant::L2);
  change_info(members_.all_back, last);
}

TEST_F(AuditTest, SeesAFreeListThatEndsAtASlotNeverUsed) {
  auto& entry = *static_cast<std::uint8_t*>(pointer(members_.table));  // of the slot that is free
  ASSERT_EQ(entry, slab::detail::no_slot(1));
  for (const int wrong : {2, 3, 200}) {
    entry = static_cast<std::uint8_t>(wrong);
    EXPECT_EQ(subject().audit(), Invariant::L3) << wrong;
  }
  entry = slab::detail::no_slot(1);
}

TEST_F(AuditTest, SeesASlabOnAListThatTheCacheHasNot) {
  // A SlabInfo like that of the empty slab, which lies elsewhere.
  slab::SlabInfo other;
  CacheMembers members = members_;
  members.empty_front = address(&other);
  change_info(address(&other), slab::Inspector::info_at(members_.empty_front, true));
  EXPECT_EQ(audit_of(members), Invariant::L1);
}

TEST_F(AuditTest, SeesACurrentSlabThatTheCacheHasNot) {
  // The same of the current slab. Its SlabInfo lies at the end of a slab, of which the cache makes the base.
  struct alignas(128) {
    std::byte slots[64];
    slab::SlabInfo info;
  } other;
  CacheMembers members = members_;
  members.slab_info = address(&other.info);
  SlabInfoMembers info = slab::Inspector::info_at(members_.slab_info, true);
  members.slab = info.slab = address(&other);
  members.table = address(&other.info) - 8;
  change_info(address(&other.info), info);
  EXPECT_EQ(audit_of(members), Invariant::L2);
}

TEST_F(AuditTest, SeesFreeSlotsOfNoCurrentSlab) {
  CacheMembers members = members_;
  members.slab_info = 0;
  members.slab = std::uintptr_t{1} << 63;
  members.table = 0;
  EXPECT_EQ(audit_of(members), Invariant::L3);
  members.slots = {slab::detail::no_slot(1), 3, 0};
  EXPECT_NE(audit_of(members), Invariant::L3);
  members.table = members_.table;
  EXPECT_EQ(audit_of(members), Invariant::L8);
}

TEST(Inspector, ReadsASlabInfoAsItWasWritten) {
  for (const bool checks : {false, true}) {
    slab::SlabInfo written;
    slab::Inspector::set_info_at(address(&written), checks, {{1, 2, 3}, 4, 5, 6, 7, 8, 9});
    const SlabInfoMembers info = slab::Inspector::info_at(address(&written), checks);
    EXPECT_EQ(info.slots, (SlotsMembers{1, 2, 3}));
    EXPECT_EQ(checks ? written.tabled.slots.carved : written.linked.carved, 3u);
    EXPECT_EQ(info.owner, 4u);
    EXPECT_EQ(info.slab, 5u);
    EXPECT_EQ(info.next, 6u);
    EXPECT_EQ(info.previous, 7u);
    EXPECT_EQ(info.next_slab, 8u);
    EXPECT_EQ(info.previous_slab, 9u);
    EXPECT_EQ(address(written.previous_slab), 9u);
  }
}

}  // namespace
}  // namespace slabproof

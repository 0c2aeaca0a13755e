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

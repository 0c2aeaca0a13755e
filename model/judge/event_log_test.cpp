// The event log of a program is the same wherever, whenever and after whatever it runs.
#include "model/execution/event_log.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "model/judge/runner.hpp"
#include "model/program/codec.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/static_caches.hpp"
#include "model/program/trace.hpp"
#include "model/subject/slab_subject.hpp"

namespace slabproof {
namespace {

constexpr std::uint64_t programs = 200;

Program random_program(std::uint64_t seed) { return decode(random_bytes(seed, 400)); }

EventLog log_of(Runner& runner, const Program& program) {
  const Verdict verdict = runner.run(program);
  EXPECT_TRUE(verdict.agreed()) << verdict.sentence() << "\n" << to_text(program);
  return runner.log();
}

std::vector<EventLog> logs_at(std::uintptr_t base) {
  std::vector<EventLog> logs;
  Runner runner{make_slab_subject, base};
  for (std::uint64_t seed = 0; seed < programs; ++seed) logs.push_back(log_of(runner, random_program(seed)));
  return logs;
}

TEST(EventLog, IsTheSameFirstAndTwice) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Program program = random_program(seed);
    Runner runner;
    const EventLog first = log_of(runner, program);
    EXPECT_GT(first.count(), 0u);
    EXPECT_EQ(log_of(runner, program), first) << to_text(program);
  }
}

TEST(EventLog, IsTheSameAfterAThousandOtherPrograms) {
  Runner runner;
  std::vector<EventLog> first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) first.push_back(log_of(runner, random_program(seed)));
  for (std::uint64_t seed = 1000; seed < 2000; ++seed) (void)log_of(runner, random_program(seed));
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_EQ(log_of(runner, random_program(seed)), first[seed]) << "seed " << seed;
}

TEST(EventLog, IsTheSameAtEveryArenaBase) {
  const std::vector<EventLog> at_default = logs_at(Arena::default_base);
  EXPECT_EQ(logs_at(0x3000'0000'0000), at_default);
  EXPECT_EQ(logs_at(0x2100'0123'4000), at_default) << "a base that is aligned to a page only";
}

TEST(EventLog, IsTheSameForCacheAndDynamicCache) {
  Runner runner;
  bool seen[3][static_geometries_per_row] = {};
  for (std::uint64_t seed = 0; seed < programs; ++seed) {
    std::vector<std::uint8_t> bytes = random_bytes(seed, 400);
    for (const std::size_t options : {std::size_t{9}, std::size_t{17}})
      bytes[options] = (bytes[options] & 0x0F) | 8;  // both caches of model/program/static_caches.hpp
    Program program = decode(bytes);
    const CacheSpec& spec = program.setup.caches[0];
    ASSERT_TRUE(spec.is_static);
    for (std::size_t i = 0; i < static_geometries_per_row; ++i) {
      const StaticGeometry& geometry = static_geometry(spec.row(), i);
      if (geometry.slab_size == spec.slab_size && geometry.object_size == spec.object_size)
        seen[static_cast<std::size_t>(spec.row())][i] = true;
    }
    const EventLog fixed = log_of(runner, program);
    for (CacheSpec& cache : program.setup.caches) cache.is_static = false;
    EXPECT_EQ(log_of(runner, program), fixed) << to_text(program);
  }
  for (const auto& row : seen) EXPECT_TRUE(std::all_of(std::begin(row), std::end(row), [](bool is) { return is; }));
}

TEST(AbstractStates, AreCountedOnceEach) {
  Runner runner;
  (void)log_of(runner, random_program(1));
  const std::uint64_t first = runner.states();
  EXPECT_GT(first, 0u);
  (void)log_of(runner, random_program(1));
  EXPECT_EQ(runner.states(), first) << "the same program passes through the same states";
  for (std::uint64_t seed = 2; seed < 50; ++seed) (void)log_of(runner, random_program(seed));
  EXPECT_GT(runner.states(), 2 * first);
}

TEST(EventLog, DiffersBetweenPrograms) {
  std::set<std::uint64_t> digests;
  for (const EventLog& log : logs_at(Arena::default_base)) digests.insert(log.digest());
  EXPECT_GT(digests.size(), programs * 3 / 4) << "a swarm mask without alloc leaves little to log";
}

}  // namespace
}  // namespace slabproof

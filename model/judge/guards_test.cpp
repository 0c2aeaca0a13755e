// Random programs agree under each policy with guards, in each row, and show what the guards are for.
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "model/judge/runner.hpp"
#include "model/program/decoder.hpp"
#include "model/program/random_bytes.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

/// What programs came to.
struct Seen {
  std::size_t writes_behind = 0, writes_after_free = 0;  // that were reported
  std::size_t quarantined = 0;  // steps after which something was in quarantine
  std::size_t last_resorts = 0;  // allocations that had to take the oldest of it
};

void run(Runner& runner, const std::vector<std::uint8_t>& bytes, Seen& seen) {
  Decoder decoder{bytes.data(), bytes.size()};
  ASSERT_TRUE(runner.start(decoder.setup()));
  for (Operation operation; decoder.next(operation);) {
    const std::size_t before = runner.cache_model(0).quarantine().size();
    const bool goes_on = runner.step(operation);
    ASSERT_TRUE(goes_on) << runner.verdict().sentence() << "\n" << to_text(decoder.setup()) << to_text(operation);
    const std::size_t after = runner.cache_model(0).quarantine().size();
    seen.quarantined += after > 0;
    seen.last_resorts += makes_object(operation.kind) && after < before;
    if (runner.due_change().size != 0) ++(makes_object(operation.kind) ? seen.writes_after_free : seen.writes_behind);
  }
  ASSERT_TRUE(runner.finish()) << runner.verdict().sentence() << "\n" << to_text(decoder.setup());
}

TEST(Guards, OfAllPoliciesAgreeWithTheModel) {
  Runner runner;
  for (const format::GuardedOptions& options : format::guarded_options) {
    Seen seen;
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      std::vector<std::uint8_t> bytes = random_bytes(seed + 7000, 400);
      bytes[format::swarm_at] = bytes[format::swarm_at + 1] = 0;
      bytes[format::cache_at(0) + format::row_at] = static_cast<std::uint8_t>(seed % 3);
      bytes[format::cache_at(0) + format::options_at] = options.byte;
      bytes[format::cache_at(0) + format::objects_at] |= 1;  // few objects a slab
      for (std::size_t i = 0; format::header_size + i * format::record_size < bytes.size(); i += 5)
        bytes[format::header_size + i * format::record_size] =
            facts_of(i % 2 == 0 ? OperationKind::WriteFreed : OperationKind::WriteBehind).opcodes.first;
      run(runner, bytes, seen);
      if (HasFatalFailure()) return;
    }
    CacheSpec spec;
    spec.guards = options.guards;
    SCOPED_TRACE(name_of_policy(spec));
    const GuardFacts guards = facts_of(options.guards);
    EXPECT_EQ(seen.writes_behind > 5, guards.red_zone_bytes != 0) << seen.writes_behind;
    EXPECT_EQ(seen.writes_after_free > 5, guards.verify_pattern) << seen.writes_after_free;
    EXPECT_EQ(seen.quarantined > 100, guards.quarantine_objects != 0) << seen.quarantined;
    EXPECT_EQ(seen.last_resorts > 5, guards.quarantine_objects != 0) << seen.last_resorts;
  }
}

}  // namespace
}  // namespace slabproof

// The checks of any allocator between operations: contents, audit(), returned memory; and their budget.
#include <string>

#include "model/judge/any/any_runner.hpp"
#include "model/memory/contents.hpp"

namespace slabproof {
namespace {

// Used in more than one place.
constexpr Expectation untouched_objects{Invariant::G12, Cause::WrittenWhileLive, "no byte of a live object written"};

}  // namespace

bool AnyRunner::check() {
  check_contents();
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) check_audit(i);
  check_returned();
  return !violated();
}

void AnyRunner::check_returned() {
  for (std::uint8_t i = 0; i < setup_.backend_count && !violated(); ++i)
    if (backends_[i].slab_region().find_written() || backends_[i].info_region().find_written())
      violate(Invariant::B19, Cause::WrittenAfterReturn, "nothing written to memory that was given back", "a write");
}

bool AnyRunner::may_spend(std::size_t cost) {
  if (cost <= budget_) return budget_ -= cost, true;
  budget_ended_at_ = step_;
  if (mark_) mark_->budget_ended_at = step_;
  return false;
}

std::size_t AnyRunner::cost_of_check() const {
  std::size_t cost = live_.size() + 1;
  for (std::uint8_t i = 0; i < setup_.cache_count; ++i) cost += cost_of_audit(i);
  for (std::uint8_t i = 0; i < setup_.backend_count; ++i)
    cost += (backends_[i].slab_region().touched_bytes() + backends_[i].info_region().touched_bytes()) / 1024;
  return cost;
}

void AnyRunner::check_contents(Look look) {
  expect(untouched_objects);
  for (std::size_t i = 0; i < live_.size() && !violated(); ++i) check_contents(live_[i], look);
}

void AnyRunner::check_contents(std::uint32_t ordinal, Look look) {
  const Object& object = objects_[ordinal];
  expect(untouched_objects);
  const auto at = find_damage(object.address, object.size, ordinal, contents_, look);
  if (at >= 0) violate_expected(name_of_object(ordinal) + " changed at offset " + std::to_string(at));
}

void AnyRunner::check_audit(std::uint8_t cache) {
  if (violated()) return;
  expect({Invariant::OfAudit, Cause::AuditFailed, "audit() to hold"});
  if (const Invariant failed = subjects_[cache]->audit(); failed != Invariant::None)
    violate(failed, Cause::AuditFailed, expected_.words, "it fails");
}

}  // namespace slabproof

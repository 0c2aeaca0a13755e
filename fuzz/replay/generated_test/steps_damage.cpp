// What writes where it may not: to a SlabInfo, a free slot or a red zone.
#include <algorithm>
#include <iterator>

#include "fuzz/replay/generated_test/steps.hpp"

namespace slabproof {

using enum Invariant;

void TestSteps::write_astray(const Operation& o, std::size_t c) {
  const StrayWrite write = stray_write_of(o, plan_.setup.caches[c], 0, 0);
  if (write.is_behind_object) written_behind_[o.object][write.offset] = write.value;
  body_.line("write_astray(" + plan_.object(o.object) + " + " + number(write.offset) + ", " + hex(write.value) + ");");
}

void TestSteps::free_written(const TestStep& step, std::size_t c) {
  const std::map<std::size_t, std::uint8_t>& written = written_behind_.at(step.operation.object);
  const std::size_t first = written.begin()->first;
  Change change{first, written.rbegin()->first + 1 - first, {}};
  std::fill(std::begin(change.found), std::end(change.found), GuardFacts::red_zone);
  for (const auto& [offset, value] : written)
    if (offset - first < std::size(change.found)) change.found[offset - first] = value;
  const std::string object = plan_.object(step.operation.object);
  for (int times = 2; times > 0; --times) {
    const bool judges = plan_.agrees || (step.is_failing && plan_.id == M15);
    if (judges) body_.line("reports.clear();");
    body_.line(plan_.cache(c) + "free(" + plan_.given(c, object) + ");");
    if (judges) expectations_.check_change(change, slab::Misuse::WriteBeyondObject, object);
  }
  for (const auto& [offset, value] : written)
    body_.line("write_astray(" + object + " + " + number(offset) + ", " + hex(GuardFacts::red_zone) + ");");
  written_behind_.erase(step.operation.object);
}

void TestSteps::corrupt(const TestStep& step, std::size_t c) {
  const std::string slot = plan_.object(step.operation.object), n = number(step.index);
  body_.line("write_to(" + slot + ", " + plan_.stray(step.index) + ");");
  body_.line("void* const taken_" + n + " = " + plan_.cache(c) + "alloc_no_grow();");
  if (step.is_failing || plan_.agrees)
    body_.line("EXPECT_NE(taken_" + n + ", nullptr) << \"what was written to a freed object matters\";");
  body_.line(plan_.cache(c) + "free(" + plan_.given(c, "taken_" + n) + ");");
}

std::string TestSteps::info_of(std::size_t c, std::uint32_t ordinal) const {
  const CacheSpec& spec = plan_.setup.caches[c];
  const std::string backend = plan_.backend_of(c) + ".", of_object = "(" + plan_.object(ordinal) + ")";
  if (spec.type == slab::ObjectSizeType::Small)
    return backend + "slab_of" + of_object + " + " + number(spec.slab_size - InfoDamage::bytes);
  return "reinterpret_cast<std::byte*>(" + backend + "info_of" + of_object + ")";
}

void TestSteps::damage(const TestStep& step, std::size_t c) {
  const Operation& o = step.operation;
  const InfoDamage damage = o.damage();
  const std::uint32_t other = plan_.recording.damages[step.index].other;
  const std::string info = plan_.info(plan_.program.operations[step.index]), byte = number(damage.byte),
                    old = info + "[" + byte + "]";
  body_.line("std::byte* const " + info + " = " + info_of(c, o.object) + ";");
  body_.line("write_byte(" + info + " + " + byte + ", " +
             (damage.value == InfoDamage::zero   ? "std::byte{0}"
              : damage.value == InfoDamage::ones ? "std::byte{0xFF}"
              : damage.value < InfoDamage::copied
                  ? old + " ^ std::byte{" + number(std::size_t{1} << (damage.value - InfoDamage::first_flip)) + "}"
              : other == no_ordinal ? old
                                    : "(" + info_of(c, other) + ")[" + byte + "]") +
             ");");
}

// What must hold of a slab that was damaged before the failing step: inside backend calls, and when it is over.
void TestSteps::watch_damaged(const TestStep& step, std::size_t c) {
  const Operation* const damage = plan_.damaged_before(step, c);
  if (!damage) return;
  if (plan_.is(M14, Cause::DamagedSlabReturned))
    body_.line("std::byte* const kept" + plan_.suffix(c) + " = " + plan_.backend_of(c) + ".slab_of(" +
               plan_.object(damage->object) + ");");
  if (plan_.id != B16) return;
  const std::vector<DamageOfStep>& damages = plan_.recording.damages;
  const std::size_t before = std::min(step.index, damages.size()) - 1;
  body_.line("reports.clear();");
  body_.line(plan_.backend_of(c) + ".on_call = [&] { EXPECT_TRUE(" + plan_.cache(c) + "audit()" +
             (damages[before].is_pending[c] ? " || reports.empty()" : "") + "); };");
}

void TestSteps::check_kept(std::size_t c) {
  if (plan_.is(M14, Cause::DamagedSlabReturned))
    body_.line("EXPECT_TRUE(" + plan_.backend_of(c) + ".slabs.contains(kept" + plan_.suffix(c) +
               ")) << \"a damaged slab\";");
}

void TestSteps::judge_damage(const TestStep& step, std::size_t c) {
  const Runner::Found& found = plan_.recording.damages[step.index].found;
  for (const auto& [ordinal, of_cache] : body_.live)
    if (const auto object = plan_.recording.objects.find(ordinal);
        object != plan_.recording.objects.end() && object->second.address - found.slab < found.size)
      body_.set_aside.push_back(ordinal);
  if (!plan_.judges_damage(step, c)) return;
  body_.line(step.operation.kind == OperationKind::Destroy ? "ASSERT_FALSE(reports.empty());"
                                                           : "ASSERT_EQ(reports.size(), 1u);");
  body_.line("EXPECT_EQ(reports[0].kind, slab::Misuse::CorruptedSlabInfo);");
  body_.expect_equal("reports[0].pointer", plan_.info(*plan_.found_in(step, c)));
  if (step.operation.kind == OperationKind::Destroy) body_.line("reports.erase(reports.begin());");
}

}  // namespace slabproof

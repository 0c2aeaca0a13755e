#include "fuzz/replay/generated_test/expectations.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "model/judge/slab/cache_model.hpp"

namespace slabproof {

using enum Invariant;

void TestExpectations::check_construction() {
  for (std::size_t c = 0; c < plan_.setup.cache_count; ++c) {
    const Layout right = plan_.layout(c);
    const std::string geometry = plan_.cache(c) + "geometry().";
    if (family_of(plan_.id) == 'G') {
      body_.expect_equal(geometry + "stride()", number(right.stride) + "u");
      body_.expect_equal(geometry + "objects_per_slab()", number(right.objects_per_slab) + "u");
      body_.expect_equal(geometry + "slab_info_size()", number(right.slab_info_size) + "u");
      body_.expect_equal(geometry + "slab_info_offset()", number(right.slab_info_offset) + "u");
    }
    check_inside(c);
  }
  if (plan_.id == B17) body_.expect_equal(plan_.backend_name(0) + ".calls", "0");
}

void TestExpectations::check_inside(std::size_t c) {
  if (plan_.is({L11, L12}))
    body_.line((plan_.cause == Cause::Overlooked ? "EXPECT_FALSE(" : "EXPECT_TRUE(") + plan_.cache(c) + "audit());");
  if (plan_.is({L1, L2, L3, L8}) || plan_.is(L6, Cause::AuditFailed))
    body_.line("EXPECT_TRUE(" + plan_.cache(c) + "audit());");
  if (plan_.is({S1, S2, S3}) || plan_.is(B15, Cause::ChangedByFailure)) {
    const slab::CacheStatistics& right = plan_.recording.after.statistics[c];
    const std::string statistics = plan_.cache(c) + "statistics().";
    if (plan_.id == S2) {
      body_.expect_equal(statistics + "full_slabs", number(right.full_slabs) + "u");
      body_.expect_equal(statistics + "partial_slabs", number(right.partial_slabs) + "u");
      body_.expect_equal(statistics + "empty_slabs", number(right.empty_slabs) + "u");
      if (plan_.damages) body_.expect_equal(statistics + "set_aside_slabs", number(right.set_aside_slabs) + "u");
    }
    if (plan_.is({S3, B15}))
      body_.expect_equal(statistics + "allocated_objects", number(right.allocated_objects) + "u");
    if (plan_.is({S1, B15})) body_.expect_equal(statistics + "free_objects", number(right.free_objects) + "u");
  }
  if (plan_.id == G12)
    for (const auto& [ordinal, c_of] : body_.live) check_contents(ordinal, c_of);
  check_untouched();
}

void TestExpectations::check_untouched() {
  for (std::size_t b = 0; plan_.id == B19 && b < plan_.setup.backend_count; ++b)
    body_.line("EXPECT_TRUE(" + plan_.backend_name(b) + ".slab_memory.is_untouched());");
}

void TestExpectations::check_contents(std::uint32_t ordinal, std::size_t c) {
  body_.line("EXPECT_TRUE(holds(" + plan_.object(ordinal) + ", " + number(plan_.setup.caches[c].object_size) + ", " +
             number(ordinal % 255 + 1) + "));");
}

// How many slabs a correct cache's backend has handed out after the failing operation.
std::size_t TestExpectations::right_slabs(const Operation& o, std::size_t c) const {
  const Snapshot& before = body_.before;
  const std::size_t per_slab = plan_.layout(c).objects_per_slab, free_objects = before.statistics[c].free_objects;
  const auto on_backend =
      static_cast<std::size_t>(std::count_if(before.slabs.begin(), before.slabs.end(), [&](const auto& slab) {
        return slab.backend == plan_.setup.caches[c].backend;
      }));
  const std::size_t used = on_backend - empty_slabs(c);
  std::size_t empty = empty_slabs(c);
  if (plan_.refused()) return on_backend;
  switch (o.kind) {
    case OperationKind::Alloc: return on_backend + (free_objects == 0);
    case OperationKind::Free: {
      const std::uintptr_t address = body_.leaving_after(plan_.recording.objects.at(o.object).address, c);
      const bool empties = std::any_of(before.slabs.begin(), before.slabs.end(), [&](const auto& slab) {
        return slab.used == 1 && address - slab.base < slab.size;
      });
      empty += empties;
      return used - empties + std::min(empty, before.kept_slabs[c]);
    }
    case OperationKind::Reserve: {
      if (plan_.refuses_reserve()) return on_backend;
      if (o.argument > free_objects) empty += (o.argument - free_objects + per_slab - 1) / per_slab;
      return used + std::min(empty, std::max<std::size_t>(plan_.setup.caches[c].empty_slabs_kept,
                                                          (o.argument + per_slab - 1) / per_slab));
    }
    case OperationKind::Shrink:
    case OperationKind::Destroy: return on_backend - slabs_to_shrink(c);
    case OperationKind::AllocNoGrow:
    case OperationKind::FreeNull:
    case OperationKind::Fail:
    case OperationKind::Recover:
    case OperationKind::DoubleFree:
    case OperationKind::FreeInterior:
    case OperationKind::FreeSlabInfo:
    case OperationKind::FreeTailWaste:
    case OperationKind::FreeForeign:
    case OperationKind::FreeThroughOther:
    case OperationKind::FreeNeverAllocated:
    case OperationKind::CorruptLink:
    case OperationKind::Reenter:
    case OperationKind::CallOnMisuse:
    case OperationKind::Fault:
    case OperationKind::DamageInfo:
    case OperationKind::WriteBehind:
    case OperationKind::WriteFreed:
    case OperationKind::Statistics:
    case OperationKind::Allocate:
    case OperationKind::AllocateZeroed:
    case OperationKind::Reallocate:
    case OperationKind::UsableSize:
    case OperationKind::FreeWrongSize: return on_backend;
  }
  return on_backend;
}

void TestExpectations::prepare(const TestStep& step, std::size_t c) {
  if (plan_.reports && plan_.judges_misuse(step)) body_.line("reports.clear();");
  if (plan_.counts_calls()) body_.line("const int calls = " + plan_.backend_of(c) + ".calls;");
  if (plan_.id == B2) body_.line("const int slabs_asked_for = " + plan_.backend_of(c) + ".slabs_asked_for;");
  if (plan_.id == B11) body_.line(plan_.backend_of(c) + ".lookups = 0;");
  if (plan_.id == G12) check_inside(c);
  if (plan_.is(L6, Cause::CurrentSlabReturned))
    for (const auto& slab : body_.before.slabs)
      if (slab.current && slab.cache == c)
        body_.line("std::byte* const current = " + plan_.backend_of(c) + ".slab_of(" + body_.somebody_in(slab) + ");");
  if (plan_.judges_misuse(step) && plan_.is_misuse(step.operation) && !plan_.answer_in(step))
    body_.line("const slab::CacheStatistics before_" + number(step.index) + " = " + plan_.cache(c) + "statistics();");
}

void TestExpectations::check(const TestStep& step, std::size_t c) {
  const Operation& o = step.operation;
  const std::string backend = plan_.backend_of(c), made = plan_.object(o.object);
  const bool allocates = makes_object(o.kind);
  if (plan_.verdict.kind != Verdict::Kind::Violated) {
    if (plan_.judges_misuse(step)) check_reports(step, c);
    return;
  }
  if (allocates && plan_.refused()) body_.expect_equal(made, "nullptr");
  if (allocates && !plan_.refused() &&
      (plan_.is(B15, Cause::RefusedWithoutFailure) || plan_.is(B20, Cause::NullWithFreeObjects)))
    body_.line("EXPECT_NE(" + made + ", nullptr);");
  if (plan_.counts_calls()) body_.expect_equal(backend + ".calls", "calls");
  if (plan_.id == B2)
    body_.expect_equal(backend + ".slabs_asked_for - slabs_asked_for",
                       body_.before.statistics[c].free_objects == 0 ? "1" : "0");
  if (plan_.is(B20, Cause::WrongCount)) {
    const std::size_t free = body_.before.statistics[c].free_objects, per_slab = plan_.layout(c).objects_per_slab;
    body_.expect_equal(backend + ".slabs_asked_about", number((o.argument - free + per_slab - 1) / per_slab) + "u");
  }
  if (plan_.id == B11) body_.line("EXPECT_LE(" + backend + ".lookups, 1);");
  if (plan_.is({G2, B6, B7, B8, B15, L6, L7, B18, M9}) || (plan_.id == B20 && o.kind == OperationKind::Reserve) ||
      plan_.is(M13, Cause::SlabKeptAfterFailure) || (plan_.id == G8 && !allocates))
    body_.expect_equal(backend + ".slabs.size()", number(right_slabs(o, c)) + "u");
  if (plan_.is({B14, B7}) && plan_.has_infos) body_.expect_equal(backend + ".infos.size()", backend + ".slabs.size()");
  if (plan_.is({B8, B9, B12}) && plan_.maps_pages && plan_.setup.cache_count == 1)
    body_.expect_equal(
        backend + ".pages.size()",
        backend + ".slabs.size() * " + number(plan_.setup.caches[0].slab_size / plan_.setup.caches[0].page_size) + "u");
  if (plan_.is(L6, Cause::CurrentSlabReturned)) body_.line("EXPECT_TRUE(" + backend + ".slabs.contains(current));");
  if (allocates && plan_.is({G6, G7, G8, G9, G11, L4})) check_place(o, c);
  if (allocates && plan_.is({L5, L13})) check_source(o, c);
  check_inside(c);
  if (family_of(plan_.id) == 'M') check_reports(step, c);
}

std::size_t TestExpectations::slabs_to_shrink(std::size_t c) const {
  return static_cast<std::size_t>(std::count_if(
      body_.before.slabs.begin(), body_.before.slabs.end(),
      [c](const Snapshot::Slab& slab) { return slab.cache == c && !slab.abandoned && slab.used == slab.quarantined; }));
}

void TestExpectations::check_change(const Change& change, slab::Misuse kind, const std::string& pointer) {
  body_.line("ASSERT_EQ(reports.size(), 1u);");
  body_.expect_equal("reports[0].kind", std::string{"slab::Misuse::"} + slab::to_string(kind));
  body_.expect_equal("reports[0].pointer", pointer);
  body_.expect_equal("reports[0].offset", number(change.offset) + "u");
  body_.expect_equal("reports[0].changed_bytes", number(change.size) + "u");
  for (std::size_t i = 0; i < change.size && i < std::size(change.found); ++i)
    body_.expect_equal("reports[0].found[" + number(i) + "]", hex(change.found[i]));
}

void TestExpectations::check_place(const Operation& o, std::size_t c) {
  const std::string made = plan_.object(o.object), size = number(plan_.setup.caches[c].object_size);
  if (plan_.id == G6)
    return body_.expect_equal(
        "reinterpret_cast<std::uintptr_t>(" + made + ") % " + number(plan_.setup.caches[c].object_align), "0u");
  if (plan_.is({G11, L4})) {
    for (const auto& live : body_.before.live)
      body_.line("EXPECT_TRUE(" + made + " + " + size + " <= " + plan_.object(live.ordinal) + " || " +
                 plan_.object(live.ordinal) + " + " + number(plan_.setup.caches[live.cache].object_size) +
                 " <= " + made + ");");
    return;
  }
  body_.line("std::byte* const slab = " + plan_.backend_of(c) + ".slab_of(" + made + ");");
  body_.line("ASSERT_NE(slab, nullptr);");
  const std::string limit = number(plan_.id == G9 ? plan_.layout(c).slab_info_offset : plan_.setup.caches[c].slab_size);
  if (plan_.id == G7)
    return body_.expect_equal("static_cast<std::size_t>(" + made + " - slab) % " + number(plan_.layout(c).stride),
                              "0u");
  body_.line("EXPECT_LE(static_cast<std::size_t>(" + made + " - slab) + " + size + ", " + limit + "u);");
}

void TestExpectations::check_source(const Operation& o, std::size_t c) {
  const std::size_t per_slab = plan_.layout(c).objects_per_slab;
  const auto slab_of = [&](const std::string& pointer) { return plan_.backend_of(c) + ".slab_of(" + pointer + ")"; };
  const Snapshot::Slab* source = nullptr;
  const std::vector<std::uintptr_t>& quarantine = body_.before.quarantine[c];
  if (plan_.id == L13 && plan_.cause == Cause::NotTheOldest)
    return body_.expect_equal(plan_.object(o.object), body_.somebody_at(quarantine.front(), o.object));
  if (plan_.id == L13)
    for (const std::uintptr_t freed : quarantine)
      body_.line("EXPECT_NE(" + plan_.object(o.object) + ", " + body_.somebody_at(freed, o.object) + ");");
  if (plan_.id == L13) return;
  for (const auto& slab : body_.before.slabs) {
    if (slab.cache != c || slab.abandoned || slab.set_aside || slab.used == per_slab) continue;
    if (slab.current || (slab.is_next && !source)) source = &slab;
  }
  if (source) return body_.expect_equal(slab_of(plan_.object(o.object)), slab_of(body_.somebody_in(*source)));
  for (const auto& slab : body_.before.slabs)
    if (slab.cache == c && slab.used > 0)
      body_.line("EXPECT_NE(" + slab_of(plan_.object(o.object)) + ", " + slab_of(body_.somebody_in(slab)) + ");");
}

void TestExpectations::check_reports(const TestStep& step, std::size_t c) {
  const Operation& o = step.operation;
  const std::string backend = plan_.backend_of(c);
  if (plan_.is({M12, M13, M17}) || (plan_.id == M14 && plan_.found_in(step, c))) return;
  if (plan_.is({M14, M15, M16}) && plan_.cause != Cause::UnexpectedReport) return;  // said where it comes about
  if (plan_.id == M11 && operand_of(o.kind) != Operand::Cache && plan_.cause != Cause::UnexpectedReport &&
      plan_.cause != Cause::WrongReport) {
    const auto size = plan_.setup.caches[c].object_size;
    const auto dies = [&](std::size_t offset) {
      body_.line("EXPECT_DEATH(*reinterpret_cast<volatile char*>(" + plan_.object(o.object) + " + " + number(offset) +
                 ") = 0, \"AddressSanitizer\");");
    };
    if (plan_.cause == Cause::FreedObjectOpen) dies(0), dies(size - 1);
    if (plan_.cause == Cause::PaddingOpen) dies(plan_.layout(c).stride - 1);
    if (plan_.cause == Cause::UnusedSlotOpen) dies(plan_.layout(c).stride);
    if (plan_.cause == Cause::TailWasteOpen) dies(plan_.layout(c).objects_per_slab * plan_.layout(c).stride);
    return;
  }
  if (o.kind == OperationKind::Destroy && plan_.setup.caches[c].checks) {
    body_.expect_equal("reports.size()",
                       number(plan_.agrees ? body_.live_in(c) : body_.before.statistics[c].allocated_objects) + "u");
    body_.line(
        "for (const slab::MisuseReport& report : reports) EXPECT_EQ(report.kind, slab::Misuse::LiveAtDestruction);");
    return;
  }
  if (!plan_.is_misuse(o)) return body_.line("EXPECT_TRUE(reports.empty());");
  body_.line("ASSERT_EQ(reports.size(), 1u);");
  if (!plan_.has_pages_of_two_sizes(o) || plan_.aligns_to_both)
    body_.expect_equal("reports[0].kind",
                       std::string{"slab::Misuse::"} + slab::to_string(plan_.recording.strays[step.index].misuse));
  body_.expect_equal("reports[0].pointer", plan_.stray(step.index));
  body_.expect_equal("reports[0].cache",
                     "static_cast<const void*>(" + std::string{plan_.ends ? "&*" : "&"} + plan_.cache_name(c) + ")");
  if (plan_.recording.strays[step.index].misuse == slab::Misuse::DoubleFree &&
      facts_of(plan_.setup.caches[c].guards).track_callers)
    for (const char* const caller : {"allocated_by", "freed_by"})
      body_.line(std::string{"EXPECT_NE(reports[0]."} + caller + ", nullptr);");
  if (plan_.answer_in(step)) return;  // its call may have changed them
  body_.line("EXPECT_EQ(" + plan_.cache(c) + "statistics(), before_" + number(step.index) + ");");
}

}  // namespace slabproof

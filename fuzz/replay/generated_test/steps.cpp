#include "fuzz/replay/generated_test/steps.hpp"

#include <algorithm>

#include "fuzz/replay/test_comment.hpp"

namespace slabproof {

using enum Invariant;
namespace {

constexpr const char* row_names[] = {"SmallSinglePage", "SmallMultiPage", "Large"};

Operation free(std::uint32_t ordinal) { return {.kind = OperationKind::Free, .object = ordinal}; }

}  // namespace

void TestSteps::write() {
  const std::size_t end = std::min<std::size_t>(plan_.verdict.step + 1, plan_.program.operations.size());
  std::vector<TestStep> steps;
  for (std::size_t i = 0; i < end; ++i)
    if (plan_.recording.taken[i]) steps.push_back({plan_.program.operations[i], i, i == plan_.verdict.step});
  construct();
  if (plan_.fails_at_start()) expectations_.check_construction();
  for (const TestStep& step : steps) take(step);
  finish();
  body_.drop_unused_names();
}

void TestSteps::construct() {
  // More would not fit on the stack.
  const char* const storage = plan_.memory_size() > (std::size_t{1} << 18) ? "static " : "";
  for (std::size_t b = 0; b < plan_.setup.backend_count; ++b)
    body_.line(std::string{storage} + "Backend " + plan_.backend_name(b) + ";");
  for (std::size_t c = 0; c < plan_.setup.cache_count; ++c) {
    const CacheSpec& spec = plan_.setup.caches[c];
    const std::string type =
        std::string{"slab::ObjectSizeType::"} + (spec.type == slab::ObjectSizeType::Small ? "Small" : "Large");
    std::string cache_type, arguments;
    if (spec.is_static) {
      body_.line("struct alignas(" + number(spec.object_align) + ") Object" + plan_.suffix(c) + " { std::byte bytes[" +
                 number(spec.object_size) + "]; };");
      body_.line("using Cache" + plan_.suffix(c) + " = slab::Cache<Object" + plan_.suffix(c) + ", slab::Config{" +
                 number(spec.slab_size) + ", " + number(spec.page_size) + ", " + type + "}, Backend, " +
                 plan_.policy_name(spec) + ">;");
      arguments = plan_.backend_of(c);
    } else {
      body_.line("const auto geometry" + plan_.suffix(c) + " = slab::Geometry::make" +
                 (spec.guards != Guards::None ? "<" + plan_.policy_name(spec) + ">"
                  : spec.checks               ? ""
                                              : "<slab::Unchecked>") +
                 "(" + number(spec.slab_size) + ", " + number(spec.page_size) + ", " + type + ", " +
                 number(spec.object_size) + ", " + number(spec.object_align) + ").value();");
      body_.line("using Cache" + plan_.suffix(c) + " = slab::DynamicCache<slab::Row::" +
                 row_names[static_cast<std::size_t>(spec.row())] + ", Backend, " + plan_.policy_name(spec) + ">;");
      arguments = "geometry" + plan_.suffix(c) + ", " + plan_.backend_of(c);
    }
    arguments_[c] = arguments;
    if (plan_.ends)
      body_.line("std::optional<Cache" + plan_.suffix(c) + "> " + plan_.cache_name(c) + ";"),
          body_.line(plan_.cache_name(c) + ".emplace(" + arguments + ");");
    else
      body_.line("Cache" + plan_.suffix(c) + " " + plan_.cache_name(c) + "{" + arguments + "};");
  }
  if (plan_.id == B16 && !plan_.damages) {
    body_.line(plan_.backend_of(0) + ".on_call = [&] { EXPECT_TRUE(" + plan_.cache(0) + "audit()); };");
  }
  body_.line("");
}

void TestSteps::take(const TestStep& step) {
  const Operation& o = step.operation;
  const std::size_t c = cache_of(o);
  // Memory that was given back to the heap has unknown contents.
  if (plan_.agrees && plan_.heap && o.kind == OperationKind::DoubleFree) return;
  if (step.is_failing || plan_.agrees) expectations_.prepare(step, c);
  if (plan_.error_in(step)) err(step, c);
  if (plan_.judges_damage(step, c)) body_.line("reports.clear();");
  if (step.is_failing) watch_damaged(step, c);
  if (const Answered* const answered = plan_.answer_in(step)) answer(step, *answered);
  switch (o.kind) {
    case OperationKind::Alloc:
    case OperationKind::AllocNoGrow: allocate(step, c); break;
    case OperationKind::Free:
      if (plan_.agrees) expectations_.check_contents(o.object, c);
      if (written_behind_.contains(o.object) && !plan_.error_in(step)) free_written(step, c);
      body_.line(plan_.cache(c) + "free(" + plan_.given(c, plan_.object(o.object)) + ");");
      if (!plan_.error_in(step)) std::erase_if(body_.live, [&](const auto& live) { return live.first == o.object; });
      break;
    case OperationKind::FreeNull: body_.line(plan_.cache(c) + "free(nullptr);"); break;
    case OperationKind::Reserve: reserve(step, c); break;
    case OperationKind::Shrink:
      body_.line(step.is_failing && plan_.id == L7
                     ? "EXPECT_EQ(" + plan_.cache(c) + "shrink(), " + number(expectations_.slabs_to_shrink(c)) + "u);"
                     : plan_.cache(c) + "shrink();");
      break;
    case OperationKind::Destroy:
      body_.line(plan_.cache_name(c) + ".reset();");
      if (plan_.found_in(step, c)) judge_damage(step, c);
      if (step.is_failing) check_kept(c);
      if (step.is_failing || plan_.agrees) expectations_.check(step, c);
      if (plan_.agrees && plan_.reenters) body_.line(plan_.backend_of(c) + ".on_call = nullptr;");
      body_.line(plan_.cache_name(c) + ".emplace(" + arguments_[c] + ");");
      std::erase_if(body_.live, [&](const auto& live) { return live.second == c; });
      return;
    case OperationKind::Fail:
      body_.line(plan_.backend_name(o.target) + ".fail(Backend::" + camel_case(to_string(o.failure().call)) + ", " +
                 number(o.argument) + ", Backend::" + camel_case(to_string(o.failure().mode)) + ");");
      break;
    case OperationKind::Recover:
      if (plan_.fails) body_.line(plan_.backend_name(o.target) + ".fail(Backend::None, 0, Backend::Once);");
      break;
    case OperationKind::Fault: break;  // said where it comes about
    case OperationKind::DamageInfo: damage(step, c); break;
    case OperationKind::WriteBehind:
    case OperationKind::WriteFreed: write_astray(o, c); break;
    case OperationKind::Allocate:
    case OperationKind::AllocateZeroed:
    case OperationKind::Reallocate:
    case OperationKind::UsableSize:
    case OperationKind::FreeWrongSize: break;  // of no slab cache
    case OperationKind::CallOnMisuse: break;
    case OperationKind::Reenter: reenter(o, c); break;
    case OperationKind::CorruptLink: corrupt(step, c); break;
    case OperationKind::Statistics:
      body_.expect_equal(plan_.cache(c) + "statistics().allocated_objects", number(body_.live_in(c)) + "u");
      break;
    case OperationKind::DoubleFree:
    case OperationKind::FreeInterior:
    case OperationKind::FreeSlabInfo:
    case OperationKind::FreeTailWaste:
    case OperationKind::FreeForeign:
    case OperationKind::FreeThroughOther:
    case OperationKind::FreeNeverAllocated:
      body_.line(plan_.cache(c) + "free(" + plan_.given(c, plan_.stray(step.index)) + ");");
      break;
  }
  if (plan_.error_in(step)) judge_error(step, c);
  if (plan_.found_in(step, c)) judge_damage(step, c);
  if (step.is_failing) check_kept(c);
  if (step.is_failing && plan_.is(M14, Cause::AuditFailed))
    body_.line("EXPECT_FALSE(" + plan_.cache(c) + "audit()) << \"the damage\";");
  if (step.is_failing || plan_.agrees) expectations_.check(step, c);
}

void TestSteps::allocate(const TestStep& step, std::size_t c) {
  const Operation& o = step.operation;
  const CacheSpec& spec = plan_.setup.caches[c];
  const std::string call = plan_.cache(c) + (o.kind == OperationKind::Alloc ? "alloc()" : "alloc_no_grow()"),
                    made = plan_.object(o.object), size = number(spec.object_size);
  if (!step.is_failing && !plan_.recording.objects.contains(o.object)) return body_.expect_equal(call, "nullptr");
  const Change change = step.index < plan_.recording.changes.size() ? plan_.recording.changes[step.index] : Change{};
  const bool judges_change = change.size != 0 && (plan_.agrees || (step.is_failing && plan_.id == M16));
  if (judges_change) body_.line("reports.clear();");
  const bool is_zeroed =
      (plan_.agrees && facts_of(spec.guards).zero == slab::Zero::OnAlloc) || (step.is_failing && plan_.id == G14);
  const std::string value = plan_.compares_contents() ? ", " + number(o.object % 255 + 1) : "";
  if (is_zeroed) {
    body_.line("std::byte* const " + made + " = static_cast<std::byte*>(" + call + ");");
    body_.line("EXPECT_TRUE(holds(" + made + ", " + size + ", 0));");
    body_.line("filled(" + made + ", " + size + value + ");");
  } else {
    body_.line("std::byte* const " + made + " = filled(" + call + ", " + size + value + ");");
  }
  if (judges_change) expectations_.check_change(change, slab::Misuse::WriteAfterFree, made);
  body_.live.push_back({o.object, c});
}

std::size_t TestSteps::cache_of(const Operation& o) const {
  if (operand_of(o.kind) == Operand::Backend) return 0;
  if (!names_object(o.kind) || makes_object(o.kind)) return o.target;
  const auto known = plan_.recording.objects.find(o.object);
  const std::size_t c = known == plan_.recording.objects.end() ? 0 : known->second.cache;
  return o.kind == OperationKind::FreeThroughOther ? 1 - c : c;
}

void TestSteps::reserve(const TestStep& step, std::size_t c) {
  const std::string call =
      plan_.cache(c) + "reserve(" +
      (step.operation.argument == reserve_everything ? "SIZE_MAX" : number(step.operation.argument)) + ")";
  if (plan_.judges_error(step))
    body_.line("EXPECT_FALSE(" + call + ");");
  else if (step.is_failing && (plan_.refused() || plan_.id == B20))
    body_.line((plan_.refuses_reserve() ? "EXPECT_FALSE(" : "EXPECT_TRUE(") + call + ");");
  else
    body_.line("(void)" + call + ";");
}

void TestSteps::err(const TestStep& step, std::size_t c) {
  const auto& [erred, ordinal] = *plan_.error_in(step);
  const std::string backend = plan_.backend_of(c) + ".", in = ordinal == no_ordinal ? "" : plan_.object(ordinal);
  if (plan_.judges_error(step)) body_.line("reports.clear();");
  if (erred.let_be != 0) body_.line(backend + "let_be = " + number(erred.let_be) + ";");
  switch (erred.how) {
    case BackendError::SlabAgain: return body_.line(backend + "again = " + backend + "slab_of(" + in + ");");
    case BackendError::SlabInside:
      return body_.line(backend + "again = " + backend + "slab_of(" + in + ") + " +
                        number(plan_.setup.caches[c].page_size) + ";");
    case BackendError::InfoAgain:
      return body_.line(backend + "info_again = " + backend + "memory_of_info(" + in + ");");
    case BackendError::EntryStale: return body_.line(backend + "stale_page = " + number(erred.offset) + ";");
    case BackendError::EntryLost: return body_.line(backend + "lie = nullptr;");
    case BackendError::EntryWrong: return body_.line(backend + "lie = " + backend + "info_of(" + in + ");");
  }
}

void TestSteps::judge_error(const TestStep& step, std::size_t c) {
  const Operation& o = step.operation;
  const Erred& erred = plan_.error_in(step)->erred;
  const std::string given = plan_.backend_of(c) + ".given";
  if (plan_.judges_error(step)) {
    if (step.is_failing && makes_object(o.kind)) body_.expect_equal(plan_.object(o.object), "nullptr");
    body_.line("ASSERT_EQ(reports.size(), 1u);");
    body_.line("EXPECT_EQ(reports[0].kind, slab::Misuse::BackendFault);");
    const std::size_t offset = erred.given == 0 ? 0 : erred.reported - erred.given;
    body_.expect_equal("reports[0].pointer", erred.given == 0 ? plan_.object(o.object)
                                             : offset == 0    ? given
                                                              : given + " + " + number(offset));
  }
  if (erred.given != 0) body_.line(given + " = nullptr;");
}

void TestSteps::finish() {
  if (plan_.agrees) return finish_well();
  const bool fails_at_end = plan_.fails_at_end();
  body_.line("");
  for (std::size_t b = 0; b < plan_.setup.backend_count && plan_.fails; ++b)
    body_.line(plan_.backend_name(b) + ".fail(Backend::None, 0, Backend::Once);");
  const auto check_all = [&] {
    for (std::size_t c = 0; c < plan_.setup.cache_count && fails_at_end; ++c) expectations_.check_inside(c);
  };
  const auto live = body_.live;
  const std::size_t left = plan_.recording.after.live.size();
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (live.size() - i == left) check_all();
    const TestStep last{free(live[i].first), TestStep::no_index,
                        fails_at_end && live.size() - i == left + 1 && is_of_free(left)};
    take(last);
    if (fails_at_end) body_.note_freed(live[i].first, live[i].second);
  }
  if (left == 0) check_all();
  if (!fails_at_end) return;
  if (plan_.id == M14) body_.line("reports.clear();");
  for (std::size_t c = 0; c < plan_.setup.cache_count; ++c) {
    if (left == 0) watch_damaged({{}, TestStep::no_index, true}, c);
    if (plan_.id == M9) body_.line("reports.clear();");
    body_.line(plan_.cache_name(c) + ".reset();");
    if (plan_.is({B18, M9, B14, G8}))
      body_.expect_equal(
          plan_.backend_of(c) + ".slabs.size()",
          number(static_cast<std::size_t>(std::count_if(
              body_.before.slabs.begin(), body_.before.slabs.end(),
              [&](const auto& slab) { return slab.abandoned && slab.backend == plan_.setup.caches[c].backend; }))) +
              "u");
    if (plan_.id == B14 && plan_.has_infos)
      body_.expect_equal(plan_.backend_of(c) + ".infos.size()", plan_.backend_of(c) + ".slabs.size()");
    if (plan_.id == M9) body_.line("EXPECT_TRUE(reports.empty());");
    if (left == 0 && plan_.damaged_before({{}, TestStep::no_index, true}, c)) check_kept(c);
    const std::vector<DamageOfStep>& damages = plan_.recording.damages;
    if (plan_.id == M14 && !damages.empty() && damages.back().is_pending[c]) {
      body_.line("ASSERT_EQ(reports.size(), 1u);");
      body_.line("EXPECT_EQ(reports[0].kind, slab::Misuse::CorruptedSlabInfo);");
    }
  }
  expectations_.check_untouched();
}

void TestSteps::finish_well() {
  body_.line("");
  for (std::size_t b = 0; b < plan_.setup.backend_count && plan_.fails; ++b)
    body_.line(plan_.backend_name(b) + ".fail(Backend::None, 0, Backend::Once);");
  const std::vector<DamageOfStep>& damages = plan_.recording.damages;
  for (std::size_t c = 0; c < plan_.setup.cache_count; ++c)
    body_.line((plan_.recording.before.has_stray_writes[c] || (!damages.empty() && damages.back().is_pending[c])
                    ? "EXPECT_FALSE("
                    : "EXPECT_TRUE(") +
               plan_.cache(c) + "audit());");
  if (plan_.damages) body_.line("reports.clear();");
  const auto live = body_.live;
  for (const auto& left : live) take({free(left.first), TestStep::no_index, false});
  for (std::size_t c = 0; c < plan_.setup.cache_count; ++c) {
    body_.expect_equal(plan_.cache(c) + "statistics().allocated_objects", "0u");
    body_.line(plan_.cache_name(c) + ".reset();");
  }
  if (plan_.damages) {
    body_.expect_equal("reports.size()", number(plan_.recording.found_at_end) + "u");
    body_.line("for (const slab::MisuseReport& report : reports)");
    body_.line("  EXPECT_EQ(report.kind, slab::Misuse::CorruptedSlabInfo);");
  }
  for (std::size_t b = 0; b < plan_.setup.backend_count; ++b)
    body_.expect_equal(
        plan_.backend_name(b) + ".slabs.size()",
        number(static_cast<std::size_t>(std::count_if(body_.before.slabs.begin(), body_.before.slabs.end(),
                                                      [&](const auto& slab) { return slab.backend == b; }))) +
            "u");
}

bool TestSteps::is_of_free(std::size_t left) const { return left > 0 || plan_.is({L6, M11, B11, B9, B2}); }

}  // namespace slabproof

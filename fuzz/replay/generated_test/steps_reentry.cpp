// What calls a cache in the middle of its work, or from its on_misuse.
#include <algorithm>

#include "fuzz/replay/generated_test/steps.hpp"

namespace slabproof {

using enum Invariant;
namespace {

/// With what a backend calls the cache; `type` is that of its objects.
std::string arguments_of(ReentrantCall call, const std::string& type) {
  switch (call) {
    case ReentrantCall::Alloc:
    case ReentrantCall::AllocNoGrow:
    case ReentrantCall::Shrink: return "()";
    case ReentrantCall::Reserve: return "(1)";
    case ReentrantCall::Free: return "(reinterpret_cast<" + type + "*>(0x77777000))";
  }
  return "";
}

/// The statement that makes such a call, which must be refused.
std::string refused(ReentrantCall reentrant, const std::string& call) {
  switch (reentrant) {
    case ReentrantCall::Alloc:
    case ReentrantCall::AllocNoGrow: return "EXPECT_EQ(" + call + ", nullptr);";
    case ReentrantCall::Reserve: return "EXPECT_FALSE(" + call + ");";
    case ReentrantCall::Free: return call + ";";
    case ReentrantCall::Shrink: return "EXPECT_EQ(" + call + ", 0u);";
  }
  return "";
}

}  // namespace

void TestSteps::reenter(const Operation& o, std::size_t c) {
  const ReentrantCall reentrant = o.reentrant_call();
  const std::string call = plan_.cache(c) + to_string(reentrant) + arguments_of(reentrant, plan_.type_of(c));
  if (plan_.id != M12 && !plan_.agrees)
    return body_.line(plan_.backend_of(c) + ".on_call = [&] { (void)" + call + ", (void)" + call + "; };");
  // It is unknown which cache makes the next call.
  if (plan_.agrees && plan_.setup.cache_count == 2 && plan_.setup.caches[0].backend == plan_.setup.caches[1].backend)
    return body_.line("// (a re-entrant call of " + plan_.cache_name(c) + " falls away)");
  body_.line(plan_.backend_of(c) + ".on_call = [&] {");
  body_.line("  const std::vector<slab::MisuseReport> before = std::exchange(reports, {});");
  for (int i = 0; i < 2; ++i) body_.line("  " + refused(reentrant, call));
  body_.line("  ASSERT_EQ(reports.size(), 2u);");
  body_.line("  EXPECT_EQ(reports[0].kind, slab::Misuse::ReentrantCall);");
  body_.line("  EXPECT_EQ(reports[1].kind, slab::Misuse::ReentrantCall);");
  body_.line("  reports = before;");
  body_.line("};");
}

// Only the call that was made is written, right before the step in which it was made.
void TestSteps::answer(const TestStep& step, const Answered& answer) {
  const bool is_judged = plan_.agrees || plan_.id == M17, is_destroyed = step.operation.kind == OperationKind::Destroy;
  const std::string address = (plan_.ends ? "&*" : "&") + plan_.cache_name(answer.cache);
  const std::string cache = is_destroyed ? "destroyed->" : plan_.cache(answer.cache);
  const bool finds_it_unchanged = is_judged && !answer.is_refused && !plan_.found_in(step, answer.cache);
  const std::string before = "before_" + number(step.index);
  if (finds_it_unchanged) body_.line("const slab::CacheStatistics " + before + " = " + cache + "statistics();");
  body_.line("answers[" + address + "] = [&" + (is_destroyed ? ", destroyed = " + address : "") + "] {");
  if (is_judged) {
    body_.line("  EXPECT_TRUE(" + cache + "audit());");
    if (finds_it_unchanged) body_.line("  EXPECT_EQ(" + cache + "statistics(), " + before + ");");
    body_.line("  const std::vector<slab::MisuseReport> before = std::exchange(reports, {});");
  }
  // What was handed out by mistake may go back by right.
  const std::string given = plan_.backend_of(answer.cache) + ".given";
  const bool is_given = plan_.error_in(step) && plan_.error_in(step)->erred.given != 0;
  if (is_given) body_.line("  std::byte* const given = std::exchange(" + given + ", nullptr);");
  const std::string call = cache + to_string(answer.call) + arguments_of(answer.call, plan_.type_of(answer.cache));
  if (!answer.is_refused)
    serve(answer, cache);
  else
    body_.line("  " + (is_judged ? refused(answer.call, call) : "(void)" + call + ";"));
  if (is_judged) {
    const bool is_told = answer.reported == slab::Misuse::LiveAtDestruction;
    body_.line("  EXPECT_EQ(reports.size(), " + std::string{is_told ? "1u" : "0u"} + ");");
    if (is_told) body_.line("  if (!reports.empty()) EXPECT_EQ(reports[0].kind, slab::Misuse::ReentrantCall);");
    body_.line("  reports = before;");
  }
  if (is_given) body_.line("  " + given + " = given;");
  body_.line("};");
  if (answer.call == ReentrantCall::Free && !answer.is_refused)
    std::erase_if(body_.live, [&](const auto& live) { return live.first == answer.freed; });
}

// What succeeds with a right cache is not known where the cache of the recording is wrong.
void TestSteps::serve(const Answered& answer, const std::string& cache) {
  const bool is_judged = plan_.agrees || plan_.id == M17, succeeds = answer.is_successful || plan_.id == M17;
  switch (answer.call) {
    case ReentrantCall::Alloc:
    case ReentrantCall::AllocNoGrow:
      body_.line("  auto* const taken = " + cache + to_string(answer.call) + "();");
      if (is_judged) body_.line(std::string{"  EXPECT_"} + (succeeds ? "NE" : "EQ") + "(taken, nullptr);");
      return body_.line("  " + cache + "free(taken);");
    case ReentrantCall::Reserve:
      if (!is_judged) return body_.line("  (void)" + cache + "reserve(1);");
      return body_.line(std::string{"  EXPECT_"} + (succeeds ? "TRUE" : "FALSE") + "(" + cache + "reserve(1));");
    case ReentrantCall::Free:
      return body_.line(
          "  " + cache + "free(" +
          (answer.freed == no_ordinal ? "nullptr" : plan_.given(answer.cache, plan_.object(answer.freed))) + ");");
    case ReentrantCall::Shrink: return body_.line("  " + cache + "shrink();");
  }
}

}  // namespace slabproof

#include "fuzz/replay/generated_test/helpers.hpp"

#include <set>

namespace slabproof {

namespace {

std::string base_of(const CacheSpec& spec) {
  if (spec.guards == Guards::Debug) return "Debug";
  return spec.checks ? "Checked" : "Unchecked";
}

/// The guards that the base does not have.
std::string members_of(const CacheSpec& spec) {
  if (spec.guards == Guards::Debug) return "";
  const GuardFacts guards = facts_of(spec.guards);
  std::string text;
  if (guards.red_zone_bytes != 0)
    text += "  static constexpr std::size_t red_zone_bytes = " + number(guards.red_zone_bytes) + ";\n";
  if (guards.verify_pattern) text += "  static constexpr bool verify_pattern = true;\n";
  if (guards.quarantine_objects != 0)
    text += "  static constexpr std::size_t quarantine_objects = " + number(guards.quarantine_objects) + ";\n";
  if (guards.zero != slab::Zero::Never)
    text += std::string{"  static constexpr slab::Zero zero = slab::Zero::"} +
            (guards.zero == slab::Zero::OnAlloc ? "OnAlloc" : "OnFree") + ";\n";
  return text;
}

}  // namespace

std::string policies_of_test(const TestPlan& plan) {
  std::string text = plan.reports ? "std::vector<slab::MisuseReport> reports;\n" : "";
  if (plan.answers)
    text +=
        "/// How on_misuse answers the next report of a cache.\nstd::map<const void*, std::function<void()>> "
        "answers;\n";
  if (plan.reports) text += "\n";
  std::set<std::string> written;
  for (std::size_t i = 0; i < plan.setup.cache_count; ++i) {
    const CacheSpec& spec = plan.setup.caches[i];
    if (!plan.needs_policy(spec) || !written.insert(plan.policy_name(spec)).second) continue;
    text += "struct " + plan.policy_name(spec) + " : slab::" + base_of(spec) + " {\n" + members_of(spec);
    if (spec.empty_slabs_kept != 1)
      text += "  static constexpr std::size_t empty_slabs_kept = " + number(spec.empty_slabs_kept) + ";\n";
    if (plan.handles_misuse(spec))
      text +=
          plan.answers
              ? "  static void on_misuse(const slab::MisuseReport& report) noexcept {\n    reports.push_back(report);\n"
                "    if (const auto answer = answers.extract(report.cache)) answer.mapped()();\n  }\n"
          : plan.reports
              ? "  static void on_misuse(const slab::MisuseReport& report) noexcept { reports.push_back(report); }\n"
              : "  static void on_misuse(const slab::MisuseReport&) noexcept {}\n";
    text += "};\n\n";
  }
  return text;
}

std::string functions_of_test(const TestPlan& plan, const TestBody& body) {
  std::string text;
  if (body.says("filled("))
    text += "/// As a program uses its objects.\nstd::byte* filled(void* object, std::size_t size" +
            std::string{plan.compares_contents() ? ", int value" : ""} + ") {\n" +
            (plan.agrees ? "  EXPECT_NE(object, nullptr);\n" : "") +
            "  return static_cast<std::byte*>(object ? std::memset(object, " +
            (plan.compares_contents() ? "value" : "0xEE") + ", size) : nullptr);\n}\n\n";
  if (body.says("holds("))
    text +=
        "bool holds(const std::byte* object, std::size_t size, int value) {\n  for (std::size_t i = 0; i < size; "
        "++i)\n"
        "    if (object[i] != static_cast<std::byte>(value)) return false;\n  return true;\n}\n\n";
  if (body.says("write_astray("))
    text +=
        "/// A stray write, which no sanitizer is to see.\n__attribute__((no_sanitize(\"address\"))) void "
        "write_astray(std::byte* at, int value) {\n  *const_cast<volatile std::byte*>(at) = "
        "static_cast<std::byte>(value);\n}\n\n";
  if (body.says("write_byte("))
    text +=
        "/// A stray write that changes a byte.\nvoid write_byte(std::byte* at, std::byte value) {\n  *at = *at == "
        "value "
        "? ~value : value;\n}\n\n";
  if (body.says("write_to("))
    text +=
        "/// A stray write, which no sanitizer is to see.\n__attribute__((no_sanitize(\"address\"))) void "
        "write_to(void* object, void* value) {\n  *static_cast<void* volatile*>(object) = value;\n}\n\n";
  return text;
}

}  // namespace slabproof

// The operations of a program as calls.
#include <map>

#include "fuzz/replay/scene.hpp"
#include "fuzz/replay/subject_test/subject_test.hpp"
#include "model/judge/runner.hpp"
#include "model/program/trace.hpp"

namespace slabproof {
namespace {

class BodyWriter {
 public:
  BodyWriter(const TestedSubject& subject, const Program& program, const Verdict& verdict, const Parts& parts)
      : claims_{*subject.abilities},
        layout_{Arena::default_base, subject.room},
        program_{program},
        verdict_{verdict},
        parts_{parts} {}

  std::string write() {
    if (has("hangs")) line("alarm(5);  // it hung");
    const Setup& setup = program_.setup;
    for (std::size_t b = 0; b < setup.backend_count && (has("source") || has("refusals_alone")); ++b)
      line(has("source") ? source(b) : "Refusals " + backend(b) + ";");
    for (std::size_t c = 0; c < setup.cache_count; ++c) make(c);
    line("");
    const auto& operations = program_.operations;
    for (std::size_t i = 0; i < operations.size() && i <= verdict_.step; ++i) {
      if (makes_object(operations[i].kind)) caches_[operations[i].object] = operations[i].target;
      const bool is_failing = !verdict_.agreed() && i == verdict_.step;
      if (is_failing) line("// Here: " + what_is_wrong());
      const std::string call = call_of(operations[i]);
      line(call.empty() ? "// " + to_text(operations[i]) + " does nothing" : call + ";");
      if (is_failing || (i + 1) % Runner::deep_check_period == 0) line("check_contents();");
    }
    line("");
    if (!verdict_.agreed() && verdict_.step >= operations.size()) line("// Here: " + what_is_wrong());
    finish();
    return text_;
  }

 private:
  void line(const std::string& code) { text_ += (code.empty() ? "" : "  ") + code + "\n"; }
  [[nodiscard]] bool has(std::string_view part) const { return parts_.find(part)->second; }
  [[nodiscard]] static std::string number(std::uint64_t value) { return std::to_string(value); }
  [[nodiscard]] static std::string cache(std::size_t c) { return "c" + number(c); }
  [[nodiscard]] static std::string backend(std::size_t b) { return "b" + number(b); }
  [[nodiscard]] std::string refusals(std::size_t b) const { return backend(b) + (has("source") ? ".refusals" : ""); }

  [[nodiscard]] std::string what_is_wrong() const {
    std::string words = verdict_.sentence();
    for (char& c : words)
      if (c == '\n') c = ' ';
    return words;
  }

  [[nodiscard]] std::string source(std::size_t b) const {
    constexpr const char* reuses[] = {"Lifo", "Fifo", "Never"};
    constexpr const char* placements[] = {"Adjacent", "Scattered", "BarelyAligned"};
    const BackendSpec& spec = program_.setup.backends[b];
    return "Source " + backend(b) + "{" + address_text(layout_.slabs(b)) +
           ", Reuse::" + reuses[static_cast<std::size_t>(spec.reuse)] +
           ", Placement::" + placements[static_cast<std::size_t>(spec.placement)] + ", " + number(spec.seed) + "};";
  }

  void make(std::size_t c) {
    const CacheSpec& spec = program_.setup.caches[c];
    std::string arguments = "storage[" + number(c) + "]";
    if (has("objects")) arguments += ", {" + number(spec.object_size) + ", " + number(spec.object_align) + "}";
    if (has("source") || has("refusals_alone")) arguments += ", " + backend(spec.backend);
    line("Judged " + cache(c) + "{" + arguments + "};");
  }

  /// Of an operation that names an object: the allocator that made it.
  [[nodiscard]] std::string owner(const Operation& o) const {
    const auto known = caches_.find(o.object);
    return cache(known == caches_.end() ? 0 : known->second) + ".";
  }

  /// The call; nothing for an operation that the subject cannot be asked for.
  [[nodiscard]] std::string call_of(const Operation& o) const {
    const std::string object = number(o.object), of = cache(o.target) + ".";
    switch (o.kind) {
      case OperationKind::Alloc: return of + "alloc(" + object + ")";
      case OperationKind::Allocate:
        return of + "allocate(" + object + ", " + number(o.argument) + ", " + number(std::uint64_t{1} << o.detail) +
               ")";
      case OperationKind::AllocateZeroed: {
        const std::uint64_t count = zeroed_count(o.detail, o.argument);
        const bool is_asked =
            count != 0 && (count <= claims_.accepts.most / o.argument || is_beyond_memory(count, o.argument));
        if (!claims_.zeroed || !is_asked) return "";
        return of + "allocate_zeroed(" + object + ", " + number(count) + "u, " + number(o.argument) + ")";
      }
      case OperationKind::Reallocate:
        return claims_.resizes ? owner(o) + "reallocate(" + object + ", " + number(o.argument) + ")" : "";
      case OperationKind::UsableSize: return claims_.usable_size ? owner(o) + "usable_size(" + object + ")" : "";
      case OperationKind::Free: return owner(o) + "free(" + object + ")";
      case OperationKind::FreeNull: return claims_.frees_null ? of + "free_null()" : "";
      case OperationKind::Shrink: return claims_.trims ? of + "trim()" : "";
      case OperationKind::Destroy:
        return claims_.owns_live_objects || claims_.resets || claims_.may_fail_to_construct ? of + "again()" : "";
      case OperationKind::DoubleFree:
        return claims_.detects.double_free ? owner(o) + "double_free(" + object + ")" : "";
      case OperationKind::FreeInterior:
        return claims_.detects.interior ? owner(o) + "free_interior(" + object + ", " + number(o.argument) + ")" : "";
      case OperationKind::FreeForeign:
        return claims_.detects.foreign ? of + "free_foreign(" + number(o.argument) + ")" : "";
      case OperationKind::FreeWrongSize:
        return claims_.detects.wrong_size ? owner(o) + "free_wrong_size(" + object + ", " + number(o.argument) + ")"
                                          : "";
      case OperationKind::Fail: {
        const auto failure = o.failure();
        const bool is_of_memory = failure.call == FailingCall::Any || failure.call == FailingCall::AllocSlab;
        if (!is_of_memory || failure.mode == FailureMode::Misaligned) return refusals(o.target) + ".end()";
        return refusals(o.target) + ".begin(" + number(o.argument) + ", " +
               (failure.mode == FailureMode::Always ? "true" : "false") + ")";
      }
      case OperationKind::Recover: return has("refuses") ? refusals(o.target) + ".end()" : "";
      default: return "";  // of slab caches
    }
  }

  void finish() {
    const Setup& setup = program_.setup;
    for (std::size_t b = 0; b < setup.backend_count && has("refuses"); ++b) line(refusals(b) + ".end();");
    for (std::size_t c = 0; c < setup.cache_count; ++c) line(cache(c) + ".free_all();");
    for (std::size_t c = 0; c < setup.cache_count; ++c) line(cache(c) + ".destroy();");
    for (std::size_t b = 0; b < setup.backend_count && has("written"); ++b)
      line("EXPECT_FALSE(" + backend(b) + ".is_written_after_return()) << \"B19\";");
  }

  const Abilities& claims_;
  const ArenaLayout layout_;
  const Program& program_;
  const Verdict& verdict_;
  const Parts& parts_;
  std::map<std::uint32_t, std::uint8_t> caches_;  // of each object so far, where it was made
  std::string text_;
};

}  // namespace

std::string body_of_test(const TestedSubject& subject, const Program& program, const Verdict& verdict,
                         const Parts& parts) {
  return BodyWriter{subject, program, verdict, parts}.write();
}

}  // namespace slabproof

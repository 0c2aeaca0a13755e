// Which parts of its text the test of a pool or a heap has, and what stands in them.
#include <algorithm>

#include "fuzz/replay/subject_test/subject_test.hpp"

namespace slabproof {

Parts parts_of_test(const TestedSubject& subject, const Program& program, const Verdict& verdict) {
  const Abilities& claims = *subject.abilities;
  const auto has = [&](OperationKind kind) {
    return std::any_of(program.operations.begin(), program.operations.end(),
                       [kind](const Operation& o) { return o.kind == kind; });
  };
  const bool source = subject.takes_source, refuses = has(OperationKind::Fail);
  const bool pool = !claims.sizes;
  Parts parts;
  parts["pool"] = pool;
  parts["objects"] = pool || subject.takes_objects;
  parts["source"] = source;
  parts["takes"] = claims.takes_memory;
  parts["keeps"] = claims.keeps_memory;
  parts["refuses"] = refuses;
  parts["refuses_calls"] = refuses && claims.refuses_memory;
  parts["refusals_alone"] = refuses && !source;
  parts["written"] = source && verdict.violation.invariant == Invariant::B19;
  parts["zeroed"] = has(OperationKind::AllocateZeroed);
  parts["resizes"] = has(OperationKind::Reallocate);
  parts["resizes_null"] = claims.resizes_null;
  parts["resizes_to_zero"] = claims.resizes_to_zero;
  parts["usable"] = claims.usable_size;
  parts["asks_usable"] = has(OperationKind::UsableSize);
  parts["frees_null"] = has(OperationKind::FreeNull);
  parts["double"] = has(OperationKind::DoubleFree);
  parts["interior"] = has(OperationKind::FreeInterior);
  parts["foreign"] = has(OperationKind::FreeForeign);
  parts["wrong_size"] = has(OperationKind::FreeWrongSize);
  parts["wrong"] = parts["double"] || parts["interior"] || parts["foreign"] || parts["wrong_size"];
  parts["stray"] = parts["foreign"] || (parts["wrong"] && claims.takes_memory) || claims.knows_its_own;
  parts["by_report"] = claims.detects.by == DetectedMisuse::By::Report;
  parts["by_exception"] = claims.detects.by == DetectedMisuse::By::Exception;
  parts["by_abort"] = claims.detects.by == DetectedMisuse::By::Abort;
  parts["abort"] = parts["wrong"] && parts["by_abort"];
  parts["trims"] = has(OperationKind::Shrink) && claims.trims;
  parts["again"] = has(OperationKind::Destroy);
  parts["resets"] = claims.resets;
  parts["owns"] = claims.owns_live_objects;
  parts["reset_ends_some"] = claims.resets && claims.owns_live_objects;
  parts["may_fail"] = claims.may_fail_to_construct;
  parts["growth"] = pool && claims.reuses_memory && source;
  parts["capacity"] = claims.capacity > 0;
  parts["null_only_when_refused"] = (claims.takes_memory || claims.refuses_memory) && claims.capacity == 0;
  parts["reuses_memory"] = claims.reuses_memory;
  parts["align_of"] = claims.align_of != nullptr;
  parts["counts"] = claims.counts_live;
  parts["own"] = claims.knows_its_own;
  parts["audit"] = claims.audit;
  parts["says"] = parts["counts"] || parts["by_report"] || parts["own"] || parts["audit"];
  parts["calls"] = parts["says"] || source || parts["refuses_calls"];
  parts["hangs"] = verdict.kind == Verdict::Kind::Hung;
  return parts;
}

Values values_of_test(const TestedSubject& subject, const Program& program, const Parts& parts) {
  const Abilities& claims = *subject.abilities;
  const auto has = [&](std::string_view part) { return parts.find(part)->second; };
  const auto list = [](std::string& text, const std::string& item) { text += (text.empty() ? "" : ", ") + item; };
  std::string parameters = "Storage& storage", initialisers = "storage_{storage}", arguments;
  const auto take = [&](const std::string& type, const std::string& name) {
    list(parameters, type + " " + name);
    list(initialisers, name + "_{" + name + "}");
  };
  if (has("objects")) take("slabproof::Objects", "objects");
  if (has("source")) take("Source&", "source");
  if (has("refusals_alone")) take("Refusals&", "refusals");
  if (subject.takes_objects) list(arguments, "objects_");
  if (subject.takes_source) list(arguments, "slabproof::Memory{source_}");
  const auto with_size = [&](const std::string& pointer, const std::string& size, const std::string& align) {
    return !claims.sized_free ? pointer : pointer + ", " + size + (subject.frees_with_align ? ", " + align : "");
  };
  const ArenaLayout layout{0, subject.room};
  return {{"FIRST_ONES", std::to_string(BackendSpec::first_seed_of_ones)},
          {"SIZE", std::to_string(layout.slab_bytes())},
          {"WORDS", std::to_string(sizeof(AnySubject))},
          {"PARAMETERS", parameters},
          {"INITIALISERS", initialisers},
          {"ARGUMENTS", arguments},
          {"REFUSALS", has("source") ? "source_.refusals" : "refusals_"},
          {"MAY_REFUSE_AT_FIRST", has("may_fail") ? "is_made_" : "false"},
          {"FREED", with_size("object.begin", "object.asked", "object.align")},
          {"WRONG", with_size("pointer", "size", "align")},
          {"LEFT", with_size("left", "0", "1")},
          {"NULL", with_size("nullptr", "0", "1")},
          {"USABLE", claims.usable_size ? "usable_size(object, size)" : "size"},
          {"CAPACITY", std::to_string(claims.capacity)},
          {"MAX_ALIGN", std::to_string(claims.accepts.max_align)},
          {"COUNT", std::to_string(program.setup.cache_count)}};
}

}  // namespace slabproof

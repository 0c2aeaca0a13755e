#include "fuzz/replay/generated_test/plan.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "model/judge/slab/misuse_oracle.hpp"
#include "model/program/trace.hpp"

namespace slabproof {

using enum Invariant;

namespace {

// Larger than this memory comes from the heap, piece by piece.
constexpr std::size_t largest_memory = std::size_t{64} << 20;

}  // namespace

TestPlan::TestPlan(const Program& of, const Recording& with)
    : program{of},
      setup{of.setup},
      recording{with},
      verdict{with.run.verdict},
      id{verdict.violation.invariant},
      cause{verdict.violation.cause},
      agrees{verdict.agreed()} {
  const auto any = [&](auto is) { return std::any_of(program.operations.begin(), program.operations.end(), is); };
  errs = std::any_of(recording.errors.begin(), recording.errors.end(),
                     [](const ErrorOfBackend& error) { return error.erred.reported != 0; });
  damages = std::any_of(recording.damages.begin(), recording.damages.end(),
                        [](const DamageOfStep& damage) { return damage.done.info != 0; });
  answers = std::any_of(recording.answers.begin(), recording.answers.end(),
                        [](const Answered& answer) { return answer.is_made; });
  fails = any([](const Operation& o) { return o.kind == OperationKind::Fail; });
  misaligns = any(
      [](const Operation& o) { return o.kind == OperationKind::Fail && o.failure().mode == FailureMode::Misaligned; });
  reenters = any([](const Operation& o) { return o.kind == OperationKind::Reenter; });
  reports = family_of(id) == 'M' || any([](const Operation& o) {
              return misuse_of(o.kind) != MisuseClass::None || o.kind == OperationKind::Destroy;
            });
  for (std::size_t i = 0; i < setup.cache_count; ++i) {
    maps_pages |= setup.caches[i].row() != slab::Row::SmallSinglePage;
    has_infos |= setup.caches[i].row() == slab::Row::Large;
  }
  reserves_everything =
      any([](const Operation& o) { return o.kind == OperationKind::Reserve && o.argument == reserve_everything; });
  ends = fails_at_end() || any([](const Operation& o) { return o.kind == OperationKind::Destroy; });
  const bool fails_at_operation = verdict.step < program.operations.size();
  aligns_to_both = fails_at_operation && !agrees && has_pages_of_two_sizes(program.operations[verdict.step]) &&
                   !misaligns && recording.run.misuse == slab::Misuse::OtherCache;
  // The owner of a page may depend on what its last user left in it, and the heap does not reuse pages predictably.
  heap = (verdict.death_by == DeathBy::AddressSanitizer && recording.run.misuse != slab::Misuse::OtherCache) ||
         memory_size() > largest_memory || (agrees && shares_slabs_of_two_alignments());
}

bool TestPlan::is(std::initializer_list<Invariant> ids) const {
  return std::any_of(ids.begin(), ids.end(), [&](Invariant other) { return id == other; });
}
bool TestPlan::counts_calls() const { return is({B17, M10}) || is(B20, Cause::CalledBackend); }
bool TestPlan::refused() const {
  return is({G2, B7, B8}) || cause == Cause::ServedAfterFailure || cause == Cause::SlabKeptAfterFailure ||
         is(B15, Cause::ChangedByFailure);
}
bool TestPlan::refuses_reserve() const {
  return refused() || is(B20, Cause::ChangedByFailure) || is(B20, Cause::CalledBackend);
}
std::string TestPlan::backend_name(std::size_t b) const {
  return setup.backend_count == 1 ? "backend" : "backend_" + number(b);
}
std::string TestPlan::suffix(std::size_t c) const { return setup.cache_count == 1 ? "" : "_" + number(c); }
std::string TestPlan::object(std::uint32_t ordinal) { return "object_" + number(ordinal); }
Layout TestPlan::layout(std::size_t c) const { return layout_of(setup.caches[c]); }
std::string TestPlan::type_of(std::size_t c) const { return setup.caches[c].is_static ? "Object" + suffix(c) : "void"; }
std::string TestPlan::given(std::size_t c, const std::string& pointer) const {
  return setup.caches[c].is_static ? "reinterpret_cast<" + type_of(c) + "*>(" + pointer + ")" : pointer;
}

std::string TestPlan::stray(std::size_t step) const {
  const std::uintptr_t address = recording.strays[step].pointer;
  const auto is_made = [&, end = program.operations.begin() + static_cast<std::ptrdiff_t>(step)](auto ordinal) {
    return std::any_of(program.operations.begin(), end, [&](const Operation& o) {
      return operand_of(o.kind) == Operand::NewObject && o.object == ordinal;
    });
  };
  for (const Snapshot::Slab& slab : recording.strays[step].slabs) {
    if (address < slab.base || address > slab.base + slab.size) continue;
    for (const auto& [ordinal, known] : recording.objects) {
      if (known.address < slab.base || known.address >= slab.base + slab.size || !is_made(ordinal)) continue;
      if (address == known.address) return object(ordinal);
      return object(ordinal) + (address > known.address ? " + " + number(address - known.address)
                                                        : " - " + number(known.address - address));
    }
  }
  const bool is_number =
      address == 0 || address >> 48 != 0 || program.operations[step].kind == OperationKind::CorruptLink;
  return "reinterpret_cast<std::byte*>(" + hex(is_number ? address : MisuseOracle::nowhere + address % 4096) + ")";
}

std::size_t TestPlan::largest_block() const {
  std::size_t largest = 64;
  for (std::size_t i = 0; i < setup.cache_count; ++i)
    largest = std::max<std::size_t>(largest, 2 * setup.caches[i].slab_size);
  return largest;
}
std::size_t TestPlan::memory_size() const {
  std::size_t slabs = recording.before.slabs.size() + 2 * program.operations.size() + 4;
  for (const Operation& o : program.operations)
    if (o.kind == OperationKind::Reserve && o.argument != reserve_everything)
      slabs += o.argument / layout(o.target).objects_per_slab;
  return std::max<std::size_t>(8192, largest_block() * slabs);
}
// A slab may be aligned for one cache alone.
bool TestPlan::shares_slabs_of_two_alignments() const {
  return setup.cache_count == 2 && setup.caches[0].slab_size == setup.caches[1].slab_size &&
         setup.caches[0].page_size != setup.caches[1].page_size;
}

std::string TestPlan::policy_name(const CacheSpec& spec) const {
  if (!needs_policy(spec)) return spec.checks ? "slab::Checked" : "slab::Unchecked";
  return name_of_policy(spec) + "Keeping" + number(spec.empty_slabs_kept);
}

bool TestPlan::is_misuse(const Operation& o) { return misuse_of(o.kind) == MisuseClass::StrayFree; }

const ErrorOfBackend* TestPlan::error_in(const TestStep& step) const {
  if (step.index >= recording.errors.size() || recording.errors[step.index].erred.reported == 0) return nullptr;
  return &recording.errors[step.index];
}

const Operation* TestPlan::damaged_before(const TestStep& step, std::size_t c) const {
  for (std::size_t i = std::min(step.index, recording.damages.size()); i-- > 0;) {
    const Operation& o = program.operations[i];
    if (recording.damages[i].done.info != 0 && recording.objects.at(o.object).cache == c) return &o;
  }
  return nullptr;
}

const Operation* TestPlan::found_in(const TestStep& step, std::size_t c) const {
  if (step.index == 0 || step.index >= recording.damages.size()) return nullptr;
  const bool is_due =
      step.is_failing && cause == Cause::DamageUnseen && recording.damages[step.index - 1].is_pending[c];
  return is_due || recording.damages[step.index].found.info != 0 ? damaged_before(step, c) : nullptr;
}

std::string TestPlan::info(const Operation& damage) const {
  return "info_" + number(static_cast<std::size_t>(&damage - program.operations.data()));
}

const Answered* TestPlan::answer_in(const TestStep& step) const {
  if (step.index >= recording.answers.size() || !recording.answers[step.index].is_made) return nullptr;
  return &recording.answers[step.index];
}

bool TestPlan::has_pages_of_two_sizes(const Operation& o) const {
  return o.kind == OperationKind::FreeThroughOther && setup.caches[0].page_size != setup.caches[1].page_size;
}

// A misuse that is a death here need not be one with other memory around it; a missing report is wrong everywhere.
bool TestPlan::judges_misuse(const TestStep& step) const {
  const OperationKind kind = step.operation.kind;
  if (agrees) return is_misuse(step.operation) || kind == OperationKind::Destroy || kind == OperationKind::CorruptLink;
  return verdict.kind == Verdict::Kind::Violated ? family_of(id) == 'M' : is_misuse(step.operation);
}

std::string number(std::size_t value) { return std::to_string(value); }

std::string hex(std::uintptr_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%zx", value);
  return text;
}

}  // namespace slabproof

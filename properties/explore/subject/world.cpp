#include "properties/explore/subject/world.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "model/process/cannot_judge.hpp"

namespace slabproof {
namespace {

using enum OperationKind;

constexpr std::uint64_t hash_seed = 1;

bool is_misuse(OperationKind kind) { return facts_of(kind).misuse != MisuseClass::None; }

std::uint8_t log2_of(std::uint32_t align) { return static_cast<std::uint8_t>(std::countr_zero(align)); }

}  // namespace

SubjectWorld::SubjectWorld(const TestedSubject& subject, const SubjectBounds& bounds, TakenOperations& taken)
    : bounds_{bounds},
      runner_{subject.make, Arena::default_base, subject.language, subject.room},
      taken_{taken},
      hash_{hash_seed, max_words} {
  setup_.backends[0] = {
      .reuse = Reuse::Lifo, .placement = Placement::Adjacent, .seed = BackendSpec::first_seed_of_ones};
  setup_.caches[0].shape = subject.language.shape;
  if (subject.language.shape == Shape::Pool) {
    setup_.caches[0].object_size = bounds.sizes.front();
    setup_.caches[0].object_align = bounds.aligns.front();
  }
  runner_.set_contents(Contents::ByAddress);
  if (subject.globals) globals_ = subject.globals();
  for (const std::span<std::byte> bytes : globals_) first_globals_.emplace_back(bytes.begin(), bytes.end());
  add_choices(subject.language);
}

void SubjectWorld::add_choices(const Language& language) {
  const auto add = [&](const Operation& operation) {
    if (language.has(operation.kind) && choices_.size() < most_choices) choices_.push_back(operation);
  };
  add({.kind = Alloc});
  for (const std::uint32_t size : bounds_.sizes) {
    for (const std::uint32_t align : bounds_.aligns)
      add({.kind = Allocate, .detail = log2_of(align), .argument = size});
    add({.kind = AllocateZeroed, .argument = size});
    add({.kind = Reallocate, .argument = size});
    add({.kind = FreeWrongSize, .argument = size});
  }
  // More elements than there can be: as many as anybody can name, and as many as wrap.
  if (const std::uint32_t size = bounds_.sizes.back(); size > 1)
    for (const std::uint8_t count : {wraps, static_cast<std::uint8_t>(wraps - 1)})
      add({.kind = AllocateZeroed, .detail = count, .argument = size});
  for (const OperationKind kind : {Free, UsableSize, FreeNull, Shrink, Destroy, DoubleFree}) add({.kind = kind});
  for (const std::uint32_t pick : {0u, 7u}) add({.kind = FreeInterior, .argument = pick});
  add({.kind = FreeForeign});
}

bool SubjectWorld::is_last(const SubjectStep& step) const {
  return is_misuse(choices_[step.choice].kind) &&
         runner_.subject(0)->abilities().detects.by == DetectedMisuse::By::Abort;
}

bool SubjectWorld::start() {
  for (std::size_t i = 0; i < globals_.size(); ++i)
    std::memcpy(globals_[i].data(), first_globals_[i].data(), first_globals_[i].size());
  taken_.size = 0;
  births_ = requests_ = 0;
  has_noted_misuse_ = false;
  return runner_.start(setup_);
}

void SubjectWorld::check_from(std::size_t operations) {
  runner_.set_checks(Checks::EveryStep, static_cast<std::uint32_t>(operations));
}

bool SubjectWorld::execute(Operation operation) {
  if (taken_.size == TakenOperations::most) return false;
  taken_.operations[taken_.size] = operation;
  taken_.size = taken_.size + 1;
  births_ += operand_of(operation.kind) == Operand::NewObject;
  const bool may_note = is_misuse(operation.kind) && !has_noted_misuse_;
  const Hash128 before = may_note ? hash() : Hash128{};
  const bool goes_on = runner_.step(operation);
  if (may_note && goes_on) has_noted_misuse_ = !is_within_bounds() || hash() != before;
  return goes_on;
}

bool SubjectWorld::follow(std::span<const Operation> operations) {
  return std::all_of(operations.begin(), operations.end(),
                     [this](const Operation& operation) { return execute(operation); });
}

bool SubjectWorld::take(const SubjectStep& step) {
  Operation operation = choices_[step.choice];
  switch (operand_of(operation.kind)) {
    case Operand::NewObject: operation.object = births_; break;
    case Operand::LiveObject:
      SubjectStateAccess::live_objects(runner_, live_);
      operation.object = live_[step.object].ordinal;
      break;
    case Operand::DeadObject:
      SubjectStateAccess::dead_objects(runner_, dead_);
      operation.object = dead_[step.object].ordinal;
      break;
    default: break;
  }
  const bool goes_on = !step.refused || execute({.kind = Fail,
                                                 .detail = Failure{FailingCall::Any, FailureMode::Once}.packed(),
                                                 .argument = step.refused - 1u});
  const std::uint32_t before = runner_.backend(0).calls_that_may_fail();
  const bool holds = goes_on && execute(operation);
  requests_ = runner_.backend(0).calls_that_may_fail() - before;
  return holds;
}

void SubjectWorld::list_steps(std::vector<SubjectStep>& steps) {
  steps.clear();
  SubjectStateAccess::live_objects(runner_, live_);
  SubjectStateAccess::dead_objects(runner_, dead_);
  for (std::size_t i = 0; i < choices_.size(); ++i) {
    SubjectStep step{.choice = static_cast<std::uint8_t>(i)};
    const OperationKind kind = choices_[i].kind;
    if (has_noted_misuse_ && is_misuse(kind)) continue;
    switch (operand_of(kind)) {
      case Operand::NewObject:
        // An object that there cannot be is no object too many.
        if (live_.size() < bounds_.live || (kind == AllocateZeroed && choices_[i].detail != 0)) steps.push_back(step);
        break;
      case Operand::LiveObject:
        for (; step.object < live_.size(); ++step.object) steps.push_back(step);
        break;
      case Operand::DeadObject:
        for (; step.object < dead_.size(); ++step.object) steps.push_back(step);
        break;
      default: steps.push_back(step);
    }
  }
}

Hash128 SubjectWorld::hash() {
  words_.clear();
  if (runner_.subject(0)->abilities().resizes_null) words_.push_back(births_ % 4);  // whether the next one is made so
  words_.push_back(has_noted_misuse_);
  SubjectStateAccess::append(runner_, globals_, words_);
  if (words_.size() > max_words)
    cannot_judge("a state of it is " + std::to_string(words_.size() * 8) + " bytes, which is none of a small world");
  return hash_(words_.data(), words_.size());
}

const KnownObject* SubjectWorld::find_outside() {
  SubjectStateAccess::live_objects(runner_, live_);
  const auto found = std::find_if(live_.begin(), live_.end(), [this](const KnownObject& object) {
    return !SubjectStateAccess::is_inside(runner_, globals_, object);
  });
  return found == live_.end() ? nullptr : &*found;
}

std::size_t SubjectWorld::size_of_globals() const {
  std::size_t bytes = 0;
  for (const std::span<std::byte> global : globals_) bytes += global.size();
  return bytes;
}

}  // namespace slabproof

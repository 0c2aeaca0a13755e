#include "properties/explore/counterexample.hpp"

#include <map>
#include <optional>

namespace slabproof {
namespace {

using enum OperationKind;

/// The program operation for such a misuse.
OperationKind kind_of(slab::Misuse misuse) {
  switch (misuse) {
    case slab::Misuse::InteriorPointer: return FreeInterior;
    case slab::Misuse::SlabInfoPointer: return FreeSlabInfo;
    case slab::Misuse::TailWastePointer: return FreeTailWaste;
    case slab::Misuse::NeverAllocated: return FreeNeverAllocated;
    case slab::Misuse::OtherCache: return FreeThroughOther;
    case slab::Misuse::ForeignPointer: return FreeForeign;
    default: return DoubleFree;
  }
}

class Writer {
 public:
  explicit Writer(World& world) : world_{world} {}

  /// The transition's operations, appended.
  void write(const Transition& transition) {
    if (transition.sort == Transition::Sort::EndOfProgram) return;
    if (transition.failing) operations_.push_back(transition.failure_operation());
    Operation operation{.kind = transition.kind};
    switch (operand_of(transition.kind)) {
      case Operand::NewObject:
        operation.target = transition.cache;
        operation.object = allocations_++;
        break;
      case Operand::LiveObject:
        operation.object = ordinal_at(world_.object(transition.cache, transition.argument));
        if (effect_of(transition.kind) == Effect::EndsObject)
          dead_[world_.object(transition.cache, transition.argument)] = operation.object;
        if (parameter_of(transition.kind) == Parameter::Pick) operation.argument = transition.picks;
        break;
      case Operand::DeadObject:
        operation.object = dead_[world_.object(transition.cache, transition.argument)];
        operation.argument = transition.picks;
        break;
      case Operand::Cache:
        operation.target = transition.cache;
        operation.argument = parameter_of(transition.kind) == Parameter::Pick ? transition.picks : transition.argument;
        break;
      case Operand::Backend: break;
    }
    operations_.push_back(operation);
  }
  /// What arms the mishap in the transition.
  void write(const Mishap& mishap, const Transition& transition) {
    if (mishap.answers) operations_.push_back(mishap.operation_of_handler(transition.reporter()));
    if (mishap.of_backend != Mishap::OfBackend::None)
      operations_.push_back(mishap.operation_of_backend(transition.cache));
  }
  /// Executes what was written last.
  void execute(const Transition& transition) {
    transition.choose(world_.choices());
    for (std::size_t i = transition.operations(); i > 0; --i) world_.runner().step(operations_[operations_.size() - i]);
    if (world_.choices().refused) refuse_after(world_.choices().made);
  }
  /// If the last operation found no more room in the small world, the program makes its backend refuse.
  void refuse_after(std::size_t slabs) {
    operations_.insert(operations_.end() - 1, {.kind = Fail,
                                               .detail = static_cast<std::uint8_t>(FailingCall::AllocSlab),
                                               .argument = static_cast<std::uint32_t>(slabs)});
  }

  [[nodiscard]] Program program(BackendSpec backend) const {
    Program program{world_.setup(), operations_};
    program.setup.backends[0] = backend;
    return program;
  }

  /// The operations that free `stray`, and then those that free a pointer like it.
  [[nodiscard]] std::vector<Operation> misuses(std::uint8_t cache, std::uintptr_t stray) {
    std::vector<Operation> exact, alike;
    const auto expected = world_.runner().expected_of_stray(cache, stray);
    if (!expected) return {};
    const auto consider = [&](const Operation& operation) {
      std::uint8_t through = 0;
      const std::uintptr_t freed = world_.runner().stray_of(operation, through);
      if (!freed || through != cache) return;
      const auto freed_is = world_.runner().expected_of_stray(cache, freed);
      if (!freed_is || freed_is->kind != expected->kind) return;
      (freed == stray ? exact : alike).push_back(operation);
    };
    for (const auto& [address, ordinal] : dead_) consider({.kind = DoubleFree, .object = ordinal});
    for (const LiveRange& range : world_.runner().reference().live()) {
      if (range.ordinal == no_ordinal) continue;
      for (std::uint32_t argument = 0; argument <= max_argument(kind_of(expected->kind)); ++argument)
        consider({.kind = kind_of(expected->kind), .object = range.ordinal, .argument = argument});
    }
    for (std::uint32_t argument = 0; argument <= max_misuse_argument; ++argument)
      consider({.kind = FreeForeign, .target = cache, .argument = argument});
    exact.insert(exact.end(), alike.begin(), alike.end());
    return exact;
  }
  void append(const Operation& operation) { operations_.push_back(operation); }
  void drop() { operations_.pop_back(); }

 private:
  [[nodiscard]] std::uint32_t ordinal_at(std::uintptr_t address) const {
    const LiveRange* const range = world_.runner().reference().find(address);
    return range ? range->ordinal : no_ordinal;
  }

  World& world_;
  std::vector<Operation> operations_;
  std::map<std::uintptr_t, std::uint32_t> dead_;  // the object that died last at an address
  std::uint32_t allocations_ = 0;
};

}  // namespace

std::vector<Program> programs_of(World& world, const std::vector<Transition>& path, const Transition& last,
                                 std::uintptr_t stray, const Mishap& mishap) {
  constexpr std::size_t most = 12;  // ways to free such a pointer that are tried
  Writer writer{world};
  if (!world.start()) return {writer.program({})};
  for (const Transition& transition : path) {
    writer.write(transition);
    writer.execute(transition);
  }
  std::vector<Operation> ends{{}};
  if (stray) {
    ends = writer.misuses(last.cache, stray);
    if (ends.size() > most) ends.resize(most);
  } else {
    writer.write(mishap, last);
    writer.write(last);
  }
  std::vector<Program> programs;
  const auto on_all_backends = [&] {
    for (const std::uint8_t seed : {std::uint8_t{0}, BackendSpec::first_seed_of_ones})
      for (const Reuse reuse : {Reuse::Lifo, Reuse::Fifo, Reuse::Never})
        for (const Placement placement : {Placement::Adjacent, Placement::BarelyAligned, Placement::Scattered})
          programs.push_back(writer.program({reuse, placement, seed}));
  };
  for (const Operation& end : ends) {
    if (stray) writer.append(end);
    on_all_backends();
    if (stray) writer.drop();
  }
  if (!stray && !last.failing && last.sort != Transition::Sort::EndOfProgram) {
    writer.refuse_after(world.slabs() - world.backend().slabs().size());
    on_all_backends();
  }
  return programs;
}

bool is_expressible(World& world, std::uint8_t cache, std::uintptr_t stray) {
  const auto expected = world.runner().expected_of_stray(cache, stray);
  if (!expected) return false;
  switch (expected->kind) {
    case slab::Misuse::DoubleFree:
    case slab::Misuse::ForeignPointer: return true;
    default: break;
  }
  const std::uintptr_t slab_size = world.cache(0).slab_size;
  for (const LiveRange& range : world.runner().reference().live())
    if ((range.begin - world.place(0)) / slab_size == (stray - world.place(0)) / slab_size) return true;
  return false;
}

}  // namespace slabproof

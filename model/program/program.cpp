#include "model/program/program.hpp"

#include <map>

#include "model/program/symbolic_state.hpp"

namespace slabproof {

Program normalised(const Program& program) {
  Program result{program.setup, {}};
  SymbolicState state{program.setup};
  for (const Operation& operation : program.operations) {
    if (!state.applies(operation) || result.operations.size() == Limits::max_operations) continue;
    state.apply(operation);
    result.operations.push_back(operation);
  }
  return result;
}

std::string why_not_in(const Language& language, const Program& program) {
  constexpr const char* of_shape[] = {"a slab cache", "a pool", "a heap"};
  const CacheSpec& first = program.setup.caches[0];
  const SizeLimits& sizes = language.sizes;
  const auto limits = [&] {
    return "sizes from " + std::to_string(sizes.least) + " to " + std::to_string(sizes.most) +
           (sizes.multiple_of > 1 ? " that are multiples of " + std::to_string(sizes.multiple_of) : "") +
           " and alignments up to " + std::to_string(sizes.max_align);
  };
  if (first.shape != language.shape)
    return std::string{"is a program for "} + of_shape[static_cast<unsigned>(first.shape)] +
           ", and what is judged is " + of_shape[static_cast<unsigned>(language.shape)];
  if (program.setup.cache_count > language.instances) return "has two of what there may be one of";
  for (std::size_t i = 0; i < program.setup.cache_count && language.shape == Shape::Pool; ++i)
    if (!sizes.allows_size(program.setup.caches[i].object_size) ||
        !sizes.allows_align(program.setup.caches[i].object_align))
      return "asks for objects that are not accepted: accepted are " + limits();
  for (const Operation& operation : program.operations) {
    if (!language.has(operation.kind))
      return std::string{"has '"} + to_string(operation.kind) + "', which is not promised by what is judged";
    const bool is_sized = operation.kind == OperationKind::Allocate || operation.kind == OperationKind::Reallocate;
    if (is_sized && (!sizes.allows_size(operation.argument) || !sizes.allows_align(1u << operation.detail)))
      return "asks for objects that are not accepted: accepted are " + limits();
  }
  return "";
}

Program renumbered(const Program& program) {
  Program result = normalised(program);
  std::map<std::uint32_t, std::uint32_t> numbers;
  for (Operation& operation : result.operations) {
    if (makes_object(operation.kind)) numbers.emplace(operation.object, static_cast<std::uint32_t>(numbers.size()));
    if (names_object(operation.kind)) operation.object = numbers.at(operation.object);
  }
  return result;
}

}  // namespace slabproof

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

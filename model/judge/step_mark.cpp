#include "model/judge/step_mark.hpp"

#include "model/program/operation_table.hpp"

namespace slabproof {

std::string name_of_step(std::uint8_t operation) {
  if (operation < operation_kinds) return to_string(static_cast<OperationKind>(operation));
  return operation == at_start ? "start" : "end";
}

}  // namespace slabproof

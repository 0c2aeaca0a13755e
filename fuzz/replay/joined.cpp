#include "fuzz/replay/joined.hpp"

#include <algorithm>

namespace slabproof {
namespace {

/// Each candidate of making it small runs them all.
constexpr std::size_t most_operations = 8192;

/// What the harness does at the end of each program.
void free_what_is_left(Program& program) {
  std::vector<std::uint32_t> made;
  for (const Operation& operation : program.operations)
    if (makes_object(operation.kind)) made.push_back(operation.object);
  for (const std::uint32_t object : made) program.operations.push_back({.kind = OperationKind::Free, .object = object});
  program.operations.push_back({.kind = OperationKind::Recover});
}

/// To the only backend that the joined program refuses memory by.
void keep_to(const CacheSpec& cache, std::uint8_t backend, Program& program) {
  std::erase_if(program.operations, [&](const Operation& operation) {
    return operand_of(operation.kind) == Operand::Backend && operation.target != cache.backend;
  });
  for (Operation& operation : program.operations)
    if (operand_of(operation.kind) == Operand::Backend) operation.target = backend;
}

bool is_of_same_objects(const CacheSpec& a, const CacheSpec& b) {
  return a.object_size == b.object_size && a.object_align == b.object_align;
}

}  // namespace

Program joined(std::span<const Program> programs) {
  Program all{programs.back().setup, {}};
  const CacheSpec& last = all.setup.caches[0];
  std::vector<Program> parts;
  std::size_t operations = 0;
  for (std::size_t i = programs.size(); i-- > 0;) {
    Program part = programs[i];
    if (!is_of_same_objects(part.setup.caches[0], last)) continue;
    if (i + 1 < programs.size()) free_what_is_left(part);
    keep_to(programs[i].setup.caches[0], last.backend, part);
    operations += part.operations.size();
    if (operations > most_operations) break;
    parts.push_back(normalised(part));
  }
  std::uint32_t objects = 0;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    const Program counted = renumbered(*part);
    std::uint32_t of_part = 0;
    for (Operation operation : counted.operations) {
      if (makes_object(operation.kind)) ++of_part;
      if (names_object(operation.kind)) operation.object += objects;
      all.operations.push_back(operation);
    }
    objects += of_part;
  }
  return normalised(all);
}

}  // namespace slabproof

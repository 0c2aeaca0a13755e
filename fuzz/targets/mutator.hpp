#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <slab/geometry.hpp>

#include "model/program/language.hpp"
#include "model/program/random_bytes.hpp"

namespace slabproof {

/// What a mutation changes in a program's byte form (docs/format.md).
enum class Mutation : std::uint8_t {
  Insert,     // new operations
  Delete,     // some operations in a row
  Duplicate,  // some operations in a row, repeated at any place
  Swap,       // two operations change places
  Opcode,     // of one operation
  Selector,
  Operand,
  Header,     // one of its fields
  Bytes,      // whatever the fuzzer's own byte mutations do
};
constexpr std::uint8_t mutations = 9;

/// Changes bytes in place and returns their new number, from 1 to max_size; LLVMFuzzerMutate is one.
using MutateBytes = std::size_t (*)(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// A random kind, useful ones more often.
Mutation draw_mutation(SplitMix& random);

/// One mutation of the given kind, in place. Returns the new size; or 0, with the program unchanged, when there is
/// nothing to change or no room for it. All kinds but Bytes leave a header and whole records. The buffer has room for
/// max_size bytes; size is at most that. O(size).
std::size_t apply_mutation(Mutation mutation, std::uint8_t* data, std::size_t size, std::size_t max_size,
                           SplitMix& random, MutateBytes mutate_bytes, const Language& language = slab_language);

/// Some mutations of a program, in place. Returns the new size, at most max_size. Afterwards the first cache is of
/// `row`, if one is given and max_size has room to say so. Deterministic, if mutate_bytes is. Allocates nothing.
/// O(size).
std::size_t mutate_program(std::uint8_t* data, std::size_t size, std::size_t max_size, std::uint32_t seed,
                           std::optional<slab::Row> row, MutateBytes mutate_bytes,
                           const Language& language = slab_language);

}  // namespace slabproof

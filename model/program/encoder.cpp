#include "model/program/encoder.hpp"

#include <map>

#include "model/program/decoder.hpp"
#include "model/program/static_caches.hpp"
#include "model/program/symbolic_state.hpp"

namespace slabproof {
namespace {

std::uint8_t low_byte(std::uint32_t value) { return static_cast<std::uint8_t>(value & 0xFF); }

unsigned log2_of(std::uint32_t power) {
  unsigned shift = 0;
  while (power >> shift > 1) ++shift;
  return shift;
}

std::uint8_t opcode_of(OpcodeKind kind, OperationKind operation) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const Opcode opcode = opcode_at(static_cast<std::uint8_t>(byte));
    if (opcode.kind == kind && opcode.operation == operation) return static_cast<std::uint8_t>(byte);
  }
  return 0xFF;
}

void encode_cache(const CacheSpec& cache, std::uint8_t* spec) {
  spec[0] = cache.backend ? 0x80 : 0;  // bit 7: the backend; mod 3: the row
  while (spec[0] % 3 != static_cast<unsigned>(cache.row())) ++spec[0];
  const unsigned kept[] = {1, 0, 2};
  spec[1] = low_byte((cache.checks ? 0u : 1u) | kept[cache.empty_slabs_kept] << 1 | (cache.is_static ? 8u : 0u));
  if (cache.is_static) {
    for (std::uint8_t i = 0; i < static_geometries_per_row; ++i) {
      const StaticGeometry& geometry = static_geometry(cache.row(), i);
      if (geometry.slab_size == cache.slab_size && geometry.object_size == cache.object_size) spec[2] = i;
    }
    return;
  }
  const unsigned page_shift = log2_of(cache.page_size);
  const unsigned pages_shift = log2_of(cache.slab_size) - page_shift;
  const unsigned more = cache.row() == slab::Row::SmallMultiPage ? pages_shift - 1 : pages_shift;
  spec[2] = low_byte((page_shift - 6) | more << 4);
  unsigned align = 192;
  while (align % (page_shift + 1) != log2_of(cache.object_align)) ++align;
  spec[3] = low_byte(align);
  const std::uint32_t raw = cache.object_size - 1;
  spec[5] = low_byte(raw);
  spec[6] = low_byte(raw >> 8);
  spec[7] = low_byte(raw >> 16);
}

void encode_operation(const Operation& operation, SymbolicState& state, std::vector<std::uint8_t>& bytes) {
  const auto put = [&](std::uint8_t opcode, std::uint32_t selector, std::uint32_t operand) {
    bytes.insert(bytes.end(), {opcode, low_byte(selector), low_byte(operand), low_byte(operand >> 8)});
  };
  std::uint32_t selector = operation.target, operand = 0;
  switch (names(operation.kind)) {
    case Names::NewObject:
      if (const std::uint32_t gap = operation.object - state.next_ordinal(); gap > 0) {
        put(opcode_of(OpcodeKind::SkipOrdinals, OperationKind::Alloc), 0, gap);
        state.skip_ordinals(gap);
      }
      break;
    case Names::LiveObject: operand = static_cast<std::uint32_t>(state.find_live(operation.object)); break;
    case Names::DeadObject: operand = static_cast<std::uint32_t>(state.find_dead(operation.object)); break;
    case Names::Cache:
    case Names::Backend: break;
  }
  if (operation.kind == OperationKind::Reserve) {
    if (operation.argument == reserve_everything)
      selector |= 127u << 1;
    else
      operand = operation.argument;
  } else if (operation.kind == OperationKind::Fail) {
    selector |= static_cast<std::uint32_t>(operation.detail) << 1;
    operand = operation.argument;
  } else if (operation.kind == OperationKind::Reenter) {
    selector |= static_cast<std::uint32_t>(operation.detail) << 1;
  } else {
    selector |= operation.argument << 1;
  }
  put(opcode_of(OpcodeKind::Single, operation.kind), selector, operand);
  state.apply(operation);
}

}  // namespace

Program decode(std::span<const std::uint8_t> bytes) {
  Decoder decoder{bytes.data(), bytes.size()};
  Program program{decoder.setup(), {}};
  for (Operation operation; decoder.next(operation);) program.operations.push_back(operation);
  return program;
}

std::vector<std::uint8_t> encode(const Program& program) {
  const Setup& setup = program.setup;
  std::vector<std::uint8_t> bytes(Decoder::header_size);
  bytes[0] = low_byte((setup.cache_count == 2 ? 1u : 0u) | (setup.backend_count == 2 ? 2u : 0u));
  for (std::size_t i = 0; i < setup.backend_count; ++i) {
    bytes[4 + 2 * i] = low_byte(static_cast<std::uint32_t>(setup.backends[i].reuse) |
                                static_cast<std::uint32_t>(setup.backends[i].placement) << 2);
    bytes[5 + 2 * i] = setup.backends[i].seed;
  }
  for (std::size_t i = 0; i < setup.cache_count; ++i) encode_cache(setup.caches[i], &bytes[8 + 8 * i]);
  SymbolicState state{setup};
  for (const Operation& operation : program.operations)
    if (state.applies(operation)) encode_operation(operation, state, bytes);
  return bytes;
}

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
    const Names named = names(operation.kind);
    if (named == Names::NewObject) numbers.emplace(operation.object, static_cast<std::uint32_t>(numbers.size()));
    if (named == Names::NewObject || named == Names::LiveObject || named == Names::DeadObject)
      operation.object = numbers.at(operation.object);
  }
  return result;
}

}  // namespace slabproof

#include "model/program/codec.hpp"

#include "model/program/decoder.hpp"
#include "model/program/static_caches.hpp"
#include "model/program/symbolic_state.hpp"

namespace slabproof {
namespace {

using format::low_byte, format::Record;

unsigned log2_of(std::uint32_t power) {
  unsigned shift = 0;
  while (power >> shift > 1) ++shift;
  return shift;
}

void encode_pool(const CacheSpec& pool, std::uint8_t* spec) {
  unsigned align = format::common_aligns_end;
  while (align % format::pool_align_shifts != log2_of(pool.object_align)) ++align;
  spec[format::align_at] = low_byte(align);
  for (unsigned i = 0; i < 3; ++i) spec[format::object_size_at + i] = low_byte((pool.object_size - 1) >> 8 * i);
}

void encode_cache(const CacheSpec& cache, std::uint8_t* spec) {
  if (cache.shape != Shape::SlabCache) {
    spec[format::row_at] = cache.backend ? format::on_backend_1 : std::uint8_t{0};
    if (cache.shape == Shape::Pool) encode_pool(cache, spec);
    return;
  }
  spec[format::row_at] = format::byte_of_row(cache.row(), cache.backend ? format::on_backend_1 : 0);
  std::uint32_t kept = 0;
  while (format::empty_slabs_kept[kept] != cache.empty_slabs_kept) ++kept;
  spec[format::options_at] =
      low_byte((cache.checks ? 0u : format::is_unchecked) | kept << 1 | (cache.is_static ? format::is_static : 0u));
  for (const format::GuardedOptions& guarded : format::guarded_options)
    if (cache.guards == guarded.guards && cache.empty_slabs_kept == guarded.empty_slabs_kept)
      spec[format::options_at] = guarded.byte;
  if (cache.is_static) {
    for (std::uint8_t i = 0; i < static_geometries_per_row; ++i) {
      const StaticGeometry& geometry = static_geometry(cache.row(), i);
      if (geometry.slab_size == cache.slab_size && geometry.object_size == cache.object_size)
        spec[format::pages_at] = i;
    }
    return;
  }
  const unsigned page_shift = log2_of(cache.page_size);
  const unsigned pages_shift = log2_of(cache.slab_size) - page_shift;
  const unsigned more = cache.row() == slab::Row::SmallMultiPage ? pages_shift - 1 : pages_shift;
  spec[format::pages_at] = low_byte((page_shift - format::smallest_page_shift) | more << 4);
  unsigned align = format::common_aligns_end;
  while (align % (page_shift + 1) != log2_of(cache.object_align)) ++align;
  spec[format::align_at] = low_byte(align);
  for (unsigned i = 0; i < 3; ++i) spec[format::object_size_at + i] = low_byte((cache.object_size - 1) >> 8 * i);
}

void put(const Record& record, std::vector<std::uint8_t>& bytes) {
  bytes.resize(bytes.size() + format::record_size);
  record.put(bytes.data() + bytes.size() - format::record_size);
}

void encode_operation(const Operation& operation, SymbolicState& state, std::vector<std::uint8_t>& bytes) {
  Record record{.opcode = facts_of(operation.kind).opcodes.first, .selector = operation.target};
  switch (operand_of(operation.kind)) {
    case Operand::NewObject:
      if (const std::uint32_t gap = operation.object - state.next_ordinal(); gap > 0) {
        put({format::skip_ordinals.range.first, 0, static_cast<std::uint16_t>(gap)}, bytes);
        state.skip_ordinals(gap);
      }
      break;
    case Operand::LiveObject: record.operand = static_cast<std::uint16_t>(state.find_live(operation.object)); break;
    case Operand::DeadObject: record.operand = static_cast<std::uint16_t>(state.find_dead(operation.object)); break;
    case Operand::Cache:
    case Operand::Backend: break;
  }
  format::pack_parameter(operation, record);
  if (has_size(operation.kind)) put(format::exact_size(format::exact_sizes.range.first, operation), bytes);
  put(record, bytes);
  state.apply(operation);
}

}  // namespace

Program decode(std::span<const std::uint8_t> bytes, const Language& language) {
  Decoder decoder{bytes.data(), bytes.size(), language};
  Program program{decoder.setup(), {}};
  for (Operation operation; decoder.next(operation);) program.operations.push_back(operation);
  return program;
}

std::vector<std::uint8_t> encode(const Program& program) {
  const Setup& setup = program.setup;
  std::vector<std::uint8_t> bytes(format::header_size);
  bytes[format::shape_at] = low_byte((setup.cache_count == 2 ? format::two_caches : 0u) |
                                     (setup.backend_count == 2 ? format::two_backends : 0u));
  for (std::size_t i = 0; i < setup.backend_count; ++i) {
    std::uint8_t* const spec = &bytes[format::backend_at(i)];
    spec[format::behaviour_at] = low_byte(static_cast<std::uint32_t>(setup.backends[i].reuse) |
                                          static_cast<std::uint32_t>(setup.backends[i].placement) << 2);
    spec[format::seed_at] = setup.backends[i].seed;
  }
  for (std::size_t i = 0; i < setup.cache_count; ++i) encode_cache(setup.caches[i], &bytes[format::cache_at(i)]);
  SymbolicState state{setup};
  for (const Operation& operation : program.operations)
    if (state.applies(operation)) encode_operation(operation, state, bytes);
  return bytes;
}

}  // namespace slabproof

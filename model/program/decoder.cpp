#include "model/program/decoder.hpp"

#include "model/program/layout.hpp"
#include "model/program/static_caches.hpp"

namespace slabproof {
namespace {

/// Consecutive opcodes; frequent operations have more of them, so that random bytes are good programs.
struct OpcodeRange {
  std::uint8_t first, last;
  Opcode opcode;
};

using enum OperationKind;
constexpr OpcodeRange opcode_ranges[] = {
    {0x00, 0x3F, {OpcodeKind::Single, Alloc}},
    {0x40, 0x7F, {OpcodeKind::Single, Free}},
    {0x80, 0x8F, {OpcodeKind::Single, AllocNoGrow}},
    {0x90, 0x97, {OpcodeKind::AllocBurst, Alloc}},
    {0x98, 0x9F, {OpcodeKind::FreeBurst, Free}},
    {0xA0, 0xA3, {OpcodeKind::Single, Reserve}},
    {0xA4, 0xA7, {OpcodeKind::Single, Shrink}},
    {0xA8, 0xAF, {OpcodeKind::Single, Fail}},
    {0xB0, 0xB1, {OpcodeKind::Single, Recover}},
    {0xB2, 0xB2, {OpcodeKind::Single, FreeNull}},
    {0xB3, 0xB3, {OpcodeKind::Single, Destroy}},
    {0xB4, 0xB7, {OpcodeKind::Single, DoubleFree}},
    {0xB8, 0xB9, {OpcodeKind::Single, FreeInterior}},
    {0xBA, 0xBA, {OpcodeKind::Single, FreeSlabInfo}},
    {0xBB, 0xBB, {OpcodeKind::Single, FreeTailWaste}},
    {0xBC, 0xBC, {OpcodeKind::Single, FreeForeign}},
    {0xBD, 0xBD, {OpcodeKind::Single, FreeThroughOther}},
    {0xBE, 0xBE, {OpcodeKind::Single, FreeNeverAllocated}},
    {0xBF, 0xBF, {OpcodeKind::Single, CorruptLink}},
    {0xC0, 0xC0, {OpcodeKind::Single, Reenter}},
    {0xC1, 0xC1, {OpcodeKind::SkipOrdinals, Alloc}},
};

struct OpcodeTable {
  Opcode entries[256];
  constexpr OpcodeTable() : entries{} {
    for (const OpcodeRange& range : opcode_ranges)
      for (unsigned byte = range.first; byte <= range.last; ++byte) entries[byte] = range.opcode;
  }
};
constexpr OpcodeTable opcode_table;

// Header bytes. Each field has bytes of its own, so that a mutation changes one thing.
constexpr std::size_t shape_at = 0;      // bit 0: two caches; bit 1: two backends
constexpr std::size_t swarm_at = 1;      // 2 bytes: operation kinds (mod 16) that do not occur
constexpr std::size_t phases_at = 3;     // bits 0-1: none, fill/drain, fill/churn/drain; rest: period
constexpr std::size_t backends_at = 4;   // 2 bytes each
constexpr std::size_t caches_at = 8;     // 8 bytes each

BackendSpec decode_backend(std::uint8_t how, std::uint8_t seed) {
  return {static_cast<Reuse>((how & 3) % 3), static_cast<Placement>((how >> 2 & 3) % 3), seed};
}

/// The largest object size that leaves room for `objects` slots of this alignment; 0 if none does.
std::uint32_t largest_object(std::uint32_t slab_size, slab::ObjectSizeType type, std::uint32_t objects,
                             std::uint32_t align) {
  const std::uint32_t slot_align = align < 8 ? 8 : align;
  const std::uint32_t info = type == slab::ObjectSizeType::Small ? slab_info_bytes(objects) : 0;
  if (info >= slab_size) return 0;
  return (slab_size - info) / objects / slot_align * slot_align;
}

CacheSpec decode_cache(const std::uint8_t* spec) {
  CacheSpec cache;
  const auto row = static_cast<slab::Row>(spec[0] % 3);
  cache.type = row == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
  cache.backend = spec[0] >> 7;
  const std::uint8_t kept[] = {1, 0, 2, 1};
  cache.checks = (spec[1] & 1) == 0;
  cache.empty_slabs_kept = kept[spec[1] >> 1 & 3];
  cache.is_static = (spec[1] & 8) != 0;
  if (cache.is_static) {
    const StaticGeometry& geometry = static_geometry(row, spec[2]);
    cache.slab_size = geometry.slab_size;
    cache.page_size = geometry.page_size;
    cache.object_size = geometry.object_size;
    cache.object_align = geometry.object_align;
    if (cache.empty_slabs_kept == 2) cache.empty_slabs_kept = 1;
    return cache;
  }

  const unsigned page_shift = 6 + (spec[2] & 15) % 7;
  const unsigned more = spec[2] >> 4;
  const unsigned pages_shift = row == slab::Row::SmallSinglePage  ? 0
                               : row == slab::Row::SmallMultiPage ? 1 + more % 4
                                                                  : more % 5;
  cache.page_size = 1u << page_shift;
  cache.slab_size = cache.page_size << pages_shift;

  // Mostly at most 16; now and then up to a page. Halved until an object of one slot fits.
  const unsigned align_shift = spec[3] < 192 ? spec[3] % 5 : spec[3] % (page_shift + 1);
  cache.object_align = 1u << align_shift;
  std::uint32_t largest = 0;
  while ((largest = largest_object(cache.slab_size, cache.type, 1, cache.object_align)) == 0) cache.object_align /= 2;

  // Half of all programs have one to eight objects a slab, at or just below the size where the
  // count changes; that is where the bugs of slab allocators live.
  if (spec[4] & 1) {
    std::uint32_t objects = 1 + (spec[4] >> 1 & 7), size = 0;
    while ((size = largest_object(cache.slab_size, cache.type, objects, cache.object_align)) == 0) --objects;
    const std::uint32_t less = spec[4] >> 4 & 3;
    cache.object_size = size > less ? size - less : size;
  } else {
    const std::uint32_t raw = spec[5] | std::uint32_t{spec[6]} << 8 | std::uint32_t{spec[7]} << 16;
    cache.object_size = 1 + raw % largest;
  }
  return cache;
}

}  // namespace

Opcode opcode_at(std::uint8_t byte) { return opcode_table.entries[byte]; }

Setup decode_setup(const std::uint8_t* data, std::size_t size) {
  std::uint8_t header[Decoder::header_size] = {};
  for (std::size_t i = 0; i < size && i < Decoder::header_size; ++i) header[i] = data[i];
  Setup setup;
  setup.cache_count = (header[shape_at] & 1) ? 2 : 1;
  setup.backend_count = (header[shape_at] & 2) ? 2 : 1;
  for (std::size_t i = 0; i < setup.backend_count; ++i)
    setup.backends[i] = decode_backend(header[backends_at + 2 * i], header[backends_at + 2 * i + 1]);
  for (std::size_t i = 0; i < setup.cache_count; ++i) {
    setup.caches[i] = decode_cache(header + caches_at + 8 * i);
    if (setup.backend_count == 1) setup.caches[i].backend = 0;
  }
  return setup;
}

Decoder::Decoder(const std::uint8_t* data, std::size_t size)
    : data_{data}, size_{size}, setup_{decode_setup(data, size)}, state_{setup_} {}

bool Decoder::next(Operation& operation) {
  while (yielded_ < Limits::max_operations) {
    if (burst_left_ > 0 ? next_of_burst(operation) : decode_record(operation)) {
      state_.apply(operation);
      ++yielded_;
      return true;
    }
    if (burst_left_ == 0 && position_ >= size_) return false;
  }
  return false;
}

bool Decoder::next_of_burst(Operation& operation) {
  --burst_left_;
  operation = {.kind = burst_kind_};
  if (burst_kind_ == OperationKind::Alloc) {
    operation.target = burst_cache_;
    operation.object = state_.next_ordinal();
  } else {
    const std::size_t live = state_.live_count();
    if (live == 0) return burst_left_ = 0, false;
    shuffle_ = shuffle_ * 1664525u + 1013904223u;  // Numerical Recipes' generator
    const std::size_t shuffled = (shuffle_ >> 8) % live;
    operation.object = state_.live(burst_order_ == Order::Fifo ? 0 : burst_order_ == Order::Lifo ? live - 1 : shuffled);
  }
  if (state_.applies(operation)) return true;
  burst_left_ = 0;
  return false;
}

bool Decoder::decode_record(Operation& operation) {
  if (position_ >= size_) return false;
  const std::size_t index = (position_ - header_size) / record_size;
  Opcode opcode = opcode_at(byte(position_));
  const unsigned selector = byte(position_ + 1);
  const unsigned operand = byte(position_ + 2) | static_cast<unsigned>(byte(position_ + 3)) << 8;
  position_ += record_size;
  if (opcode.kind == OpcodeKind::Unassigned) return false;
  if (opcode.kind == OpcodeKind::SkipOrdinals) {
    if (state_.next_ordinal() + operand <= Limits::max_ordinal) state_.skip_ordinals(operand);
    return false;
  }

  // Swarm: the kinds that this program does without (Groce et al., ISSTA 2012).
  const unsigned absent = byte(swarm_at) | static_cast<unsigned>(byte(swarm_at + 1)) << 8;
  if (absent >> (static_cast<unsigned>(opcode.operation) % 16) & 1) return false;

  // Phases: half of the frees of a filling phase allocate instead, and the other way round.
  if (const unsigned phases = byte(phases_at) & 3; phases == 1 || phases == 2) {
    const std::size_t phase = index / (8 + (byte(phases_at) >> 2)) % (phases + 1);
    const bool filling = phase == 0, draining = phase == phases;
    if (operand & 0x8000) {
      if (filling && opcode.operation == OperationKind::Free) opcode = {OpcodeKind::Single, OperationKind::Alloc};
      if (draining && opcode.operation == OperationKind::Alloc) opcode = {OpcodeKind::Single, OperationKind::Free};
    }
  }

  if (opcode.kind == OpcodeKind::Single) return make(opcode.operation, selector, operand, operation);
  burst_kind_ = opcode.operation;
  burst_cache_ = static_cast<std::uint8_t>(selector % state_.cache_count());
  burst_left_ = 1 + (operand & 0xFF);
  burst_order_ = static_cast<Order>((operand >> 8) % 3);
  shuffle_ = operand * 2654435761u + selector;
  return false;
}

bool Decoder::make(OperationKind kind, unsigned selector, unsigned operand, Operation& operation) const {
  operation = {.kind = kind};
  const unsigned more = selector >> 1;  // the bits beside the cache
  switch (names(kind)) {
    case Names::NewObject: operation.object = state_.next_ordinal(); [[fallthrough]];
    case Names::Cache: operation.target = static_cast<std::uint8_t>((selector & 1) % state_.cache_count()); break;
    case Names::Backend: operation.target = static_cast<std::uint8_t>((selector & 1) % state_.backend_count()); break;
    case Names::LiveObject:
      if (state_.live_count() == 0) return false;
      operation.object = state_.live(operand % state_.live_count());
      break;
    case Names::DeadObject:
      if (state_.dead_count() == 0) return false;
      operation.object = state_.dead(operand % state_.dead_count());
      break;
  }
  if (kind == OperationKind::Reserve) {
    operation.argument = more == 127 ? reserve_everything : operand % (max_reserve + 1);
  } else if (kind == OperationKind::Fail) {
    auto call = static_cast<unsigned>(more & 3);
    const unsigned mode = (more >> 2) % 3;
    if (static_cast<FailureMode>(mode) == FailureMode::Misaligned &&
        static_cast<FailingCall>(call) == FailingCall::SaveSlabInfo)
      call = static_cast<unsigned>(FailingCall::AllocSlab);
    operation.detail = static_cast<std::uint8_t>(call | mode << 2);
    operation.argument = operand % (max_calls_let_through + 1);
  } else if (kind == OperationKind::Reenter) {
    operation.detail = static_cast<std::uint8_t>(more % 5);
  } else if (max_argument(kind) != 0) {
    operation.argument = more;
  }
  return state_.applies(operation);
}

}  // namespace slabproof

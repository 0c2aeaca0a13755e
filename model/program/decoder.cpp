#include "model/program/decoder.hpp"

#include "model/program/layout.hpp"
#include "model/program/static_caches.hpp"

namespace slabproof {

using format::Record;

namespace {

BackendSpec decode_backend(const std::uint8_t* spec) {
  const std::uint8_t how = spec[format::behaviour_at];
  return {static_cast<Reuse>((how & 3) % 3), static_cast<Placement>((how >> 2 & 3) % 3), spec[format::seed_at]};
}

/// Numerical Recipes' generator.
constexpr std::uint32_t next_random(std::uint32_t state) { return state * 1664525u + 1013904223u; }

/// The largest object size that leaves room for `objects` slots of this alignment, and `info` bytes more in a Small
/// slab; 0 if none does.
std::uint32_t largest_size(std::uint32_t slab_size, std::uint32_t info, std::uint32_t objects, std::uint32_t align) {
  const std::uint32_t slot_align = align < 8 ? 8 : align;
  return info >= slab_size ? 0 : (slab_size - info) / objects / slot_align * slot_align;
}

/// Bytes choose among the object sizes that they would have had with a SlabInfo of this size. It is that of an earlier
/// layout, of 48 bytes and a bit a slot, and stays, so that bytes name the same object sizes for good.
std::uint32_t info_of_sizes(slab::ObjectSizeType type, std::uint32_t objects) {
  return type == slab::ObjectSizeType::Small ? 48 + 8 * ((objects + 63) / 64) : 0;
}

/// Gives the object a slab that it fits into: larger pages, or, where they are the largest already, a smaller object.
void make_room(CacheSpec& cache) {
  const bool is_small = cache.type == slab::ObjectSizeType::Small;
  const std::uint32_t info = is_small ? slab_info_bytes(1u, cache.checks ? 1u : 0u) : 0;
  const auto added = static_cast<std::uint32_t>(facts_of(cache.guards).added_bytes());
  const auto largest = [&] {
    const std::uint32_t slot = largest_size(cache.slab_size, info, 1, cache.object_align);
    return slot > added ? slot - added : 0;
  };
  while (cache.object_size > largest() && cache.page_size < Limits::max_page_size) {
    cache.page_size *= 2;
    cache.slab_size *= 2;
  }
  if (cache.object_size > largest()) cache.object_size = largest();
}

CacheSpec decode_cache(const std::uint8_t* spec) {
  CacheSpec cache;
  const slab::Row row = format::row_of_byte(spec[format::row_at]);
  cache.type = row == slab::Row::Large ? slab::ObjectSizeType::Large : slab::ObjectSizeType::Small;
  cache.backend = (spec[format::row_at] & format::on_backend_1) != 0;
  const std::uint8_t options = spec[format::options_at];
  cache.checks = (options & format::is_unchecked) == 0;
  cache.empty_slabs_kept = format::empty_slabs_kept[options >> 1 & 3];
  cache.is_static = (options & format::is_static) != 0;
  for (const format::GuardedOptions& guarded : format::guarded_options)
    if (options == guarded.byte)
      cache.checks = true, cache.is_static = false, cache.guards = guarded.guards,
      cache.empty_slabs_kept = guarded.empty_slabs_kept;
  const std::uint8_t pages = spec[format::pages_at];
  if (cache.is_static) {
    const StaticGeometry& geometry = static_geometry(row, pages);
    cache.slab_size = geometry.slab_size;
    cache.page_size = geometry.page_size;
    cache.object_size = geometry.object_size;
    cache.object_align = geometry.object_align;
    if (cache.empty_slabs_kept == 2) cache.empty_slabs_kept = 1;
    return cache;
  }

  const unsigned page_shift = format::smallest_page_shift + (pages & 15) % format::page_shifts;
  const unsigned more = pages >> 4;
  const unsigned pages_shift = row == slab::Row::SmallSinglePage  ? 0
                               : row == slab::Row::SmallMultiPage ? 1 + more % 4
                                                                  : more % 5;
  cache.page_size = 1u << page_shift;
  cache.slab_size = cache.page_size << pages_shift;

  // Mostly at most 16; sometimes up to a page. Halved until one object fits.
  const unsigned align = spec[format::align_at];
  cache.object_align = 1u << (align < format::common_aligns_end ? align % 5 : align % (page_shift + 1));
  std::uint32_t largest = 0;
  const auto largest_of = [&](std::uint32_t objects) {
    return largest_size(cache.slab_size, info_of_sizes(cache.type, objects), objects, cache.object_align);
  };
  while ((largest = largest_of(1)) == 0) cache.object_align /= 2;

  // Half of all programs have one to eight objects a slab: that is where the bugs of slab allocators live.
  if (const std::uint8_t count = spec[format::objects_at]; count & 1) {
    std::uint32_t objects = 1 + (count >> 1 & 7), size = 0;
    while ((size = largest_of(objects)) == 0) --objects;
    const std::uint32_t less = count >> 4 & 3;
    cache.object_size = size > less ? size - less : size;
  } else {
    const std::uint8_t* const raw = spec + format::object_size_at;
    cache.object_size = 1 + (format::word_at(raw) | std::uint32_t{raw[2]} << 16) % largest;
  }
  make_room(cache);
  return cache;
}

/// A pool or a heap.
CacheSpec decode_allocator(const std::uint8_t* spec, const Language& language) {
  CacheSpec allocator{.backend = (spec[format::row_at] & format::on_backend_1) != 0, .shape = language.shape};
  if (language.shape == Shape::Heap) return allocator;
  const unsigned align = spec[format::align_at];
  allocator.object_align = 1u << (align < format::common_aligns_end ? align % 5 : align % format::pool_align_shifts);
  while (!language.sizes.allows_align(allocator.object_align)) allocator.object_align /= 2;
  const std::uint8_t* const raw = spec + format::object_size_at;
  if (spec[format::objects_at] & 1) {
    allocator.object_size = format::picked_size(format::word_at(raw), language.sizes);
  } else {
    const std::uint32_t less_one = format::word_at(raw) | std::uint32_t{raw[2]} << 16;
    allocator.object_size = language.sizes.nearest(1 + less_one % language.sizes.most);
  }
  return allocator;
}

}  // namespace

Setup decode_setup(const std::uint8_t* data, std::size_t size, const Language& language) {
  std::uint8_t header[format::header_size] = {};
  for (std::size_t i = 0; i < size && i < format::header_size; ++i) header[i] = data[i];
  Setup setup;
  setup.cache_count = (header[format::shape_at] & format::two_caches) && language.instances > 1 ? 2 : 1;
  setup.backend_count = (header[format::shape_at] & format::two_backends) ? 2 : 1;
  for (std::size_t i = 0; i < setup.backend_count; ++i)
    setup.backends[i] = decode_backend(header + format::backend_at(i));
  for (std::size_t i = 0; i < setup.cache_count; ++i) {
    const std::uint8_t* const spec = header + format::cache_at(i);
    setup.caches[i] = language.shape == Shape::SlabCache ? decode_cache(spec) : decode_allocator(spec, language);
    if (setup.backend_count == 1) setup.caches[i].backend = 0;
  }
  return setup;
}

Decoder::Decoder(const std::uint8_t* data, std::size_t size, const Language& language)
    : data_{data}, size_{size}, language_{language}, setup_{decode_setup(data, size, language)}, state_{setup_} {}

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
  if (makes_object(burst_kind_)) {
    operation.target = burst_cache_;
    operation.object = state_.next_ordinal();
    if (facts_of(burst_kind_).any_size) {
      shuffle_ = next_random(shuffle_);
      format::unpack_size({.operand = static_cast<std::uint16_t>(shuffle_ >> 16)}, language_.sizes, operation);
    }
  } else {
    const std::size_t live = state_.live_count();
    if (live == 0) return burst_left_ = 0, false;
    shuffle_ = next_random(shuffle_);
    const std::size_t shuffled = (shuffle_ >> 8) % live;
    operation.object = state_.live(burst_order_ == Order::Fifo ? 0 : burst_order_ == Order::Lifo ? live - 1 : shuffled);
  }
  if (state_.applies(operation)) return true;
  burst_left_ = 0;
  return false;
}

Record Decoder::record() const {
  if (position_ + format::record_size <= size_) return Record::at(data_ + position_);
  std::uint8_t bytes[format::record_size];
  for (std::size_t i = 0; i < format::record_size; ++i) bytes[i] = byte(position_ + i);
  return Record::at(bytes);
}

bool Decoder::decode_record(Operation& operation) {
  if (position_ >= size_) return false;
  const std::size_t index = (position_ - format::header_size) / format::record_size;
  const Record record = this->record();
  position_ += format::record_size;
  Opcode opcode = opcode_of(record.opcode, language_);
  if (opcode.kind == OpcodeKind::Unassigned) return false;
  if (opcode.kind == OpcodeKind::ExactSize) {
    exact_size_ = record;
    has_exact_size_ = true;
    return false;
  }
  if (opcode.kind == OpcodeKind::SkipOrdinals) {
    if (state_.next_ordinal() + record.operand <= Limits::max_ordinal) state_.skip_ordinals(record.operand);
    return false;
  }
  if (format::Swarm::of(data_).keeps_out(opcode.operation)) return false;

  // Phases: in a filling phase half of the frees allocate instead; in a draining phase the reverse.
  if (const unsigned phases = data_[format::phases_at] & 3; phases == 1 || phases == 2) {
    const std::size_t phase = index / (8 + (data_[format::phases_at] >> 2)) % (phases + 1);
    const bool filling = phase == 0, draining = phase == phases;
    if (record.operand & 0x8000) {
      const OperationKind allocation = language_.allocation();
      if (filling && opcode.operation == OperationKind::Free) opcode = {OpcodeKind::Single, allocation};
      if (draining && opcode.operation == allocation) opcode = {OpcodeKind::Single, OperationKind::Free};
    }
  }

  if (opcode.kind == OpcodeKind::Single) return make(opcode.operation, record, operation);
  burst_kind_ = opcode.operation;
  burst_cache_ = static_cast<std::uint8_t>(record.selector % state_.cache_count());
  burst_left_ = 1 + (record.operand & 0xFF);
  burst_order_ = static_cast<Order>((record.operand >> 8) % 3);
  shuffle_ = record.operand * 2654435761u + record.selector;
  return false;
}

bool Decoder::make(OperationKind kind, const Record& record, Operation& operation) {
  operation = {.kind = kind};
  const bool has_exact_size = has_exact_size_;
  has_exact_size_ = false;
  switch (operand_of(kind)) {
    case Operand::NewObject: operation.object = state_.next_ordinal(); [[fallthrough]];
    case Operand::Cache: operation.target = static_cast<std::uint8_t>(record.target() % state_.cache_count()); break;
    case Operand::Backend:
      operation.target = static_cast<std::uint8_t>(record.target() % state_.backend_count());
      break;
    case Operand::LiveObject:
      if (state_.live_count() == 0) return false;
      operation.object = state_.live(record.object(kind) % state_.live_count());
      break;
    case Operand::DeadObject:
      if (state_.dead_count() == 0) return false;
      operation.object = state_.dead(record.operand % state_.dead_count());
      break;
  }
  if (!format::unpack_parameter(record, operation)) return false;
  if (has_size(kind)) {
    if (has_exact_size)
      format::unpack_exact_size(exact_size_, language_.sizes, operation);
    else
      format::unpack_size(record, language_.sizes, operation);
  } else if (kind == OperationKind::Fail && language_.shape != Shape::SlabCache) {
    operation.detail = Failure{FailingCall::Any, operation.failure().mode == FailureMode::Always ? FailureMode::Always
                                                                                                 : FailureMode::Once}
                           .packed();
  }
  return state_.applies(operation);
}

}  // namespace slabproof

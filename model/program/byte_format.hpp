#pragma once

#include <cstddef>
#include <cstdint>

#include <slab/geometry.hpp>

#include "model/program/guards.hpp"
#include "model/program/language.hpp"
#include "model/program/operation_table.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// What an opcode means. Unassigned ones do nothing and are the only ones that a later version may
/// assign.
enum class OpcodeKind : std::uint8_t { Single, AllocBurst, FreeBurst, SkipOrdinals, ExactSize, Unassigned };
struct Opcode {
  OpcodeKind kind = OpcodeKind::Unassigned;
  OperationKind operation = OperationKind::Alloc;  // of Single and the bursts

  [[nodiscard]] constexpr bool does_nothing() const {
    return kind == OpcodeKind::Unassigned || kind == OpcodeKind::SkipOrdinals || kind == OpcodeKind::ExactSize;
  }
  friend constexpr bool operator==(const Opcode&, const Opcode&) = default;
};

/// The byte form of programs, docs/format.md, for the code that reads, writes and mutates it: a header, then records of
/// operations; where each field is and how it is packed.
namespace format {

constexpr std::size_t header_size = 24, record_size = 4;

// The header. Each field has bytes of its own, so that a mutation changes one thing.
constexpr std::size_t shape_at = 0;
constexpr std::uint8_t two_caches = 1, two_backends = 2;  // bits of the shape
constexpr std::size_t swarm_at = 1;  // 2 bytes: Swarm
constexpr std::size_t phases_at = 3;  // bits 0-1: none, fill/drain, fill/churn/drain; rest: period
constexpr std::size_t backends_at = 4, backend_size = 2;
constexpr std::size_t caches_at = 8, cache_size = 8;

// A backend.
constexpr std::size_t behaviour_at = 0;  // bits 0-1: reuse, 2-3: placement
constexpr std::size_t seed_at = 1;

// A cache.
constexpr std::size_t row_at = 0;
constexpr std::uint8_t on_backend_1 = 0x80;  // bit of the row's byte
constexpr std::size_t options_at = 1;
constexpr std::uint8_t is_unchecked = 1, is_static = 8;  // bits of the options
constexpr std::uint8_t empty_slabs_kept[] = {1, 0, 2, 1};  // by bits 1-2 of the options
/// These options have no bits: each names a policy with guards, of a DynamicCache. No older file of the corpus has one.
struct GuardedOptions {
  std::uint8_t byte;
  Guards guards;
  std::uint8_t empty_slabs_kept;
};
constexpr GuardedOptions guarded_options[] = {{0xDC, Guards::RedZone, 1},     {0xDD, Guards::Pattern, 1},
                                              {0xDE, Guards::Quarantine, 1},  {0xDF, Guards::Quarantine, 0},
                                              {0xE0, Guards::ZeroOnAlloc, 1}, {0xE1, Guards::ZeroOnFree, 1},
                                              {0xE2, Guards::Debug, 1},       {0xE6, Guards::Debug, 0}};
constexpr std::size_t pages_at = 2;  // bits 0-3: page size, 4-7: pages a slab; static: which
constexpr unsigned smallest_page_shift = 6, page_shifts = 7;  // 64 to 4096 bytes
constexpr std::size_t align_at = 3;
constexpr unsigned common_aligns_end = 192;  // below this at most 16 bytes, from here on up to a page
constexpr unsigned pool_align_shifts = 13;  // of a pool: up to 4096 bytes from common_aligns_end on
constexpr std::size_t objects_at = 4;  // bit 0: the object size follows from a number of objects
constexpr std::size_t object_size_at = 5;  // 3 bytes, less one

constexpr std::uint8_t low_byte(std::uint32_t value) { return static_cast<std::uint8_t>(value & 0xFF); }
constexpr unsigned word_at(const std::uint8_t* bytes) { return bytes[0] | static_cast<unsigned>(bytes[1]) << 8; }
constexpr std::size_t cache_at(std::size_t index) { return caches_at + index * cache_size; }
constexpr std::size_t backend_at(std::size_t index) { return backends_at + index * backend_size; }

/// The row of a cache. Every value of the byte is one.
constexpr slab::Row row_of_byte(std::uint8_t byte) { return static_cast<slab::Row>(byte % 3); }
/// The next byte from `byte` on that means `row`.
constexpr std::uint8_t byte_of_row(slab::Row row, std::uint8_t byte) {
  while (row_of_byte(byte) != row) ++byte;
  return byte;
}

/// The kinds of operations that a program does not use (swarm testing: Groce et al., ISSTA 2012).
struct Swarm {
  unsigned mask = 0;
  [[nodiscard]] static constexpr Swarm of(const std::uint8_t* header) { return {word_at(header + swarm_at)}; }
  [[nodiscard]] constexpr bool keeps_out(OperationKind kind) const { return mask >> facts_of(kind).swarm_bit & 1; }
};

/// The record of an operation: an opcode, a selector (bit 0: cache or backend; the rest: more) and an operand.
struct Record {
  std::uint8_t opcode = 0, selector = 0;
  std::uint16_t operand = 0;

  [[nodiscard]] static constexpr Record at(const std::uint8_t* bytes) {
    return {bytes[0], bytes[1], static_cast<std::uint16_t>(word_at(bytes + 2))};
  }
  constexpr void put(std::uint8_t* bytes) const {
    bytes[0] = opcode, bytes[1] = selector, bytes[2] = low_byte(operand), bytes[3] = low_byte(operand >> 8);
  }
  [[nodiscard]] constexpr std::uint8_t target() const { return selector & 1; }
  [[nodiscard]] constexpr std::uint8_t more() const { return selector >> 1; }
  /// Of InfoDamage: the operand's upper bits say more too, since the lower ones suffice for any object.
  [[nodiscard]] constexpr std::uint32_t damage() const {
    return more() | (std::uint32_t{operand} >> damage_shift) << 7;
  }
  [[nodiscard]] constexpr std::uint32_t object(OperationKind kind) const {
    return parameter_of(kind) == Parameter::InfoDamage ? operand & ((1u << damage_shift) - 1) : operand;
  }
  static constexpr unsigned damage_shift = 10;
  static_assert(Limits::max_live_objects <= 1u << damage_shift);
};
constexpr std::size_t opcode_at = 0, selector_at = 1, operand_at = 2;  // in a record

constexpr std::uint8_t more_for_everything = 127;  // of a Record that reserves everything
constexpr std::uint8_t first_call_on_misuse = 3;  // below it a Record means no call
static_assert(max_misuse_argument == 127 && sizeof(failing_calls) / sizeof(failing_calls[0]) == 4 &&
                  sizeof(failure_modes) / sizeof(failure_modes[0]) == 3 &&
                  sizeof(reentrant_calls) / sizeof(reentrant_calls[0]) == 5 &&
                  sizeof(backend_errors) / sizeof(backend_errors[0]) == 6,
              "what the rest of a selector stands for would change in every program");

/// Sets the parameter of `operation`, whose kind is set, from a record. False if the record has none: it does nothing.
constexpr bool unpack_parameter(const Record& record, Operation& operation) {
  switch (parameter_of(operation.kind)) {
    case Parameter::None: return true;
    case Parameter::ObjectCount:
      operation.argument =
          record.more() == more_for_everything ? reserve_everything : record.operand % (max_reserve + 1);
      return true;
    case Parameter::Failure: {
      const Failure failure{static_cast<FailingCall>(record.more() & 3),
                            static_cast<FailureMode>((record.more() >> 2) % 3)};
      operation.detail = failure.made_possible().packed();
      operation.argument = record.operand % (max_calls_let_through + 1);
      return true;
    }
    case Parameter::ReentrantCall: operation.detail = record.more() % 5; return true;
    case Parameter::CallOnMisuse: {
      const std::uint8_t call = record.more() % 8;
      if (call < first_call_on_misuse) return false;
      return operation.detail = static_cast<std::uint8_t>(call - first_call_on_misuse), true;
    }
    case Parameter::BackendError:
      operation.detail = record.more() % 8;
      operation.argument = record.operand % (max_calls_let_through + 1);
      return operation.detail < 6;
    case Parameter::Pick: operation.argument = record.more(); return true;
    case Parameter::InfoDamage: operation.argument = record.damage(); return operation.argument <= max_damage;
    case Parameter::Size:
    case Parameter::SizeAndAlign:
    case Parameter::CountAndSize: return true;  // by unpack_size
  }
  return true;
}

/// The reverse.
constexpr void pack_parameter(const Operation& operation, Record& record) {
  std::uint32_t more = 0;
  switch (parameter_of(operation.kind)) {
    case Parameter::None: return;
    case Parameter::ObjectCount:
      if (operation.argument == reserve_everything)
        more = more_for_everything;
      else
        record.operand = static_cast<std::uint16_t>(operation.argument);
      break;
    case Parameter::Failure:
    case Parameter::BackendError:
      more = operation.detail;
      record.operand = static_cast<std::uint16_t>(operation.argument);
      break;
    case Parameter::ReentrantCall: more = operation.detail; break;
    case Parameter::CallOnMisuse: more = operation.detail + std::uint32_t{first_call_on_misuse}; break;
    case Parameter::Pick: more = operation.argument; break;
    case Parameter::InfoDamage:
      more = operation.argument & 0x7F;
      record.operand = static_cast<std::uint16_t>(record.operand | (operation.argument >> 7) << Record::damage_shift);
      break;
    case Parameter::Size:
    case Parameter::SizeAndAlign:
    case Parameter::CountAndSize: return;  // in the record before: exact_size
  }
  record.selector = low_byte(record.selector | more << 1);
}

// Sizes of a heap's objects, and of a pool's.

constexpr unsigned size_pick_bits = 13;
/// A size that is allowed: small ones often, and half of the large ones within 64 bytes of a power of two, where
/// allocators round and change their ways.
constexpr std::uint32_t picked_size(unsigned pick, const SizeLimits& limits) {
  const unsigned choice = pick & 31, fine = pick >> 5 & 255;
  const unsigned power = choice < 16 ? choice / 2 : choice < 24 ? 8 + (choice - 16) / 2 : choice - 12;
  const std::uint32_t base = 1u << power;
  std::uint32_t size = power <= 8 ? base + fine % base
                       : fine & 1 ? base + fine / 2 - 64
                                  : base + (fine / 2 << (power - 7));
  if (size > limits.most) size = limits.least + size % (limits.most - limits.least + 1);
  return limits.nearest(size);
}
/// Mostly none is asked for.
constexpr std::uint8_t picked_align(unsigned pick, const SizeLimits& limits) {
  constexpr std::uint8_t powers[] = {0, 0, 0, 3, 4, 5, 6, 12};
  std::uint8_t power = powers[pick & 7];
  while (!limits.allows_align(1u << power)) --power;
  return power;
}

/// Sets the size of `operation`, and its alignment or count, from a record. A record of a live object has fewer bits
/// for them.
constexpr void unpack_size(const Record& record, const SizeLimits& limits, Operation& operation) {
  if (parameter_of(operation.kind) == Parameter::Size) {
    operation.argument = picked_size(record.more() | static_cast<unsigned>(record.operand) >> 10 << 7, limits);
    return;
  }
  operation.argument = picked_size(record.operand, limits);
  const unsigned more = static_cast<unsigned>(record.operand) >> size_pick_bits;
  if (parameter_of(operation.kind) == Parameter::SizeAndAlign) {
    operation.detail = picked_align(more, limits);
    return;
  }
  operation.detail = static_cast<std::uint8_t>(more);
  if (const std::uint64_t count = zeroed_counts[more].value; count > 0 && count < operation.argument)
    operation.argument /= static_cast<std::uint32_t>(count);  // so many together
}

/// A record that says the size, and the detail, of the operation behind it: 20 bits of size less one, 4 of detail.
constexpr Record exact_size(std::uint8_t opcode, const Operation& operation) {
  const std::uint32_t bits = (operation.argument - 1) | static_cast<std::uint32_t>(operation.detail) << 20;
  return {opcode, low_byte(bits), static_cast<std::uint16_t>(bits >> 8)};
}
constexpr void unpack_exact_size(const Record& record, const SizeLimits& limits, Operation& operation) {
  const std::uint32_t bits = record.selector | static_cast<std::uint32_t>(record.operand) << 8;
  operation.argument = (bits & 0xF'FFFF) + 1;
  const auto detail = static_cast<std::uint8_t>(bits >> 20);
  if (parameter_of(operation.kind) == Parameter::CountAndSize) {
    operation.detail = detail & 7;
    return;
  }
  operation.argument = limits.nearest(operation.argument);
  if (parameter_of(operation.kind) == Parameter::Size) return;
  operation.detail = detail < 12 ? detail : 12;
  while (!limits.allows_align(1u << operation.detail)) --operation.detail;
}

// Opcodes.

struct SpecialOpcodes {
  OpcodeRange range;
  Opcode opcode;
};
constexpr SpecialOpcodes alloc_burst{{0x90, 0x97}, {OpcodeKind::AllocBurst, OperationKind::Alloc}};
constexpr SpecialOpcodes free_burst{{0x98, 0x9F}, {OpcodeKind::FreeBurst, OperationKind::Free}};
constexpr SpecialOpcodes skip_ordinals{{0xC1, 0xC1}, {OpcodeKind::SkipOrdinals, OperationKind::Alloc}};

constexpr SpecialOpcodes exact_sizes{{0xC7, 0xC7}, {OpcodeKind::ExactSize, OperationKind::Allocate}};

struct OpcodeTable {
  Opcode opcodes[256];
  bool overlaps = false;

  constexpr OpcodeTable() : opcodes{} {
    for (const OperationKind kind : operation_table.kinds) add(facts_of(kind).opcodes, {OpcodeKind::Single, kind});
    add(alloc_burst.range, alloc_burst.opcode);
    add(free_burst.range, free_burst.opcode);
    add(skip_ordinals.range, skip_ordinals.opcode);
    add(exact_sizes.range, exact_sizes.opcode);
  }

 private:
  constexpr void add(OpcodeRange range, Opcode opcode) {
    for (unsigned byte = range.first; byte <= range.last; ++byte) {
      overlaps |= opcodes[byte].kind != OpcodeKind::Unassigned;
      opcodes[byte] = opcode;
    }
  }
};
inline constexpr OpcodeTable opcode_table;
static_assert(!opcode_table.overlaps, "an opcode of two meanings");

}  // namespace format

/// What an opcode means in a language: operations that it does not have are unassigned. Where objects have any size the
/// opcodes of Alloc mean Allocate, so that random bytes make good programs there too.
constexpr Opcode opcode_of(std::uint8_t byte, const Language& language = slab_language) {
  Opcode opcode = format::opcode_table.opcodes[byte];
  if (opcode.kind == OpcodeKind::Unassigned || opcode.kind == OpcodeKind::SkipOrdinals) return opcode;
  if (opcode.operation == OperationKind::Alloc) opcode.operation = language.allocation();
  return language.has(opcode.operation) ? opcode : Opcode{};
}

}  // namespace slabproof

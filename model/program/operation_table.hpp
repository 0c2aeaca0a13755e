#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/guards.hpp"
#include "model/program/operation.hpp"
#include "model/program/operation_facts.hpp"
#include "model/program/setup.hpp"

namespace slabproof {

/// The table of operations. A switch, so that the compiler rejects a second row for a kind and names a kind without
/// one.
constexpr OperationFacts row_of(OperationKind kind) {
  using enum OperationKind;
  switch (kind) {
    case Alloc:
      return {.name = "alloc",
              .operand = Operand::NewObject,
              .effect = Effect::MakesObject,
              .opcodes = {0x00, 0x3F},
              .swarm_bit = 0,
              .weights = {.churn = 25, .fill = 60, .drain = 25},
              .explored = Explored::PerPlace};
    case AllocNoGrow:
      return {.name = "alloc_no_grow",
              .operand = Operand::NewObject,
              .effect = Effect::MakesObject,
              .opcodes = {0x80, 0x8F},
              .swarm_bit = 1,
              .weights = always(4),
              .explored = Explored::PerPlace};
    case Free:
      return {.name = "free",
              .operand = Operand::LiveObject,
              .effect = Effect::EndsObject,
              .opcodes = {0x40, 0x7F},
              .swarm_bit = 2,
              .weights = {.churn = 20, .fill = 20, .drain = 40},
              .explored = Explored::PerLiveObject};
    case FreeNull:
      return {.name = "free_null",
              .operand = Operand::Cache,
              .opcodes = {0xB2, 0xB2},
              .swarm_bit = 3,
              .weights = always(1),
              .explored = Explored::PerCache};
    case Reserve:
      return {.name = "reserve",
              .operand = Operand::Cache,
              .parameter = Parameter::ObjectCount,
              .opcodes = {0xA0, 0xA3},
              .swarm_bit = 4,
              .weights = always(2),
              .explored = Explored::PerPlace};
    case Shrink:
      return {.name = "shrink",
              .operand = Operand::Cache,
              .opcodes = {0xA4, 0xA7},
              .swarm_bit = 5,
              .weights = always(2),
              .explored = Explored::PerCache};
    case Destroy:
      return {.name = "destroy",
              .operand = Operand::Cache,
              .effect = Effect::EndsObjectsOfCache,
              .opcodes = {0xB3, 0xB3},
              .swarm_bit = 6,
              .weights = always(1),
              .explored = Explored::PerCache};
    case Fail:
      return {.name = "fail",
              .operand = Operand::Backend,
              .parameter = Parameter::Failure,
              .opcodes = {0xA8, 0xAF},
              .swarm_bit = 7,
              .weights = always(4)};
    case Recover:
      return {.name = "recover",
              .operand = Operand::Backend,
              .opcodes = {0xB0, 0xB1},
              .swarm_bit = 8,
              .weights = always(1)};
    case DoubleFree:
      return {.name = "double_free",
              .operand = Operand::DeadObject,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::DeadObject,
              .opcodes = {0xB4, 0xB7},
              .swarm_bit = 9,
              .weights = always(3)};
    case FreeInterior:
      return {.name = "free_interior",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::Interior,
              .opcodes = {0xB8, 0xB9},
              .swarm_bit = 10,
              .weights = always(1)};
    case FreeSlabInfo:
      return {.name = "free_slab_info",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::SlabInfo,
              .opcodes = {0xBA, 0xBA},
              .swarm_bit = 11,
              .weights = always(1)};
    case FreeTailWaste:
      return {.name = "free_tail_waste",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::TailWaste,
              .opcodes = {0xBB, 0xBB},
              .swarm_bit = 12,
              .weights = always(1)};
    case FreeForeign:
      return {.name = "free_foreign",
              .operand = Operand::Cache,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::Foreign,
              .opcodes = {0xBC, 0xBC},
              .swarm_bit = 13,
              .weights = always(1)};
    case FreeThroughOther:
      return {.name = "free_through_other",
              .operand = Operand::LiveObject,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::OfOtherCache,
              .needs_two_caches = true,
              .opcodes = {0xBD, 0xBD},
              .swarm_bit = 14,
              .weights = always(2)};
    case FreeNeverAllocated:
      return {.name = "free_never_allocated",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::NeverAllocated,
              .opcodes = {0xBE, 0xBE},
              .swarm_bit = 15,
              .weights = always(1)};
    case CorruptLink:
      return {.name = "corrupt_link",
              .operand = Operand::DeadObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::DamagedLink,
              .opcodes = {0xBF, 0xBF},
              .swarm_bit = 0,
              .weights = always(2)};
    case Reenter:
      return {.name = "reenter",
              .operand = Operand::Cache,
              .parameter = Parameter::ReentrantCall,
              .misuse = MisuseClass::Reentry,
              .opcodes = {0xC0, 0xC0},
              .swarm_bit = 1,
              .weights = always(1)};
    case Statistics:  // an opcode that no program of the corpus has, but one whose swarm mask keeps it out
      return {.name = "statistics",
              .operand = Operand::Cache,
              .opcodes = {0xEB, 0xEB},
              .swarm_bit = 10,
              .weights = always(1),
              .explored = Explored::PerCache};
    case Fault:  // of this opcode a record that means no error does nothing, as the one that the corpus has
      return {.name = "fault",
              .operand = Operand::Backend,
              .parameter = Parameter::BackendError,
              .misuse = MisuseClass::Fault,
              .opcodes = {0xEE, 0xEE},
              .swarm_bit = 8,
              .weights = always(2)};
    case DamageInfo:  // as above: the one that the corpus has means no damage
      return {.name = "damage_info",
              .operand = Operand::LiveObject,
              .parameter = Parameter::InfoDamage,
              .misuse = MisuseClass::DamagedInfo,
              .opcodes = {0xD1, 0xD1},
              .swarm_bit = 11,
              .weights = always(2)};
    case WriteBehind:  // where a corpus file older than guards has the two opcodes, its caches have no guards
      return {.name = "write_behind",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayWrite,
              .guard = NeededGuard::RedZone,
              .opcodes = {0xEC, 0xEC},
              .swarm_bit = 10,
              .weights = always(3),
              .explored = Explored::PerSlot};
    case WriteFreed:
      return {.name = "write_freed",
              .operand = Operand::DeadObject,
              .parameter = Parameter::Pick,
              .misuse = MisuseClass::StrayWrite,
              .guard = NeededGuard::Pattern,
              .opcodes = {0xED, 0xED},
              .swarm_bit = 9,
              .weights = always(3),
              .explored = Explored::PerSlot};
    // Of a heap the opcodes of Alloc mean Allocate (format::kind_in), so that random bytes make good programs.
    case Allocate:
      return {.name = "allocate",
              .operand = Operand::NewObject,
              .parameter = Parameter::SizeAndAlign,
              .effect = Effect::MakesObject,
              .any_size = true,
              .opcodes = {0xC8, 0xC8},
              .swarm_bit = 0,
              .weights = {.churn = 25, .fill = 60, .drain = 25}};
    case AllocateZeroed:
      return {.name = "allocate_zeroed",
              .operand = Operand::NewObject,
              .parameter = Parameter::CountAndSize,
              .effect = Effect::MakesObject,
              .any_size = true,
              .opcodes = {0xC9, 0xCA},
              .swarm_bit = 1,
              .weights = always(3)};
    case Reallocate:
      return {.name = "reallocate",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Size,
              .any_size = true,
              .opcodes = {0xCB, 0xD0},
              .swarm_bit = 2,
              .weights = always(6)};
    case UsableSize:
      return {.name = "usable_size",
              .operand = Operand::LiveObject,
              .any_size = true,
              .opcodes = {0xD2, 0xD2},
              .swarm_bit = 3,
              .weights = always(1)};
    case FreeWrongSize:
      return {.name = "free_wrong_size",
              .operand = Operand::LiveObject,
              .parameter = Parameter::Size,
              .misuse = MisuseClass::StrayFree,
              .stray = StrayPointer::WithWrongSize,
              .any_size = true,
              .opcodes = {0xD3, 0xD3},
              .swarm_bit = 4,
              .weights = always(1)};
    case CallOnMisuse:  // the same: the record that the corpus has means no call
      return {.name = "call_on_misuse",
              .operand = Operand::Cache,
              .parameter = Parameter::CallOnMisuse,
              .misuse = MisuseClass::Reentry,
              .opcodes = {0xE4, 0xE4},
              .swarm_bit = 12,
              .weights = always(2)};
  }
  return {};
}

/// How many kinds there are.
constexpr std::uint8_t operation_kinds = [] {
  std::uint8_t kinds = 0;
  while (row_of(static_cast<OperationKind>(kinds)).name) ++kinds;
  return kinds;
}();

/// The table by kind, for frequent look-ups.
struct OperationTable {
  OperationKind kinds[operation_kinds];
  OperationFacts facts[operation_kinds];  // by kind
  // By kind too, and once more: what the decoder asks of each operation.
  Operand operands[operation_kinds];
  Effect effects[operation_kinds];
  NeededGuard guards[operation_kinds];

  constexpr OperationTable() : kinds{}, facts{}, operands{}, effects{}, guards{} {
    for (std::uint8_t kind = 0; kind < operation_kinds; ++kind) {
      kinds[kind] = static_cast<OperationKind>(kind);
      facts[kind] = row_of(kinds[kind]);
      operands[kind] = facts[kind].operand;
      effects[kind] = facts[kind].effect;
      guards[kind] = facts[kind].guard;
    }
  }
};
inline constexpr OperationTable operation_table;

constexpr const OperationFacts& facts_of(OperationKind kind) {
  return operation_table.facts[static_cast<std::uint8_t>(kind)];
}
constexpr const char* to_string(OperationKind kind) { return facts_of(kind).name; }
constexpr Operand operand_of(OperationKind kind) { return operation_table.operands[static_cast<std::uint8_t>(kind)]; }
constexpr Effect effect_of(OperationKind kind) { return operation_table.effects[static_cast<std::uint8_t>(kind)]; }
constexpr NeededGuard guard_of(OperationKind kind) { return operation_table.guards[static_cast<std::uint8_t>(kind)]; }
constexpr Parameter parameter_of(OperationKind kind) { return facts_of(kind).parameter; }
constexpr MisuseClass misuse_of(OperationKind kind) { return facts_of(kind).misuse; }
constexpr bool makes_object(OperationKind kind) { return effect_of(kind) == Effect::MakesObject; }
constexpr bool has_size(Parameter parameter) {
  return parameter == Parameter::Size || parameter == Parameter::SizeAndAlign || parameter == Parameter::CountAndSize;
}
/// Whether Operation::argument is a number of bytes.
constexpr bool has_size(OperationKind kind) { return has_size(parameter_of(kind)); }
/// Whether Operation::object has a meaning.
constexpr bool names_object(OperationKind kind) {
  return operand_of(kind) != Operand::Cache && operand_of(kind) != Operand::Backend;
}

/// Whether it means an object that was there before.
constexpr bool names_old_object(OperationKind kind) {
  return operand_of(kind) == Operand::LiveObject || operand_of(kind) == Operand::DeadObject;
}

/// The largest argument of an operation with such a parameter, apart from reserve_everything.
constexpr std::uint32_t max_argument(OperationKind kind) {
  switch (parameter_of(kind)) {
    case Parameter::ObjectCount: return max_reserve;
    case Parameter::Failure:
    case Parameter::BackendError: return max_calls_let_through;
    case Parameter::Pick: return max_misuse_argument;
    case Parameter::InfoDamage: return max_damage;
    case Parameter::Size:
    case Parameter::SizeAndAlign:
    case Parameter::CountAndSize: return Limits::max_size;
    case Parameter::None:
    case Parameter::ReentrantCall:
    case Parameter::CallOnMisuse: return 0;
  }
  return 0;
}

// What every row must satisfy.
static_assert(
    [] {
      for (unsigned kind = operation_kinds; kind < 256; ++kind)
        if (row_of(static_cast<OperationKind>(kind)).name) return false;
      return true;
    }(),
    "the numbers of the kinds have a gap");
static_assert(
    [] {
      for (const OperationFacts& row : operation_table.facts) {
        if (row.opcodes.first > row.opcodes.last || row.swarm_bit > 15) return false;
        if (row.weights.churn == 0 || row.weights.fill == 0 || row.weights.drain == 0) return false;
      }
      return true;
    }(),
    "an operation that random programs never have");
static_assert(
    [] {
      for (const OperationFacts& row : operation_table.facts) {
        if ((row.operand == Operand::NewObject) != (row.effect == Effect::MakesObject)) return false;
        if (row.effect == Effect::EndsObject && row.operand != Operand::LiveObject) return false;
        if (row.needs_two_caches && row.operand != Operand::LiveObject) return false;
        const bool is_of_old_object = row.operand == Operand::LiveObject || row.operand == Operand::DeadObject;
        if (row.guard != NeededGuard::None && !is_of_old_object) return false;
        if (row.effect == Effect::EndsObjectsOfCache && row.operand != Operand::Cache) return false;
        if ((row.parameter == Parameter::Failure || row.parameter == Parameter::BackendError) &&
            row.operand != Operand::Backend)
          return false;
        if ((row.misuse == MisuseClass::StrayFree) != (row.stray != StrayPointer::None)) return false;
        if (row.explored == Explored::PerLiveObject && row.operand != Operand::LiveObject) return false;
        if (row.explored == Explored::PerSlot && (row.guard == NeededGuard::None || row.parameter != Parameter::Pick))
          return false;
        if (row.explored == Explored::PerCache && row.operand != Operand::Cache) return false;
        const bool counts = row.explored == Explored::PerPlace && row.parameter == Parameter::ObjectCount;
        if (row.explored != Explored::No && row.explored != Explored::PerSlot && row.parameter != Parameter::None &&
            !counts)
          return false;
        if (has_size(row.parameter) && !row.any_size) return false;
      }
      return true;
    }(),
    "an operation whose operand does not fit the rest of its row");

}  // namespace slabproof

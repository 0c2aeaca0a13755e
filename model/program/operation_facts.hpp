#pragma once

#include <cstdint>

#include "model/program/guards.hpp"

namespace slabproof {

/// What an operation names, which determines how it is encoded, written and checked.
enum class Operand : std::uint8_t { NewObject, LiveObject, DeadObject, Cache, Backend };

/// Its other parameter, and the field of Operation that holds it.
enum class Parameter : std::uint8_t {
  None,
  ObjectCount,    // argument: up to max_reserve, or reserve_everything
  Failure,        // detail: how; argument: calls let through, up to max_calls_let_through
  ReentrantCall,  // detail
  CallOnMisuse,   // detail, a ReentrantCall
  BackendError,   // detail; argument: calls let be, up to max_calls_let_through
  Pick,           // argument: which of several pointers, up to max_misuse_argument
  InfoDamage,     // argument: which byte becomes what, up to max_damage
  Size,           // argument: bytes
  SizeAndAlign,   // the same; detail: log2 of the alignment
  CountAndSize,   // the same; detail: how many of them (zeroed_counts)
};

/// How it changes which objects exist.
enum class Effect : std::uint8_t { None, MakesObject, EndsObject, EndsObjectsOfCache };

enum class MisuseClass : std::uint8_t {
  None,
  StrayFree,    // frees a pointer that is no live object of the cache
  DamagedLink,  // writes to a dead object
  Reentry,      // makes a backend, or on_misuse, call the cache that called it
  Fault,        // makes a backend err
  DamagedInfo,  // writes to a SlabInfo
  StrayWrite,   // writes where nobody may
};

/// What the policy of the object's cache must have, so that the operation does anything.
enum class NeededGuard : std::uint8_t { None, RedZone, Pattern };
constexpr bool provides(Guards guards, NeededGuard needed) {
  switch (needed) {
    case NeededGuard::None: return true;
    case NeededGuard::RedZone: return facts_of(guards).red_zone_bytes != 0;
    case NeededGuard::Pattern: return facts_of(guards).verify_pattern;
  }
  return false;
}

/// What such a pointer is.
enum class StrayPointer : std::uint8_t {
  None,  // not a stray free
  DeadObject,
  Interior,
  SlabInfo,
  TailWaste,
  Foreign,
  OfOtherCache,
  NeverAllocated,
  WithWrongSize,  // a live object
};

/// How the explorer tries it in each state.
enum class Explored : std::uint8_t {
  No,        // in another way, if at all: misuses as pointers and links, failures with what they make fail
  PerCache,
  PerPlace,  // per cache and choice of places for new slabs, with each failure, and each count if it has one
  PerLiveObject,
  PerSlot,  // per live object or freed slot of a cache with the guard: its first byte and its last, if none is written
};

/// Its first and last opcode in the byte form. Frequent operations have more opcodes, so that random bytes make good
/// programs.
struct OpcodeRange {
  std::uint8_t first = 0, last = 0;
};

/// How often RapidCheck draws it, in programs that neither fill nor drain a cache, that fill one, and that drain one.
struct Weights {
  std::uint8_t churn = 0, fill = 0, drain = 0;
};
constexpr Weights always(std::uint8_t weight) { return {weight, weight, weight}; }

/// Everything about an operation except how it is executed and judged.
struct OperationFacts {
  const char* name = nullptr;  // in traces and signatures
  Operand operand = Operand::Cache;
  Parameter parameter = Parameter::None;
  Effect effect = Effect::None;
  MisuseClass misuse = MisuseClass::None;
  StrayPointer stray = StrayPointer::None;
  bool needs_two_caches = false;
  NeededGuard guard = NeededGuard::None;
  bool any_size = false;  // of a heap, and of nothing else
  OpcodeRange opcodes{};  // fixed for good, as is swarm_bit, since a committed corpus depends on them
  std::uint8_t swarm_bit = 0;  // the bit of a program's swarm mask that excludes it
  Weights weights{};
  Explored explored = Explored::No;
};

}  // namespace slabproof

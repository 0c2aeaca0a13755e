#pragma once

#include <cstdint>

namespace slabproof {

/// Objects are named by birth ordinal: the n of the n-th allocation that a program asks for, whether
/// it succeeds or not. An operation on an object that does not exist when it is reached falls away.
enum class OperationKind : std::uint8_t {
  Alloc,                // object := cache.alloc()
  AllocNoGrow,          // object := cache.alloc_no_grow()
  Free,                 // cache of object .free(object)
  FreeNull,             // cache.free(nullptr)
  Reserve,              // cache.reserve(argument); 0xFFFFFFFF stands for SIZE_MAX
  Shrink,               // cache.shrink()
  Destroy,              // destroy the cache, live objects and all, and make it anew
  Fail,                 // the backend's call after the next `argument` ones fails: see Failure
  Recover,              // the backend works again
  DoubleFree,           // free the dead object again
  FreeInterior,         // free a pointer into the object's slot
  FreeSlabInfo,         // free a pointer into the SlabInfo of the object's slab
  FreeTailWaste,        // free a pointer behind the last slot of the object's slab
  FreeForeign,          // free a pointer that the cache's backend does not know
  FreeThroughOther,     // free the object through the other cache
  FreeNeverAllocated,   // free a slot of the object's slab that was never handed out
  CorruptLink,          // overwrite the dead object's first word, allocate, put it back
  Reenter,              // the next backend call made for the cache calls the cache
};
constexpr std::uint8_t operation_kinds = 18;

/// The kind's name in traces and signatures.
constexpr const char* to_string(OperationKind kind) {
  constexpr const char* names[operation_kinds] = {"alloc",
                                                  "alloc_no_grow",
                                                  "free",
                                                  "free_null",
                                                  "reserve",
                                                  "shrink",
                                                  "destroy",
                                                  "fail",
                                                  "recover",
                                                  "double_free",
                                                  "free_interior",
                                                  "free_slab_info",
                                                  "free_tail_waste",
                                                  "free_foreign",
                                                  "free_through_other",
                                                  "free_never_allocated",
                                                  "corrupt_link",
                                                  "reenter"};
  return names[static_cast<std::uint8_t>(kind)];
}

/// Which backend call fails.
enum class FailingCall : std::uint8_t { Any, AllocSlab, AllocSlabInfo, SaveSlabInfo };
/// Once; from then on; or once with memory that is misaligned (AllocSlab, AllocSlabInfo).
enum class FailureMode : std::uint8_t { Once, Always, Misaligned };
/// What a re-entering backend calls.
enum class ReentrantCall : std::uint8_t { Alloc, AllocNoGrow, Reserve, Free, Shrink };

struct Operation {
  OperationKind kind = OperationKind::Alloc;
  std::uint8_t target = 0;      // cache, or backend of Fail and Recover; 0 where the object says it
  std::uint8_t detail = 0;      // Fail: call | mode << 2; Reenter: ReentrantCall
  std::uint32_t object = 0;     // birth ordinal
  std::uint32_t argument = 0;   // Reserve: objects; Fail: calls let through; misuse: which pointer

  friend bool operator==(const Operation&, const Operation&) = default;

  [[nodiscard]] constexpr FailingCall failing_call() const { return static_cast<FailingCall>(detail & 3); }
  [[nodiscard]] constexpr FailureMode failure_mode() const { return static_cast<FailureMode>(detail >> 2); }
};

constexpr std::uint32_t reserve_everything = 0xFFFFFFFF;
constexpr std::uint32_t max_reserve = 1023;
constexpr std::uint32_t max_calls_let_through = 63;
constexpr std::uint32_t max_misuse_argument = 127;

/// What an operation names, which decides how it is encoded, written and checked.
enum class Names : std::uint8_t { NewObject, LiveObject, DeadObject, Cache, Backend };

constexpr Names names(OperationKind kind) {
  using enum OperationKind;
  switch (kind) {
    case Alloc:
    case AllocNoGrow: return Names::NewObject;
    case DoubleFree:
    case CorruptLink: return Names::DeadObject;
    case FreeNull:
    case Reserve:
    case Shrink:
    case Destroy:
    case FreeForeign:
    case Reenter: return Names::Cache;
    case Fail:
    case Recover: return Names::Backend;
    case Free:
    case FreeInterior:
    case FreeSlabInfo:
    case FreeTailWaste:
    case FreeThroughOther:
    case FreeNeverAllocated: return Names::LiveObject;
  }
  return Names::Cache;
}

/// Whether `argument` means anything for this kind, and the largest value it takes.
constexpr std::uint32_t max_argument(OperationKind kind) {
  using enum OperationKind;
  switch (kind) {
    case Reserve: return max_reserve;
    case Fail: return max_calls_let_through;
    case FreeInterior:
    case FreeSlabInfo:
    case FreeTailWaste:
    case FreeForeign:
    case FreeNeverAllocated:
    case CorruptLink: return max_misuse_argument;
    default: return 0;
  }
}

}  // namespace slabproof

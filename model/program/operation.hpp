#pragma once

#include <cstdint>

#include "model/program/backend_error.hpp"
#include "model/program/failure.hpp"
#include "model/program/info_damage.hpp"
#include "model/program/named.hpp"

namespace slabproof {

/// Objects are named by birth ordinal: the n of the n-th allocation that a program asks for, whether it succeeds or
/// not. An operation on an object that does not exist when it is reached does nothing. operation_table.hpp has
/// everything else about each kind. The numbers appear in event logs and only tell kinds apart.
enum class OperationKind : std::uint8_t {
  Alloc,                // object := cache.alloc()
  AllocNoGrow,          // object := cache.alloc_no_grow()
  Free,                 // cache of object .free(object)
  FreeNull,             // cache.free(nullptr)
  Reserve,              // cache.reserve(argument); 0xFFFFFFFF stands for SIZE_MAX
  Shrink,               // cache.shrink()
  Destroy,              // destroy the cache, with its live objects, and make a new one
  Fail,                 // lets `argument` calls of the backend succeed and fails the next: see FailureMode
  Recover,              // the backend stops failing
  DoubleFree,           // free the dead object again
  FreeInterior,         // free a pointer into the object's slot
  FreeSlabInfo,         // free a pointer into the SlabInfo of the object's slab
  FreeTailWaste,        // free a pointer behind the last slot of the object's slab
  FreeForeign,          // free a pointer that the cache's backend does not know
  FreeThroughOther,     // free the object through the other cache
  FreeNeverAllocated,   // free a slot of the object's slab that was never handed out
  CorruptLink,          // overwrite the dead object's first word, allocate, put it back
  Reenter,              // the next backend call made for the cache calls the cache
  Statistics,           // cache.statistics()
  Fault,                // lets `argument` calls of the backend be and errs in the next: see BackendError
  DamageInfo,           // overwrite a byte of the SlabInfo of the object's slab: see InfoDamage
  WriteBehind,          // write one byte behind the object, into its red zone
  WriteFreed,           // write one byte of the dead object's slot
  Allocate,             // object := heap.alloc(argument bytes, aligned to 1 << detail)
  AllocateZeroed,       // object := heap.alloc_zeroed(count, argument bytes each): see zeroed_counts
  Reallocate,           // object := heap.resize(object, argument bytes)
  UsableSize,           // heap.usable_size(object)
  CallOnMisuse,         // when the cache reports something next, on_misuse calls it
  FreeWrongSize,        // heap.free(object) with a size of `argument` bytes, which is not its own
};

/// What a re-entering backend or on_misuse calls. The values are those of the byte form, for good.
enum class ReentrantCall : std::uint8_t { Alloc = 0, AllocNoGrow = 1, Reserve = 2, Free = 3, Shrink = 4 };
constexpr Named<ReentrantCall> reentrant_calls[] = {{ReentrantCall::Alloc, "alloc"},
                                                    {ReentrantCall::AllocNoGrow, "alloc_no_grow"},
                                                    {ReentrantCall::Reserve, "reserve"},
                                                    {ReentrantCall::Free, "free"},
                                                    {ReentrantCall::Shrink, "shrink"}};
constexpr const char* to_string(ReentrantCall call) { return name_in(reentrant_calls, call); }

/// How many elements AllocateZeroed asks for, by its detail. The last three make more bytes than there are addresses;
/// the last makes their number, modulo 2^64, as small as one element or less.
constexpr Named<std::uint64_t> zeroed_counts[] = {{1, "1"},
                                                  {2, "2"},
                                                  {3, "3"},
                                                  {7, "7"},
                                                  {64, "64"},
                                                  {std::uint64_t{1} << 63, "2^63"},
                                                  {~std::uint64_t{0}, "2^64-1"},
                                                  {0, "wraps"}};
constexpr std::uint8_t wraps = 7;
/// The number of elements of `size` bytes.
constexpr std::uint64_t zeroed_count(std::uint8_t detail, std::uint32_t size) {
  return detail == wraps ? ~std::uint64_t{0} / size + 1 : zeroed_counts[detail].value;
}

/// Whether no allocator can have so many bytes: more than half of what an address can name.
constexpr bool is_beyond_memory(std::uint64_t count, std::uint32_t size) {
  return count > (~std::uint64_t{0} >> 1) / size;
}

struct Operation {
  OperationKind kind = OperationKind::Alloc;
  std::uint8_t target = 0;      // cache, or backend of Fail, Recover and Fault; 0 if the object implies it
  std::uint8_t detail = 0;  // Fail: Failure; Reenter, CallOnMisuse: ReentrantCall; Fault: BackendError; see Allocate
  std::uint32_t object = 0;  // birth ordinal
  // Reserve: objects; Fail, Fault: calls let through; misuse: which pointer or write; bytes
  std::uint32_t argument = 0;

  friend bool operator==(const Operation&, const Operation&) = default;

  [[nodiscard]] constexpr Failure failure() const { return Failure::unpacked(detail); }
  [[nodiscard]] constexpr ReentrantCall reentrant_call() const { return static_cast<ReentrantCall>(detail); }
  [[nodiscard]] constexpr BackendError error() const { return static_cast<BackendError>(detail); }
  [[nodiscard]] constexpr InfoDamage damage() const { return InfoDamage::numbered(argument); }
};

constexpr std::uint32_t reserve_everything = 0xFFFFFFFF;
constexpr std::uint32_t max_reserve = 1023;
constexpr std::uint32_t max_calls_let_through = 63;
constexpr std::uint32_t max_misuse_argument = 127;
constexpr std::uint32_t max_damage = InfoDamage::bytes * InfoDamage::values - 1;

}  // namespace slabproof

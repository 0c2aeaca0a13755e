#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <slab/geometry.hpp>
#include <slab/misuse.hpp>
#include <slab/poison.hpp>
#include <slab/policy.hpp>
#include <slab/quarantine.hpp>

namespace slab::detail {

// What a policy adds to each slot (docs/policy.md, "Debug"). The bytes outside of live objects belong to nobody, as far
// as AddressSanitizer, MemorySanitizer and Valgrind know; only the functions here touch them.

/// These bytes are about to be read or written by the functions below.
inline void uncover([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_DEFINED(begin, size);
#endif
}
/// These bytes belong to nobody again.
inline void cover([[maybe_unused]] const void* begin, [[maybe_unused]] std::size_t size) noexcept {
#if defined(SLAB_MSAN)
  __msan_allocated_memory(begin, size);
#endif
#if defined(SLAB_VALGRIND)
  VALGRIND_MAKE_MEM_NOACCESS(begin, size);
#endif
}

/// Eight bytes of whatever type. Volatile where it is used: compilers make calls of memset() and memcmp() of such
/// loops, and those of a sanitizer look at each byte.
typedef std::uint64_t __attribute__((may_alias)) GuardWord;

[[nodiscard]] constexpr std::uint64_t repeated(std::uint8_t value) noexcept {
  return value * std::uint64_t{0x01'01'01'01'01'01'01'01};
}

SLAB_UNSANITIZED inline void fill_bytes(std::byte* at, std::byte* end, std::uint8_t value) noexcept {
  const auto is_aligned = [](const std::byte* p) { return reinterpret_cast<std::uintptr_t>(p) % 8 == 0; };
  for (; at < end && !is_aligned(at); ++at) *const_cast<volatile std::byte*>(at) = std::byte{value};
  for (; end - at >= 8; at += 8) *reinterpret_cast<volatile GuardWord*>(at) = repeated(value);
  for (; at < end; ++at) *const_cast<volatile std::byte*>(at) = std::byte{value};
}

/// The first byte that is another one; `end` if there is none.
SLAB_UNSANITIZED inline const std::byte* find_other(const std::byte* at, const std::byte* end,
                                                    std::uint8_t value) noexcept {
  const auto is_aligned = [](const std::byte* p) { return reinterpret_cast<std::uintptr_t>(p) % 8 == 0; };
  for (; at < end && !is_aligned(at); ++at)
    if (*const_cast<const volatile std::byte*>(at) != std::byte{value}) return at;
  while (end - at >= 8 && *reinterpret_cast<const volatile GuardWord*>(at) == repeated(value)) at += 8;
  while (at < end && *const_cast<const volatile std::byte*>(at) == std::byte{value}) ++at;
  return at;
}

SLAB_UNSANITIZED inline std::uintptr_t load_word(const std::byte* at) noexcept {
  return *reinterpret_cast<const volatile GuardWord*>(at);
}
SLAB_UNSANITIZED inline void store_word(std::byte* at, std::uintptr_t word) noexcept {
  *reinterpret_cast<volatile GuardWord*>(at) = word;
}
SLAB_UNSANITIZED inline std::byte load_byte(const std::byte* at) noexcept {
  return *const_cast<const volatile std::byte*>(at);
}

/// Bytes that are not as the cache wrote them, as MisuseReport says it.
struct Change {
  std::size_t offset = 0;  // in the slot
  std::size_t size = 0;  // 0: nothing was changed
  std::uint8_t found[8] = {};
};

/// Who allocated a slot last, and who freed it last.
struct Callers {
  const void* allocated_by = nullptr;
  const void* freed_by = nullptr;
};

/// One slot of a cache whose policy has guards.
///
///   live:   | object | red zone, with the padding behind it | callers |
///   freed:  | pattern                                       | callers |
template <class Policy>
class SlotGuard {
 public:
  // Both make pointers that no processor of 48 or 57 address bits follows.
  static constexpr std::uint8_t red_zone = 0xBD;
  static constexpr std::uint8_t pattern = Policy::zero == Zero::OnFree ? 0 : 0xF5;

  SlotGuard(const Geometry& geometry, void* slot) noexcept
      : slot_{static_cast<std::byte*>(slot)},
        object_end_{slot_ + geometry.object_size()},
        callers_{slot_ + geometry.stride() - (Policy::track_callers ? sizeof(Callers) : 0)} {}

  /// What was written to a freed slot, in its padding too.
  [[nodiscard]] Change find_write_after_free() const noexcept {
    return Policy::verify_pattern ? find_change(slot_, pattern) : Change{};
  }
  /// What was written behind a live object.
  [[nodiscard]] Change find_write_beyond_object() const noexcept {
    return Policy::red_zone_bytes != 0 ? find_change(object_end_, red_zone) : Change{};
  }

  /// Makes the slot a live object. `was_live`: not for the first time.
  void make_live(const void* caller, bool was_live) noexcept {
    if constexpr (Policy::red_zone_bytes != 0) write(object_end_, red_zone);
    permit(slot_, static_cast<std::size_t>(object_end_ - slot_));  // again: find_write_after_free() has covered it
    if constexpr (Policy::zero == Zero::OnAlloc) fill_bytes(slot_, object_end_, 0);
    set_callers({caller, was_live ? callers().freed_by : nullptr});
  }
  /// Makes it a freed one.
  void make_freed(const void* caller) noexcept {
    if constexpr (Policy::verify_pattern || Policy::zero == Zero::OnFree) write(slot_, pattern);
    set_callers({callers().allocated_by, caller});
  }

  /// Of a slot that was handed out before. Nobody where they are not tracked.
  [[nodiscard]] Callers callers() const noexcept {
    if constexpr (!Policy::track_callers) return {};
    uncover(callers_, sizeof(Callers));
    const Callers found{reinterpret_cast<const void*>(load_word(callers_)),
                        reinterpret_cast<const void*>(load_word(callers_ + 8))};
    cover(callers_, sizeof(Callers));
    return found;
  }

 private:
  [[nodiscard]] Change find_change(const std::byte* begin, std::uint8_t value) const noexcept {
    const auto size = static_cast<std::size_t>(callers_ - begin);
    uncover(begin, size);
    Change change;
    if (const std::byte* const first = find_other(begin, callers_, value); first != callers_) [[unlikely]]
      change = describe(first, value);
    cover(begin, size);
    return change;
  }
  [[nodiscard, gnu::cold, gnu::noinline]] Change describe(const std::byte* first, std::uint8_t value) const noexcept {
    const std::byte* end = callers_;
    while (load_byte(end - 1) == std::byte{value}) --end;
    Change change{static_cast<std::size_t>(first - slot_), static_cast<std::size_t>(end - first), {}};
    for (std::size_t i = 0; i < sizeof change.found && i < change.size; ++i)
      change.found[i] = std::to_integer<std::uint8_t>(load_byte(first + i));
    return change;
  }
  void write(std::byte* begin, std::uint8_t value) noexcept {
    const auto size = static_cast<std::size_t>(callers_ - begin);
    uncover(begin, size);
    fill_bytes(begin, callers_, value);
    cover(begin, size);
  }
  void set_callers([[maybe_unused]] const Callers& callers) noexcept {
    if constexpr (Policy::track_callers) {
      uncover(callers_, sizeof(Callers));
      store_word(callers_, reinterpret_cast<std::uintptr_t>(callers.allocated_by));
      store_word(callers_ + 8, reinterpret_cast<std::uintptr_t>(callers.freed_by));
      cover(callers_, sizeof(Callers));
    }
  }

  std::byte *slot_, *object_end_, *callers_;
};

/// What a cache with guards keeps beside its slabs.
template <class Policy>
struct GuardState {
  Quarantine<Policy::quarantine_objects> quarantine;
  FreedObject leaving;  // what free() is to put among the free slots, whatever the table of slots says
  const void* caller = nullptr;  // of the alloc() or free() that is at work
  std::size_t trimmed_slabs = 0;  // given back by free()
  bool was_live = false;  // the slot that alloc() has taken was handed out before
};
struct NoGuardState {};
template <class Policy>
using GuardStateOf = std::conditional_t<has_guards<Policy>, GuardState<Policy>, NoGuardState>;

}  // namespace slab::detail

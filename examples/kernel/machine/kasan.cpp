// What code under -fsanitize=kernel-address calls (docs/kernel.md), for a shadow that is there from the first
// instruction on: a byte of the image for 8 bytes of memory. Compiled without that flag.
#include <cstddef>
#include <cstdint>

#include "examples/kernel/machine/finish.hpp"

namespace kernel {
namespace {

constexpr std::uintptr_t image_offset = 0xffffffff80000000, covered = std::uintptr_t{64} << 20;
constinit std::uint8_t shadow[covered / 8] = {};
constexpr std::uint8_t forbidden = 0xF7;

/// Memory is mapped twice, and has one shadow. Null: it is none, as devices.
std::uint8_t* shadow_of(std::uintptr_t address) noexcept {
  if (address >= image_offset) address -= image_offset;
  return address < covered ? &shadow[address >> 3] : nullptr;
}

[[noreturn]] void report(const char* access, std::uintptr_t address, std::size_t size, const void* caller) noexcept {
  be_the_only_one();
  print("\nkasan: ", access, " of ", size, " bytes at ", Hex{address}, " that belong to nobody, from ", caller, "\n");
  finish(End::Kasan);
}

void check(const char* access, std::uintptr_t begin, std::size_t size, const void* caller) noexcept {
  for (std::uintptr_t address = begin; address < begin + size; address = (address | 7) + 1) {
    const std::uint8_t* const byte = shadow_of(address);
    if (!byte || *byte == 0) continue;
    const std::uintptr_t last = (address | 7) < begin + size ? address | 7 : begin + size - 1;
    if (*byte >= 0x80 || (last & 7) >= *byte) report(access, begin, size, caller);
  }
}

/// What nearly every access is: to bytes that are all open. The rest is looked at more closely.
template <std::size_t Size>
bool is_open(std::uintptr_t begin) noexcept {
  const std::uint8_t* const byte = shadow_of(begin);
  return Size <= 8 && byte && byte[0] == 0 && byte[(begin % 8 + Size - 1) / 8] == 0;
}

void fill(std::uint8_t* begin, std::size_t size, std::uint8_t value) noexcept {
  const std::uint64_t word = value * std::uint64_t{0x0101010101010101};
  std::size_t words = size / 8, bytes = size % 8;
  asm volatile("rep stosq; movq %2, %1; rep stosb" : "+D"(begin), "+c"(words), "+r"(bytes) : "a"(word) : "memory");
}

}  // namespace
}  // namespace kernel

using namespace kernel;

extern "C" {

// Both are multiples of 8.
void __asan_poison_memory_region(const volatile void* begin, std::size_t size) {
  if (std::uint8_t* const byte = shadow_of(reinterpret_cast<std::uintptr_t>(begin))) fill(byte, size / 8, forbidden);
}
// The address is a multiple of 8. An object may end in the midst of 8 bytes: those after it stay forbidden.
void __asan_unpoison_memory_region(const volatile void* begin, std::size_t size) {
  std::uint8_t* const byte = shadow_of(reinterpret_cast<std::uintptr_t>(begin));
  if (!byte) return;
  fill(byte, size / 8, 0);
  if (size % 8 != 0) byte[size / 8] = static_cast<std::uint8_t>(size % 8);
}

#define SLABPROOF_CHECKED(size)                                                          \
  void __asan_load##size##_noabort(std::uintptr_t begin) {                               \
    if (!is_open<size>(begin)) check("read", begin, size, __builtin_return_address(0));  \
  }                                                                                      \
  void __asan_store##size##_noabort(std::uintptr_t begin) {                              \
    if (!is_open<size>(begin)) check("write", begin, size, __builtin_return_address(0)); \
  }
SLABPROOF_CHECKED(1)
SLABPROOF_CHECKED(2)
SLABPROOF_CHECKED(4)
SLABPROOF_CHECKED(8)
SLABPROOF_CHECKED(16)
void __asan_loadN_noabort(std::uintptr_t begin, std::size_t size) {
  check("read", begin, size, __builtin_return_address(0));
}
void __asan_storeN_noabort(std::uintptr_t begin, std::size_t size) {
  check("write", begin, size, __builtin_return_address(0));
}
void __asan_handle_no_return() {}
// Around constructors of globals (g++).
void __asan_before_dynamic_init(const void*) {}
void __asan_after_dynamic_init() {}

}  // extern "C"

#pragma once

#include <cstddef>
#include <cstdint>

#include "examples/kernel/machine/port.hpp"

// The serial console. Only one processor at a time prints, and needs neither memory nor interrupts for it.
namespace kernel {

struct Hex {
  std::uint64_t value;
  int digits = 16;
};

inline void put(char character) noexcept {
  constexpr std::uint16_t com1 = 0x3F8;
  while ((read_port(com1 + 5) & 0x20) == 0) asm volatile("pause");
  write_port(com1, static_cast<std::uint8_t>(character));
}
inline void put(const char* text) noexcept {
  while (*text) put(*text++);
}
inline void put(std::uint64_t number) noexcept {
  char digits[21] = {};
  char* first = digits + 20;
  do *--first = static_cast<char>('0' + number % 10);
  while (number /= 10);
  put(first);
}
inline void put(unsigned number) noexcept { put(std::uint64_t{number}); }
inline void put(Hex number) noexcept {
  for (int digit = number.digits; digit-- > 0;) put("0123456789abcdef"[number.value >> 4 * digit & 15]);
}
inline void put(const volatile void* pointer) noexcept { put(Hex{reinterpret_cast<std::uintptr_t>(pointer)}); }

/// Texts, characters, numbers in decimal or as Hex, and pointers, one after the other.
template <class... Parts>
void print(const Parts&... parts) noexcept {
  (put(parts), ...);
}

}  // namespace kernel

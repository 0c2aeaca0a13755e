#pragma once

#include <cstdint>

#include "examples/kernel/machine/interrupts.hpp"

// The local APIC of the processor that asks (Intel's manual, volume 3, chapter "Advanced Programmable Interrupt
// Controller"), at its usual address.
namespace kernel {

inline volatile std::uint32_t& apic_register(std::uintptr_t offset) noexcept {
  return *reinterpret_cast<volatile std::uint32_t*>(0xFEE00000 + offset);
}

inline void enable_local_apic() noexcept { apic_register(0xF0) = 0x100 | spurious_vector; }
inline void end_of_interrupt() noexcept { apic_register(0xB0) = 0; }

/// An interrupt every so many ticks of its clock; 0: none any more.
inline void set_timer(std::uint32_t ticks) noexcept {
  apic_register(0x3E0) = 0xB;                                           // the clock is not divided
  apic_register(0x320) = ticks ? 0x20000u | timer_vector : 0x10000u;  // periodic, or masked
  apic_register(0x380) = ticks;
}

enum class Interrupt : std::uint32_t { Init = 0x500, Startup = 0x600, Fixed = 0 };

/// To all other processors.
inline void interrupt_others(Interrupt kind, std::uint8_t vector) noexcept {
  constexpr std::uint32_t all_but_self = 0xC0000, assert_level = 0x4000, is_under_way = 0x1000;
  apic_register(0x310) = 0;
  apic_register(0x300) = all_but_self | assert_level | static_cast<std::uint32_t>(kind) | vector;
  while (apic_register(0x300) & is_under_way) asm volatile("pause");
}

}  // namespace kernel

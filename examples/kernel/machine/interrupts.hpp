#pragma once

#include <cstdint>

namespace kernel {

/// What interrupts.S leaves on the stack: the interrupted code's registers.
struct InterruptFrame {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t vector, error_code;
  std::uint64_t rip, cs, rflags, rsp, ss;
};

/// Vectors of the local APIC. Those below 32 are the processor's: faults, which are reported and end the kernel.
enum : std::uint8_t { timer_vector = 32, wake_vector = 33, spurious_vector = 47 };

/// Fills the table of interrupts, of which there is one for all processors.
void fill_interrupt_table() noexcept;
/// Makes this processor use it. Interrupts stay off.
void load_interrupt_table() noexcept;

/// What the timer calls, with interrupts off.
using Handler = void (*)() noexcept;
inline constinit Handler on_timer = nullptr;

inline void enable_interrupts() noexcept { asm volatile("sti" ::: "memory"); }
inline void disable_interrupts() noexcept { asm volatile("cli" ::: "memory"); }

}  // namespace kernel

#include "examples/kernel/machine/interrupts.hpp"

#include "examples/kernel/machine/finish.hpp"
#include "examples/kernel/machine/local_apic.hpp"

extern "C" const unsigned char interrupt_entries[];

namespace kernel {
namespace {

constexpr std::size_t vectors = 48, bytes_of_entry = 16;

struct Gate {
  std::uint16_t offset_low, segment, type, offset_middle;
  std::uint32_t offset_high, reserved;
};
constinit Gate gates[vectors] = {};

constexpr const char* names[] = {"division",
                                 "debug",
                                 "NMI",
                                 "breakpoint",
                                 "overflow",
                                 "bound",
                                 "invalid opcode",
                                 "no FPU",
                                 "double fault",
                                 "",
                                 "invalid TSS",
                                 "no segment",
                                 "stack segment",
                                 "protection",
                                 "page fault",
                                 "",
                                 "x87",
                                 "alignment",
                                 "machine check",
                                 "SIMD",
                                 "virtualisation",
                                 "control flow"};

/// clang's UBSan traps with `ud1 number(%eax), %eax`; the number is left out where it is 0.
bool is_ubsan_trap(const unsigned char* code) noexcept { return code[0] == 0x67 && code[1] == 0x0F && code[2] == 0xB9; }

[[noreturn]] void report_fault(const InterruptFrame& frame) noexcept {
  be_the_only_one();
  std::uint64_t address;
  asm volatile("movq %%cr2, %0" : "=r"(address));
  const auto* const code = reinterpret_cast<const unsigned char*>(frame.rip);
  const char* const name = frame.vector < sizeof names / sizeof *names ? names[frame.vector] : "";
  print("fault ", frame.vector, " (", name, "), error ", Hex{frame.error_code, 4}, ", rip ", Hex{frame.rip}, ", rsp ",
        Hex{frame.rsp}, ", cr2 ", Hex{address}, "\n");
  if (frame.vector == 6 && is_ubsan_trap(code))
    print("that is UBSan's trap of check ", unsigned{code[3] == 0x40 ? code[4] : 0u}, "\n");
  finish(End::Fault);
}

}  // namespace

void fill_interrupt_table() noexcept {
  for (std::size_t i = 0; i < vectors; ++i) {
    const auto entry = reinterpret_cast<std::uintptr_t>(interrupt_entries + i * bytes_of_entry);
    gates[i] = {static_cast<std::uint16_t>(entry),       0x08, 0x8E00, static_cast<std::uint16_t>(entry >> 16),
                static_cast<std::uint32_t>(entry >> 32), 0};  // an interrupt gate: further interrupts are off
  }
}

void load_interrupt_table() noexcept {
  struct [[gnu::packed]] {
    std::uint16_t last_byte = sizeof gates - 1;
    const void* table = gates;
  } const pointer;
  asm volatile("lidt %0" : : "m"(pointer));
}

extern "C" void on_interrupt(const InterruptFrame& frame) noexcept {
  switch (frame.vector) {
    case timer_vector:
      if (on_timer) on_timer();
      return end_of_interrupt();
    case wake_vector: return end_of_interrupt();
    case spurious_vector: return;
    default: report_fault(frame);
  }
}

}  // namespace kernel

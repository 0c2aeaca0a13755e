#pragma once

#include "examples/kernel/machine/serial.hpp"

namespace kernel {

/// How the kernel ends. QEMU's isa-debug-exit ends it with twice the value and 1. A triple fault ends it with 0 where
/// it may not reboot, and QEMU itself with 1 if it fails: neither is one of these.
enum class End : std::uint8_t { Passed = 0x10, CheckFailed, Misuse, Fault, Kasan };

[[noreturn]] inline void finish(End end) noexcept {
  write_port(0xF4, static_cast<std::uint8_t>(end));
  for (;;) asm volatile("cli; hlt");  // no such device
}

/// For what is said before the end: of several processors the first one speaks, and the others stop here.
inline void be_the_only_one() noexcept {
  static constinit bool is_taken = false;
  asm volatile("cli");
  if (__atomic_exchange_n(&is_taken, true, __ATOMIC_ACQ_REL))
    for (;;) asm volatile("hlt");
}

/// Ends with a sentence if something is not as it must be.
template <class... Parts>
void require(bool is_so, const Parts&... sentence) noexcept {
  if (is_so) return;
  be_the_only_one();
  print("failed: ", sentence..., "\n");
  finish(End::CheckFailed);
}

}  // namespace kernel

// A kernel that does nothing but use slab caches in every way that kernels do, and end.
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/machine/finish.hpp"
#include "examples/kernel/machine/interrupts.hpp"
#include "examples/kernel/machine/local_apic.hpp"
#include "examples/kernel/machine/page_frames.hpp"
#include "examples/kernel/machine/processors.hpp"

extern "C" {
extern const unsigned char image_end[];  // an address, physical
extern void (*const constructors_begin[])();
extern void (*const constructors_end[])();
}

namespace kernel {

/// Where boot.S has the first processor go.
extern "C" [[noreturn]] void kernel_main(const StartInfo* info) noexcept {
  fill_interrupt_table();
  load_interrupt_table();
  CommandLine command_line;
  command_line.read(reinterpret_cast<const char*>(info->command_line));
  if (command_line.has("plant", "silence")) finish(End::Passed);
  print("slabproof's test kernel, " SLABPROOF_COMPILER "\n");

  const std::size_t frames = page_frames.read(*info, reinterpret_cast<std::uintptr_t>(image_end));
  print("memory: ", frames, " free page frames\n");
  StartInfo::Module programs{};
  if (info->module_count > 0) programs = *reinterpret_cast<const StartInfo::Module*>(info->modules);

  use_cache_before_constructors();
  for (auto* constructor = constructors_begin; constructor != constructors_end; ++constructor) (*constructor)();
  use_cache_after_constructors();
  go_wrong(command_line);

  use_rows();
  use_heap();
  enable_local_apic();
  allocate_in_interrupts(command_line.has("plant", "interrupt_without_lock") ? Locking::None : Locking::Spin);
  const std::size_t processors = start_processors();
  exchange_objects(processors, command_line.has("plant", "processors_without_lock") ? Locking::None : Locking::Spin);
  if (programs.size > 0)
    execute_programs(reinterpret_cast<const unsigned char*>(programs.begin), programs.size, command_line);
  print("done: nothing wrong\n");
  finish(End::Passed);
}

}  // namespace kernel

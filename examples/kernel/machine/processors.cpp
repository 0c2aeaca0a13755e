#include "examples/kernel/machine/processors.hpp"

#include "examples/kernel/machine/finish.hpp"
#include "examples/kernel/machine/local_apic.hpp"

extern "C" const unsigned char trampoline[], trampoline_end[];

namespace kernel {
namespace {

constinit std::size_t count = 1, sleeping = 0, done = 0;
constinit Work work_of_all = nullptr;
constinit std::size_t round = 0;  // of work

std::size_t read(const std::size_t& number) noexcept { return __atomic_load_n(&number, __ATOMIC_ACQUIRE); }
void add_one(std::size_t& number) noexcept { __atomic_add_fetch(&number, 1, __ATOMIC_ACQ_REL); }

/// QEMU tells at the ports of its configuration device, fw_cfg: its key 5 is this number.
std::size_t count_of_qemu() noexcept {
  write_port_word(0x510, 5);
  const std::size_t low = read_port(0x511);
  return low | std::size_t{read_port(0x511)} << 8;
}

}  // namespace

std::size_t start_processors() noexcept {
  count = count_of_qemu();
  require(count >= 1 && count <= most_processors, "no number of processors: ", count);
  if (count == 1) return 1;
  constexpr std::uintptr_t start_page = 0x8000;
  auto* const page = reinterpret_cast<unsigned char*>(start_page);
  for (std::size_t i = 0; trampoline + i < trampoline_end; ++i) page[i] = trampoline[i];
  interrupt_others(Interrupt::Init, 0);
  for (int i = 0; i < 1000; ++i) (void)read_port(0x80);  // each takes about a microsecond on a real machine
  interrupt_others(Interrupt::Startup, start_page >> 12);
  while (read(sleeping) < count - 1) asm volatile("pause");
  return count;
}

void on_all_processors(Work work) noexcept {
  done = 0;
  work_of_all = work;
  add_one(round);
  if (count > 1) interrupt_others(Interrupt::Fixed, wake_vector);
  work(0);
  while (read(done) < count - 1) asm volatile("pause");
}

/// Where boot.S has the others go.
extern "C" [[noreturn]] void processor_main(std::uint32_t processor) noexcept {
  load_interrupt_table();
  enable_local_apic();
  add_one(sleeping);
  for (std::size_t rounds_done = 0;;) {
    // Interrupts are on only while it sleeps: `sti` lets none in before the next instruction is done.
    while (read(round) == rounds_done) asm volatile("sti; hlt; cli" ::: "memory");
    ++rounds_done;
    work_of_all(processor);
    add_one(done);
  }
}

}  // namespace kernel

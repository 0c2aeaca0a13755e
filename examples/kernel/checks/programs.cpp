// The programs of the corpus on real caches, by the decoder and the executor of model/execution/.
#include "examples/kernel/archive.hpp"
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/machine/finish.hpp"
#include "model/execution/kernel_executor.hpp"

namespace kernel {
namespace {

constinit std::uint64_t operations = 0;

/// Before the first operation, after each and after the end.
void count_step(const SlabproofStep&) { ++operations; }
void print_step(const SlabproofStep& step) {
  ++operations;
  print("step ", step.events, " ", Hex{step.digest}, "\n");
}

}  // namespace

void execute_programs(const unsigned char* begin, std::size_t size, const CommandLine& command_line) noexcept {
  const bool each_step = command_line.value_of("steps") != nullptr;
  Archive archive{begin, size};
  std::uint64_t programs = 0, all_events = 0;
  for (Archive::File file; archive.next(file);) {
    if (each_step) print("steps of ", file.name, "\n");
    const bool is_flipped = command_line.has("flip", file.name);
    slabproof_flip_allocation(is_flipped ? number_in(command_line.value_of("allocation")) : 0);
    const std::uint64_t operations_before = operations;
    const SlabproofRun run = slabproof_execute_steps(file.data, file.size, each_step ? print_step : count_step);
    require(run.has_room, file.name, ": the executor has too little room for it");
    if (!run.has_caches) {
      print("without guards: ", file.name, "\n");
      operations = operations_before;
      continue;
    }
    ++programs;
    operations -= 2;
    all_events += run.events;
    print(Hex{run.digest}, " ", run.events, " ", file.name, "\n");
  }
  print("programs: ", programs, ", ", operations, " operations, ", all_events, " events\n");
}

}  // namespace kernel

// What ci/kernel must find out, each for itself.
#include "examples/kernel/caches/backends.hpp"
#include "examples/kernel/checks/checks.hpp"
#include "examples/kernel/checks/stamp.hpp"

namespace kernel {
namespace {

using Object = Stamped<64>;
constinit slab::Immortal<slab::Cache<Object, slab::Config{}, FrameBackend, Panic>> cache{frame_backend};

void use_after_free() noexcept {
  Object* const object = cache->alloc();
  require(object != nullptr, "no memory left");
  cache->free(object);
  const volatile std::uint64_t* const word = object->words;
  print("a freed object begins with ", *word, "\n");
}

void free_twice() noexcept {
  Object* const object = cache->alloc();
  cache->free(object);
  cache->free(object);
}

void overflow_a_sum() noexcept {
  volatile int sum = 0x7fffffff;
  sum = sum + 1;
  print("a sum is negative: ", unsigned{sum < 0}, "\n");
}

[[noreturn]] void fault_three_times() noexcept {
  const struct [[gnu::packed]] {
    std::uint16_t last_byte = 0;
    std::uint64_t table = 0;
  } nothing;
  asm volatile("lidt %0; int3" : : "m"(nothing));
  for (;;);
}

void read_no_memory() noexcept {
  const volatile auto* const nothing = reinterpret_cast<const volatile unsigned char*>(std::uintptr_t{1} << 40);
  print("there is ", unsigned{*nothing}, "\n");
}

}  // namespace

void go_wrong(const CommandLine& command_line) noexcept {
  const char* const plant = "plant";
  if (command_line.has(plant, "use_after_free")) use_after_free();
  if (command_line.has(plant, "double_free")) free_twice();
  if (command_line.has(plant, "overflow")) overflow_a_sum();
  if (command_line.has(plant, "triple_fault")) fault_three_times();
  if (command_line.has(plant, "fault")) read_no_memory();
  if (command_line.has(plant, "hang"))
    for (;;) asm volatile("hlt");
}

}  // namespace kernel

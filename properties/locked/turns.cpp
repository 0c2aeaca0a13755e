#include "properties/locked/turns.hpp"

namespace turns {
namespace {

constexpr std::size_t stack_size = std::size_t{256} << 10;

}  // namespace

// Saves what a function must keep, leaves the stack's address in *from, and goes on where `to` was left so. System V's
// AMD64 ABI, section 3.2.1; what it says of the x87 and SSE control words is left out, since nobody changes them.
extern "C" void slabproof_switch_stack(void** from, void* to);
// Where a new stack begins: with what was put into rbx and rbp as the arguments of the function in r12.
extern "C" void slabproof_begin_stack();
__asm__(R"(
.pushsection .text
slabproof_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
slabproof_begin_stack:
  movq %rbx, %rdi
  movq %rbp, %rsi
  xorl %ebp, %ebp
  callq *%r12
  ud2
.popsection
)");

struct Cpus::Cpu {
  std::unique_ptr<std::byte[]> stack = std::make_unique<std::byte[]>(stack_size);
  void* left_at = nullptr;
  const bool* waits_for = nullptr;
  bool is_over = false;

  void begin(Cpus* cpus, std::uint64_t number, void (*start)(Cpus*, std::uint64_t)) {
    const auto top = reinterpret_cast<std::uintptr_t>(stack.get() + stack_size) & ~std::uintptr_t{15};
    auto* const words = reinterpret_cast<std::uintptr_t*>(top) - 7;  // the call is made with the stack at `top`
    words[0] = words[1] = words[2] = 0;  // r15, r14, r13
    words[3] = reinterpret_cast<std::uintptr_t>(start);  // r12
    words[4] = reinterpret_cast<std::uintptr_t>(cpus);  // rbx
    words[5] = number;  // rbp
    words[6] = reinterpret_cast<std::uintptr_t>(slabproof_begin_stack);
    left_at = words;
    waits_for = nullptr;
    is_over = false;
  }
};

Cpus::Cpus() {
  for (auto& cpu : cpus_) cpu = std::make_unique<Cpu>();
}
Cpus::~Cpus() = default;

void Cpus::start(Cpus* cpus, std::uint64_t cpu) {
  (*cpus->program_)(static_cast<std::uint8_t>(cpu));
  cpus->leave(*cpus->cpus_[cpu], true);
}

bool Cpus::run(std::uint8_t count, const std::function<void(std::uint8_t)>& program, Order& order) {
  program_ = &program;
  for (std::uint8_t i = 0; i < count; ++i) cpus_[i]->begin(this, i, start);
  for (std::uint8_t last = 0;;) {
    std::uint8_t able[most], options = 0;
    bool is_over = true;
    for (std::uint8_t i = 0; i < count; ++i) {  // the last one first
      const auto cpu = static_cast<std::uint8_t>(i == 0 ? last : i <= last ? i - 1 : i);
      is_over &= cpus_[cpu]->is_over;
      if (!cpus_[cpu]->is_over && (!cpus_[cpu]->waits_for || *cpus_[cpu]->waits_for)) able[options++] = cpu;
    }
    if (options == 0) return is_over;
    enter(last = order.next(able, options));
  }
}

void Cpus::enter(std::uint8_t cpu) {
  current_ = cpu;
  cpus_[cpu]->waits_for = nullptr;
  slabproof_switch_stack(&main_, cpus_[cpu]->left_at);
  current_ = none;
}

void Cpus::leave(Cpu& cpu, bool is_over) {
  cpu.is_over = is_over;
  slabproof_switch_stack(&cpu.left_at, main_);
}

void Cpus::turn() {
  if (current_ != none) leave(*cpus_[current_], false);
}

void Cpus::turn_until(const bool& is_free) {
  if (current_ == none) return;
  cpus_[current_]->waits_for = &is_free;
  leave(*cpus_[current_], false);
}

}  // namespace turns

#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <sys/ucontext.h>

namespace properties {

/// Interrupts an operation at each of its instructions, and goes back in time to do so again: a program steps through
/// itself with the processor's trap flag, x86-64 only. At every instruction, and for each number below `choices`, the
/// memory of `World`, the operation's stack and the registers are kept, `interrupt` is called as by an interrupt there,
/// the operation goes on to its end, `judge` looks at what came of it, and all is put back as it was.
///
/// A trap costs 20 microseconds where a hypervisor sees it, so that no instruction is stepped through twice.
template <class World>
class SingleStep {
 public:
  static_assert(std::is_trivially_copyable_v<World>);
  using Visit = void (*)(World&, std::size_t choice);

  /// Handles SIGTRAP from now on, on a stack of its own. False: the system refuses.
  [[nodiscard]] static bool prepare() noexcept {
    stack_t stack{};
    stack.ss_sp = own_stack_;
    stack.ss_size = sizeof own_stack_;
    struct sigaction action{};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    return sigaltstack(&stack, nullptr) == 0 && sigaction(SIGTRAP, &action, nullptr) == 0;
  }

  /// Returns how many instructions there were; 0: the processor does not trap.
  template <class Operation>
  [[gnu::noinline]] static std::size_t run(World& world, Operation operation, std::size_t choices, Visit interrupt,
                                           Visit judge) {
    world_ = &world, choices_ = choices, interrupt_ = interrupt, judge_ = judge;
    // Beyond the saved frame pointer and the address that this returns to.
    stack_end_ = static_cast<const std::byte*>(__builtin_frame_address(0)) + 16;
    instructions_ = 0;
    phase_ = Phase::Start;
    breakpoint();
    operation(world);
    breakpoint();
    return instructions_;
  }

 private:
  enum class Phase : std::uint8_t { Start, Stepping, Interrupted };
  static constexpr std::int64_t trap_flag = 0x100;

  [[gnu::always_inline]] static void breakpoint() { asm volatile("int3" ::: "memory"); }

  static void on_trap(int, siginfo_t* info, void* data) {
    auto& context = *static_cast<ucontext_t*>(data);
    auto& flags = context.uc_mcontext.gregs[REG_EFL];
    if (info->si_code != SI_KERNEL) {  // an instruction has ended
      ++instructions_;
      save(context);
      choice_ = 0;
    } else if (phase_ == Phase::Interrupted) {  // the operation has ended
      judge_(*world_, choice_);
      restore(context);
      ++choice_;
    } else {
      flags = phase_ == Phase::Start ? flags | trap_flag : flags & ~trap_flag;
      phase_ = Phase::Stepping;
      return;
    }
    if (choice_ == choices_) {
      phase_ = Phase::Stepping;
      flags |= trap_flag;
      return;
    }
    phase_ = Phase::Interrupted;
    flags &= ~trap_flag;
    interrupt_(*world_, choice_);
  }

  /// The state of vector registers is as large as the processor has them.
  static std::size_t vector_state_size(const void* state) {
    std::uint32_t magic, size;
    std::memcpy(&magic, static_cast<const std::byte*>(state) + 464, sizeof magic);
    std::memcpy(&size, static_cast<const std::byte*>(state) + 468, sizeof size);
    return magic == 0x46505853 ? size : 512;  // FP_XSTATE_MAGIC1
  }

  static void save(const ucontext_t& context) {
    std::memcpy(registers_, context.uc_mcontext.gregs, sizeof registers_);
    const std::size_t size = vector_state_size(context.uc_mcontext.fpregs);
    // 128 bytes below the stack pointer may be in use.
    stack_begin_ = reinterpret_cast<std::byte*>(context.uc_mcontext.gregs[REG_RSP]) - 128;
    const auto depth = static_cast<std::size_t>(stack_end_ - stack_begin_);
    if (size > sizeof vectors_ || depth > sizeof stack_) __builtin_trap();
    std::memcpy(vectors_, context.uc_mcontext.fpregs, size);
    std::memcpy(stack_, stack_begin_, depth);
    std::memcpy(world_copy_, static_cast<const void*>(world_), sizeof(World));
  }
  static void restore(ucontext_t& context) {
    std::memcpy(context.uc_mcontext.gregs, registers_, sizeof registers_);
    std::memcpy(context.uc_mcontext.fpregs, vectors_, vector_state_size(vectors_));
    std::memcpy(stack_begin_, stack_, static_cast<std::size_t>(stack_end_ - stack_begin_));
    std::memcpy(static_cast<void*>(world_), world_copy_, sizeof(World));
  }

  static inline World* world_;
  static inline std::size_t choices_, choice_, instructions_;
  static inline Visit interrupt_, judge_;
  static inline volatile Phase phase_;
  static inline gregset_t registers_;
  static inline std::byte* stack_begin_;
  static inline const std::byte* stack_end_;
  alignas(64) static inline std::byte own_stack_[1 << 18], vectors_[1 << 14], stack_[1 << 14];
  alignas(World) static inline std::byte world_copy_[sizeof(World)];
};

}  // namespace properties

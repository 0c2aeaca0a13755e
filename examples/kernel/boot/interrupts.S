// An entry for each vector, 16 bytes apart, which leaves an InterruptFrame on the stack for on_interrupt().
#define VECTORS 48

  .text
  .balign 16
  .globl interrupt_entries
interrupt_entries:
vector = 0
  .rept VECTORS
  .balign 16
  .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
  .else
  pushq $0  // the processor pushes no error code
  .endif
  pushq $vector
  jmp save_registers
vector = vector + 1
  .endr

save_registers:
  pushq %rax
  pushq %rbx
  pushq %rcx
  pushq %rdx
  pushq %rsi
  pushq %rdi
  pushq %rbp
  pushq %r8
  pushq %r9
  pushq %r10
  pushq %r11
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  cld
  movq %rsp, %rdi  // aligned to 16: the processor has aligned it, and 22 words lie on it
  call on_interrupt
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %r11
  popq %r10
  popq %r9
  popq %r8
  popq %rbp
  popq %rdi
  popq %rsi
  popq %rdx
  popq %rcx
  popq %rbx
  popq %rax
  addq $16, %rsp
  iretq

  .section .note.GNU-stack, "", @progbits

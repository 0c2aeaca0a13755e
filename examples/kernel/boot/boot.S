// From PVH's entry, 32 bits and no paging, to kernel_main() in long mode; and from the start of each further processor,
// 16 bits, to processor_main(). Physical memory is mapped twice: all of the first 4 GiB where it is, and its first
// 2 GiB at the image's addresses.
#define IMAGE_OFFSET 0xffffffff80000000
#define STACK_SIZE 32768
#define MOST_PROCESSORS 8
#define CODE_64 0x08
#define DATA 0x10
#define CODE_32 0x18

  .section .note.Xen, "a"
  .balign 4
  .long 4, 4, 18  // of "Xen", 4 bytes, XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .long start

  .section .boot, "awx"
  .code32
  .globl start
start:
  cld
  // 2,048 pages of 2 MiB; the last GiB is devices, and not cached.
  movl $(page_directories - IMAGE_OFFSET), %edi
  movl $0x83, %eax
1:
  movl %eax, (%edi)
  cmpl $0xc0000000, %eax
  jb 2f
  orl $0x18, (%edi)
2:
  addl $8, %edi
  addl $0x200000, %eax
  jnc 1b
  movl $(page_directories - IMAGE_OFFSET + 3), %eax
  movl %eax, pointers_low - IMAGE_OFFSET
  movl %eax, pointers_high - IMAGE_OFFSET + 510 * 8
  addl $4096, %eax
  movl %eax, pointers_low - IMAGE_OFFSET + 8
  movl %eax, pointers_high - IMAGE_OFFSET + 511 * 8
  addl $4096, %eax
  movl %eax, pointers_low - IMAGE_OFFSET + 16
  addl $4096, %eax
  movl %eax, pointers_low - IMAGE_OFFSET + 24
  movl $(pointers_low - IMAGE_OFFSET + 3), top_table - IMAGE_OFFSET
  movl $(pointers_high - IMAGE_OFFSET + 3), top_table - IMAGE_OFFSET + 511 * 8

// All processors, flat segments of 32 bits; %ebx: where PVH has left what it knows, for the first.
enter_long_mode:
  movl $0x20, %eax  // PAE
  movl %eax, %cr4
  movl $(top_table - IMAGE_OFFSET), %eax
  movl %eax, %cr3
  movl $0xc0000080, %ecx  // EFER
  rdmsr
  orl $0x100, %eax  // LME
  wrmsr
  movl %cr0, %eax
  orl $0x80010000, %eax  // PG, WP
  movl %eax, %cr0
  lgdt pointer_to_table
  ljmp $CODE_64, $in_long_mode

  .code64
in_long_mode:
  movl $DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movq $in_image, %rax
  jmp *%rax

  .balign 8
segments:
  .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff
pointer_to_table:
  .word pointer_to_table - segments - 1
  .long segments, 0  // 10 bytes in long mode

  .text
in_image:
  movl $1, %edi
  lock xaddl %edi, next_processor
  cmpl $MOST_PROCESSORS, %edi
  jae 3f
  leal 1(%rdi), %eax
  imulq $STACK_SIZE, %rax
  leaq stacks(%rax), %rsp
  xorl %ebp, %ebp
  testl %edi, %edi
  jnz 2f
  movl %ebx, %edi
  call kernel_main
2:
  call processor_main
3:
  cli
  hlt
  jmp 3b

// Copied to a page below 1 MiB, where a processor starts in real mode with %cs at its beginning.
  .section .rodata
  .globl trampoline, trampoline_end
  .code16
trampoline:
  cli
  movw %cs, %ax
  movw %ax, %ds
  lgdtl pointer_in_trampoline - trampoline
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0
  ljmpl $CODE_32, $in_protected_mode
  .balign 4
pointer_in_trampoline:
  .word pointer_to_table - segments - 1
  .long segments
trampoline_end:

  .section .boot
  .code32
in_protected_mode:
  movl $DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  jmp enter_long_mode

  .bss
  .balign 4096
page_directories:
  .skip 4 * 4096
pointers_low:
  .skip 4096
pointers_high:
  .skip 4096
top_table:
  .skip 4096
stacks:
  .skip MOST_PROCESSORS * STACK_SIZE
next_processor:
  .skip 4

  .section .note.GNU-stack, "", @progbits

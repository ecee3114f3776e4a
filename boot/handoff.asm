; SPDX-License-Identifier: MIT
;
; handoff: the jump from the loader into bulkhead.elf. Nothing is switched here: page tables, GDT,
; IDT and stack are still the firmware's (levels.asm's after 5-level paging), and the hypervisor
; replaces them before it touches memory that the map calls free.

bits 64
default rel

global handoff:function hidden
global handoff_levels:function hidden

section .text

; NORETURN void handoff(uint64_t entry, const struct boot_info *info)
; The stack is left as a call leaves it (System V ABI "The Stack Frame"), so that entry may be a
; plain C function. Its return address means nothing.
handoff:
    cli                     ; boot services are gone, and with them every handler
    cld
    mov     rax, rdi
    mov     rdi, rsi        ; struct boot_info
    xor     ebp, ebp        ; the end of every backtrace
    jmp     rax

; NORETURN void handoff_levels(uint64_t entry, const struct boot_info *info, uint64_t root,
;                              uint64_t stack, uint64_t code)
handoff_levels:
    jmp     r8

section .note.GNU-stack noalloc noexec nowrite progbits

; SPDX-License-Identifier: MIT
;
; handoff: the jump from the loader into bulkhead.elf. Nothing is switched here: page tables, GDT,
; IDT and stack are still the firmware's, and the hypervisor replaces them before it touches memory
; that the map calls free.

bits 64
default rel

global handoff:function hidden

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

section .note.GNU-stack noalloc noexec nowrite progbits

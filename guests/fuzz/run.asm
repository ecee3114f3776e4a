; SPDX-License-Identifier: MIT
;
; run: the guard around an operation, and the jump into made instructions.

%include "guests/kit/kept.inc"

global guard_enter, guard_landing, snippet_run, fault_stub

section .text
bits 64

%macro LEAVE_GUARD 0
        POP_KEPT
        ret
%endmacro

; uint64_t guard_enter(struct core *c, void (*fn)(struct core *c)): 0, or 1 by the landing
guard_enter:
        PUSH_KEPT
        mov     [rdi], rsp              ; guard_rsp
        sub     rsp, 8
        call    rsi
        add     rsp, 8
        xor     eax, eax
        LEAVE_GUARD

; Where the trap handler lets an exception return to, with RSP = guard_rsp.
guard_landing:
        mov     eax, 1
        LEAVE_GUARD

; NORETURN void snippet_run(const struct snippet *s): it ends by an exception.
snippet_run:
        push    qword [rdi + 20 * 8]    ; SS
        push    qword [rdi + 19 * 8]    ; RSP
        push    qword [rdi + 18 * 8]    ; RFLAGS
        push    qword [rdi + 17 * 8]    ; CS
        push    qword [rdi + 16 * 8]    ; RIP
        mov     rax, [rdi + 0 * 8]
        mov     rcx, [rdi + 1 * 8]
        mov     rdx, [rdi + 2 * 8]
        mov     rbx, [rdi + 3 * 8]
        mov     rbp, [rdi + 5 * 8]
        mov     rsi, [rdi + 6 * 8]
        mov     r8, [rdi + 8 * 8]
        mov     r9, [rdi + 9 * 8]
        mov     r10, [rdi + 10 * 8]
        mov     r11, [rdi + 11 * 8]
        mov     r12, [rdi + 12 * 8]
        mov     r13, [rdi + 13 * 8]
        mov     r14, [rdi + 14 * 8]
        mov     r15, [rdi + 15 * 8]
        mov     rdi, [rdi + 7 * 8]
        iretq

; Where SYSCALL and SYSENTER lead.
fault_stub:
        ud2

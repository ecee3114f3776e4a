; SPDX-License-Identifier: MIT
;
; runtime: a call into the firmware. UEFI "x64 Platforms", "Calling Conventions"; at run time
; firmware may use x87 and SSE registers, of which the hypervisor keeps none.

        bits 64
        default rel

        global runtime_call:function hidden

        section .text

; uint64_t runtime_call(uint64_t root, uint64_t cr4, const uint64_t arguments[5], uint64_t function)
; CR3 and CR4 are as before afterwards; interrupts stay off. The stack, this code and what the
; exception handlers need are in the tables below `root`, too.
runtime_call:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        mov     rbp, rsp
        mov     rbx, rdx
        mov     r12, cr3
        mov     r13, cr4
        mov     r14, rcx
        and     rsp, -16
        sub     rsp, 48                 ; room for four register arguments, then the fifth
        mov     cr4, rsi
        mov     cr3, rdi
        fninit
        ldmxcsr [runtime_mxcsr]
        mov     rax, [rbx + 32]
        mov     [rsp + 32], rax
        mov     rcx, [rbx]
        mov     rdx, [rbx + 8]
        mov     r8, [rbx + 16]
        mov     r9, [rbx + 24]
        call    r14
        cli
        cld
        mov     cr3, r12
        mov     cr4, r13
        mov     rsp, rbp
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

        section .rodata
        align   4
runtime_mxcsr:
        dd      0x1f80                  ; all exceptions masked

        section .note.GNU-stack noalloc noexec nowrite

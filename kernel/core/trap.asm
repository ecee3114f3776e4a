; SPDX-License-Identifier: MIT
;
; trap: the 256 entries of the IDT, at work and in a wait.
; SDM "Interrupt and Exception Handling", "64-Bit Mode Stack Frame".

        bits 64
        default rel

        extern  trap_handle

        global trap_stubs:data hidden
        global trap_wait_stubs:data hidden

STUB_SIZE       equ 16          ; kernel/core/trap.c; no stub crosses a cache line, or a page: with
                                ; several cores, Bochs 3.1 goes astray after an exception whose
                                ; handler's first instruction does
TRAP_INTERRUPT  equ 256         ; kernel/core/trap.h

; Exceptions that push an error code.
%define HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || \
                      (v) == 29 || (v) == 30)

        section .text

; Whether the processor pushes an error code, what stands beside it, and where that goes.
%macro STUB 2-3 trap_common
%%stub:
%if !(%1)
        push    byte 0
%endif
        push    strict dword %2
        jmp     strict near %3
        times   STUB_SIZE - ($ - %%stub) int3
%endmacro

        align   STUB_SIZE
trap_stubs:
%assign vector 0
%rep 256
        STUB    HAS_ERROR(vector), vector
%assign vector vector + 1
%endrep

; The same while interrupts are on, which they are only around the HLT of a wait: an interrupt has
; any vector (a guest chose it, and an emulated APIC also takes those below 16) and pushes no error
; code. Vectors whose exception pushes one are told apart by the stack, which the processor has
; aligned before it pushed; the others by trap_handle().
trap_wait_stubs:
%assign vector 0
%rep 256
%if HAS_ERROR(vector)
        STUB    1, vector, trap_wait_either
%else
        STUB    0, vector + TRAP_INTERRUPT
%endif
%assign vector vector + 1
%endrep

        align   16
; Five quadwords and the vector: an interrupt's frame ends aligned; with an error code it does not.
trap_wait_either:
        test    spl, 8
        jnz     trap_common
        push    qword [rsp]
        add     qword [rsp], TRAP_INTERRUPT
        mov     qword [rsp + 8], 0

trap_common:
        push    rax
        push    rbx
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    rbp
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        cld
        mov     rdi, rsp
        mov     rbp, rsp
        and     rsp, -16                ; an exception may come at any alignment
        call    trap_handle
        mov     rsp, rbp
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rbx
        pop     rax
        add     rsp, 16                 ; vector and error code
        iretq

        section .note.GNU-stack noalloc noexec nowrite

; SPDX-License-Identifier: MIT
;
; trap: the 256 entries of the IDT, at work and in a wait.
; SDM "Interrupt and Exception Handling", "64-Bit Mode Stack Frame".

        bits 64
        default rel

        extern  trap_handle

        global trap_stubs:data hidden
        global trap_wait_stubs:data hidden

STUB_SIZE       equ 16
TRAP_INTERRUPT  equ 256         ; kernel/core/trap.h

; Exceptions that push an error code.
%define HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || \
                      (v) == 29 || (v) == 30)

        section .text

        align   STUB_SIZE
trap_stubs:
%assign vector 0
%rep 256
        align   STUB_SIZE
%if !HAS_ERROR(vector)
        push    0
%endif
        push    strict dword vector
        jmp     strict near trap_common
%assign vector vector + 1
%endrep

; The same while interrupts are on, which they are only around the HLT of a wait: there is nothing
; there that faults, and an interrupt of any vector (a guest chose them: 16 and up) pushes no error
; code.
        align   STUB_SIZE
trap_wait_stubs:
%assign vector 0
%rep 256
        align   STUB_SIZE
%if vector < 16 && HAS_ERROR(vector)
        nop
%else
        push    0
%endif
%if vector < 16
        push    strict dword vector
%else
        push    strict dword vector + TRAP_INTERRUPT
%endif
        jmp     strict near trap_common
%assign vector vector + 1
%endrep

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

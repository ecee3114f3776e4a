; SPDX-License-Identifier: MIT
;
; vectors: 256 entry points for the IDT, each of which makes a struct trap_frame (idt.h) on the
; stack and calls idt_dispatch() with it. Nothing is decided here.

global idt_vectors
extern idt_dispatch

; Exceptions that push an error code themselves. SDM "Exception and Interrupt Reference".
%define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21)

VECTOR_SIZE equ 16                      ; idt.c counts on it

section .text
bits 64
align 16
idt_vectors:
%assign v 0
%rep 256
        align 16
%if HAS_ERROR_CODE(v)
%else
        push    qword 0
%endif
        push    qword v
        jmp     idt_common
%assign v v + 1
%endrep

%macro PUSH_ALL 0-*
%rep %0
        push    %1
%rotate 1
%endrep
%endmacro

%macro POP_ALL 0-*
%rep %0
%rotate -1
        pop     %1
%endrep
%endmacro

%define REGISTERS rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15

        align 16
idt_common:
        PUSH_ALL REGISTERS
        cld
        mov     rdi, rsp                ; 16-byte aligned: the CPU aligned it, 22 words followed
        call    idt_dispatch
        POP_ALL REGISTERS
        add     rsp, 16                 ; vector, error code
        iretq

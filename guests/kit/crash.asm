; SPDX-License-Identifier: MIT
;
; crash: ends the guest by the call `crash` with the registers of a fault, but for RAX, RBX, RCX and
; RDX, which the call needs. guests/kit/abi.h has the numbers, idt.h the frame.

CALL_POWER_OFF equ 0x42480005
CALL_CRASH     equ 0x42480008
EXIT_CRASHED   equ 99                   ; for a hypervisor that has no such call
FLAGS_OFF      equ 1 << 8 | 1 << 9      ; TF, IF

FRAME_RFLAGS   equ 19 * 8               ; struct trap_frame
LOST           equ 4 * 8                ; RBX, RDX, RCX, RAX
VECTOR         equ 0                    ; from there on
ERROR_CODE     equ 8
RIP            equ 16
RSP_AT_FAULT   equ 40

extern bulkhead_uses_vmmcall

global crash_frame

; From here on no instruction changes a flag.
%macro CRASH 1                          ; VMCALL or VMMCALL
        popfq
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rdi
        pop     rsi
        pop     rbp
        lea     rsp, [rsp + LOST]
        mov     ebx, [rsp + VECTOR]
        mov     rdx, [rsp + ERROR_CODE]
        mov     rcx, [rsp + RIP]
        mov     eax, CALL_CRASH
        mov     rsp, [rsp + RSP_AT_FAULT]
        %1
        mov     eax, CALL_POWER_OFF
        mov     ebx, EXIT_CRASHED
        %1
%%never: hlt
        jmp     %%never
%endmacro

section .text
bits 64
; NORETURN void crash_frame(struct trap_frame *frame)
crash_frame:
        cli
        mov     rsp, rdi                ; what is below is not needed any more
        mov     rax, [rsp + FRAME_RFLAGS]
        and     rax, ~FLAGS_OFF
        push    rax
        cmp     byte [bulkhead_uses_vmmcall], 0
        jne     .amd
        CRASH   vmcall
.amd:   CRASH   vmmcall

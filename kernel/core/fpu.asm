; SPDX-License-Identifier: MIT
;
; fpu: the one place of the hypervisor that touches FPU and vector state: it resets it, so that a
; guest starts with clean registers. SDM "Managing State Using the XSAVE Feature Set".

        bits 64
        default rel

        global fpu_reset_xsave:function hidden

        section .text

; void fpu_reset_xsave(uint64_t xcr0)
; Needs CR4.OSXSAVE. An all-zero XSAVE header asks XRSTOR for the initial state of every component
; that is enabled in XCR0; afterwards XCR0 has its reset value (x87 only).
fpu_reset_xsave:
        mov     rax, rdi
        mov     rdx, rdi
        shr     rdx, 32
        xor     ecx, ecx
        xsetbv
        mov     eax, -1
        mov     edx, -1
        xrstor  [reset_image]
        mov     eax, 1
        xor     edx, edx
        xor     ecx, ecx
        xsetbv
        ret

        section .rodata align=64
; Legacy area: FCW 0x37f, MXCSR 0x1f80; then a zero header.
        align   64
reset_image:
        dw      0x37f
        times   22 db 0
        dd      0x1f80
        times   512 - 28 db 0
        times   64 db 0

        section .note.GNU-stack noalloc noexec nowrite

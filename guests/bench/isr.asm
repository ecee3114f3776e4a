; SPDX-License-Identifier: MIT
;
; isr: the shortest handler that measures: the TSC first, then EOI.

MSR_X2APIC_EOI equ 0x80b

global bench_isr
extern bench_isr_tsc, bench_isr_count

section .text
bits 64
bench_isr:
        push    rax
        push    rdx
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        mov     [bench_isr_tsc], rax
        push    rcx
        mov     ecx, MSR_X2APIC_EOI
        xor     eax, eax
        xor     edx, edx
        wrmsr
        inc     qword [bench_isr_count]
        pop     rcx
        pop     rdx
        pop     rax
        iretq

; SPDX-License-Identifier: MIT
;
; isr: the shortest handlers that measure: the TSC first, then what else there is to do.

MSR_X2APIC_EOI equ 0x80b

global bench_isr, bench_pv_isr
extern bench_isr_tsc, bench_isr_count, bench_last_tsc, bench_cut_tsc

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

; Of the PV timer and of an NMI: no EOI. Keeps where the interrupted loop was.
bench_pv_isr:
        push    rax
        push    rdx
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        mov     [bench_isr_tsc], rax
        mov     rax, [bench_last_tsc]
        mov     [bench_cut_tsc], rax
        inc     qword [bench_isr_count]
        pop     rdx
        pop     rax
        iretq

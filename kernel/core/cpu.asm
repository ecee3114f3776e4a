; SPDX-License-Identifier: MIT
;
; cpu: the two waits that an NMI must be able to break, and the segment registers.
; SDM "Interrupt and Exception Handling".

        bits 64
        default rel

        extern  trap_idtr
        extern  trap_wait_idtr

        global cpu_drain:function hidden
        global cpu_load_segments:function hidden
        global cpu_wait:function hidden

        section .text

; void cpu_load_segments(uint16_t code)
cpu_load_segments:
        pop     rax
        movzx   edi, di
        push    rdi
        push    rax
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        retfq

; void cpu_wait(_Atomic uint32_t *flag)
; STI keeps interrupts off until HLT has begun, so an interrupt should not slip between; an NMI can.
; Either is sent on to wait_end (.fixup below).
cpu_wait:
        lidt    [trap_wait_idtr]
wait_begin:
        cmp     dword [rdi], 0
        jne     wait_end
        sti
        hlt
wait_end:
        cli
        lidt    [trap_idtr]
        ret

; void cpu_drain(void): takes what is pending in the APIC.
cpu_drain:
        lidt    [trap_wait_idtr]
        sti
        nop
        pause
        cli
        lidt    [trap_idtr]
        ret

        section .fixup alloc noexec nowrite align=4
        dd      wait_begin - $
        dd      wait_end - $
        dd      wait_end - $

        section .note.GNU-stack noalloc noexec nowrite

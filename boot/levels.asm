; SPDX-License-Identifier: MIT
;
; levels: from five levels of paging to four. CR4.LA57 may change only outside IA-32e mode, so this
; goes there and back. levels.c copies it to a page below 4 GiB; it is position-independent and is
; not written to. SDM "5-Level Paging and 5-Level EPT", "Initializing IA-32e Mode".

        global levels_code:data hidden
        global levels_size:data hidden

CR0_PG          equ 31                  ; bits
CR4_LA57        equ 12
; Paging cannot be turned off under PCIDE; CET would look at the far returns; the others keep us from
; pages that we need or keep translations of the tables before.
CR4_PGE_PCIDE_SMEP_SMAP_CET equ 1 << 7 | 1 << 17 | 1 << 20 | 1 << 21 | 1 << 23

SEL_CODE32      equ 0x08
SEL_DATA        equ 0x10
SEL_CODE64      equ 0x18

        section .rodata

        align   16
        bits    64
        default rel
; RDI = entry point, RSI = its argument, RDX = root of the four-level tables, RCX = top of a stack.
; This page, the tables' root and the stack are below 4 GiB and mapped by identity in both tables.
; Of registers only the lower halves live on: the rest waits on the stack.
levels_code:
        cli
        cld
        mov     rsp, rcx
        push    rsi
        push    rdi
        mov     ebx, edx
        mov     rax, cr4
        and     eax, ~CR4_PGE_PCIDE_SMEP_SMAP_CET
        mov     cr4, rax
        lea     rax, [gdt]
        push    rax
        push    word 4 * 8 - 1
        lgdt    [rsp]
        add     rsp, 10
        lea     ebp, [long_mode]
        push    SEL_CODE32
        lea     rax, [compatibility]
        push    rax
        retfq

        bits    32
compatibility:
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     eax, cr0
        btr     eax, CR0_PG
        mov     cr0, eax
        jmp     short without_paging
without_paging:
        mov     eax, cr4
        btr     eax, CR4_LA57
        mov     cr4, eax
        mov     cr3, ebx
        mov     eax, cr0
        bts     eax, CR0_PG             ; EFER.LME is still set
        mov     cr0, eax
        jmp     short with_paging
with_paging:
        push    SEL_CODE64
        push    ebp
        retf

        bits    64
long_mode:
        mov     esp, esp                ; its upper half is 0
        pop     rax
        pop     rdi
        push    qword 0                 ; as a call leaves the stack: see handoff.asm
        xor     ebp, ebp
        jmp     rax

        align   8
gdt:
        dq      0
        dq      0x00cf9b000000ffff      ; SEL_CODE32
        dq      0x00cf93000000ffff      ; SEL_DATA
        dq      0x00af9b000000ffff      ; SEL_CODE64
levels_code_end:

levels_size:
        dd      levels_code_end - levels_code

        section .note.GNU-stack noalloc noexec nowrite progbits

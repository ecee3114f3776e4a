; SPDX-License-Identifier: MIT
;
; ap: how a core that got INIT and SIPI comes to smp_core_main() in 64-bit mode. smp.c copies
; ap_page to a page below 1 MiB, so that part of the code does not know where it runs: it begins
; in real mode at offset 0 of CS.

CR0_LONG   equ 0x80010033               ; PG | WP | NE | ET | MP | PE
CR4_PAE    equ 1 << 5
MSR_EFER   equ 0xc0000080
EFER_LME   equ 1 << 8
EFER_NXE   equ 1 << 11

global ap_page, ap_page_end
extern kit_gdt, kit_gdtr, kit_pml4, smp_ticket, smp_cores_max, smp_stacks_end, smp_core_main

section .rodata
align 16
bits 16
ap_page:
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        o32 lgdt [gdtr - ap_page]
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, kit_pml4
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME | EFER_NXE
        wrmsr
        mov     eax, CR0_LONG           ; straight from real mode to long mode
        mov     cr0, eax
        jmp     dword 0x08:ap_start

gdtr:   dw      0x17                    ; code and data; kit_gdtr has the rest
        dd      kit_gdt
ap_page_end:

section .text
bits 64
ap_start:
        lgdt    [kit_gdtr]
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     edi, 1                  ; the next free number is this core's
        lock xadd [smp_ticket], edi
        cmp     edi, [smp_cores_max]
        jae     .halt
        mov     eax, edi
        mov     rsp, [smp_stacks_end + rax * 8]
        xor     ebp, ebp
        call    smp_core_main
.halt:  cli
        hlt
        jmp     .halt

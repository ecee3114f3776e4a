; SPDX-License-Identifier: MIT
;
; start: from the PVH entry (32-bit protected mode, paging off, EBX = hvm_start_info) to kit_main()
; in 64-bit mode, with the first 4 GiB mapped at their own addresses, all rights given: paging.c
; takes away what is not needed. Boot core only; the others come in by ap.asm and share the tables
; and the GDT.

CR0_LONG   equ 0x80010033               ; PG | WP | NE | ET | MP | PE
CR4_PAE    equ 1 << 5
MSR_EFER   equ 0xc0000080
EFER_LME   equ 1 << 8
EFER_NXE   equ 1 << 11

PAGE_TABLE equ 0x07                     ; present, writable, user: the last level decides
PAGE_2M    equ 0x87                     ; the same, large
GIB        equ 4                        ; how many are mapped

STACK_SIZE equ 64 * 1024
CORES_MAX  equ 64                      ; SMP_CORES_MAX

global start, kit_gdt, kit_gdtr, kit_pml4, kit_pdpt, kit_pd, kit_boot_guard, kit_boot_stack
extern kit_main

section .note.bulkhead note alloc noexec nowrite align=4
        dd      4, 4, 18                ; name and descriptor sizes, XEN_ELFNOTE_PHYS32_ENTRY
        db      "Xen", 0
        dd      start

section .text.start exec alloc nowrite progbits align=16
bits 32
start:
        cld
        mov     edi, kit_pd
        mov     eax, PAGE_2M
.page:  mov     [edi], eax              ; upper halves stay 0: bss, and all below 4 GiB
        add     edi, 8
        add     eax, 2 << 20
        jnc     .page                   ; wraps to 0 behind the last page below 4 GiB

        mov     eax, kit_pd + PAGE_TABLE
        mov     ecx, 0
.pd:    mov     [kit_pdpt + ecx * 8], eax
        add     eax, 4096
        inc     ecx
        cmp     ecx, GIB
        jb      .pd
        mov     dword [kit_pml4], kit_pdpt + PAGE_TABLE

        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, kit_pml4
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME | EFER_NXE
        wrmsr
        mov     eax, CR0_LONG
        mov     cr0, eax
        lgdt    [kit_gdtr]
        jmp     0x08:start64

bits 64
start64:
        mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     rsp, kit_boot_stack
        xor     ebp, ebp                ; where a backtrace ends
        mov     edi, ebx                ; hvm_start_info, below 4 GiB
        call    kit_main
.never: hlt
        jmp     .never

; A GDT for all cores. task.c fills in a TSS for each.
section .data
align 8
kit_gdt:
        dq      0
        dq      0x00af9b000000ffff      ; 0x08 code, 64-bit, CPL 0
        dq      0x00cf93000000ffff      ; 0x10 data, CPL 0
        dq      0x00cff3000000ffff      ; 0x18 data, CPL 3
        dq      0x00affb000000ffff      ; 0x20 code, 64-bit, CPL 3
        times CORES_MAX dq 0, 0         ; 0x28 TSS
kit_gdtr:
        dw      kit_gdtr - kit_gdt - 1
        dq      kit_gdt

section .bss
align 4096
kit_pml4: resb 4096
kit_pdpt: resb 4096
kit_pd:   resb 4096 * GIB

section .bss.stacks nobits alloc noexec write align=4096
kit_boot_guard: resb 4096               ; paging.c unmaps it
          resb STACK_SIZE
kit_boot_stack:

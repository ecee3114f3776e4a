; SPDX-License-Identifier: MIT
;
; trampoline: from SIPI's real mode to 64-bit mode. Copied to a page below 1 MiB and completed once
; by kernel/start/smp.c; never written to after that. SDM "Initializing IA-32e Mode".

        global trampoline_start:data hidden
        global trampoline_end:data hidden
        global trampoline_cr3:data hidden
        global trampoline_target:data hidden
        global trampoline_fixups:data hidden
        global trampoline_fixups_end:data hidden

CR0_PE          equ 1 << 0
CR0_PG_WP_NE_PE equ 1 << 31 | 1 << 16 | 1 << 5 | 1 << 4 | 1
CR4_PAE         equ 1 << 5
CPUID_EXTENDED  equ 0x80000001
CPUID_EDX_NX    equ 20                  ; its bit
MSR_MISC_ENABLE equ 0x1a0
XD_DISABLE_HIGH equ 34 - 32             ; its bit, in EDX
MSR_EFER        equ 0xc0000080
EFER_LME_NXE    equ 1 << 8 | 1 << 11

SEL_CODE32      equ 0x08
SEL_DATA        equ 0x10
SEL_CODE64      equ 0x18

%define AT(label) ((label) - trampoline_start)

        section .rodata

        align   16
trampoline_start:
        bits 16
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        movzx   ebx, ax
        shl     ebx, 4                  ; EBX = address of this page
        o32 lgdt [AT(gdtr)]
        mov     eax, CR0_PE
        mov     cr0, eax
        jmp     far dword [AT(far32)]

        bits 32
protected:
        mov     ax, SEL_DATA
        mov     ds, eax
        mov     ss, eax
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [ebx + AT(trampoline_cr3)]
        mov     cr3, eax
        mov     esi, ebx
        mov     eax, CPUID_EXTENDED
        cpuid
        mov     ebx, esi
        bt      edx, CPUID_EDX_NX
        jc      has_xd
        ; The boot core has it: firmware hides it here, on an Intel processor. EFER.NXE would be a
        ; reserved bit, and there is no IDT.
        mov     ecx, MSR_MISC_ENABLE
        rdmsr
        btr     edx, XD_DISABLE_HIGH
        wrmsr
has_xd:
        mov     ecx, MSR_EFER
        mov     eax, EFER_LME_NXE
        xor     edx, edx
        wrmsr
        mov     eax, CR0_PG_WP_NE_PE
        mov     cr0, eax
        jmp     far dword [ebx + AT(far64)]

        bits 64
long_mode:
        jmp     qword [rbx + AT(trampoline_target)]

; Filled in by smp.c.
        align   8
trampoline_cr3:
        dd      0                       ; core 0's tables, below 4 GiB: 32-bit mode loads it
        dd      0
trampoline_target:
        dq      0                       ; entry_core

; Here smp.c adds the page's address to the dwords that trampoline_fixups lists.
far32:
        dd      AT(protected)
        dw      SEL_CODE32
        align   4
far64:
        dd      AT(long_mode)
        dw      SEL_CODE64
        align   8
gdt:
        dq      0
        dq      0x00cf9b000000ffff      ; SEL_CODE32
        dq      0x00cf93000000ffff      ; SEL_DATA
        dq      0x00af9b000000ffff      ; SEL_CODE64
gdtr:
        dw      4 * 8 - 1
        dd      AT(gdt)
trampoline_end:

        align   2
trampoline_fixups:
        dw      AT(far32)
        dw      AT(far64)
        dw      AT(gdtr) + 2
trampoline_fixups_end:

        section .note.GNU-stack noalloc noexec nowrite

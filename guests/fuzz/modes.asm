; SPDX-License-Identifier: MIT
;
; modes: how a core that got INIT and SIPI comes back, and how the lead leaves long mode, carries
; out made instructions in another mode and returns by the exception behind them. The lead's trip
; is the only one at a time; what is kept meanwhile is below. Selectors and pages: fuzz.h.

%include "guests/kit/kept.inc"

SEL_CODE64 equ 0x08
SEL_DATA   equ 0x10
SEL_CODE32 equ 0x28
SEL_CODE16 equ 0x38
REAL_BASE  equ 0xa000                   ; REAL_PAGE
REAL_GPR   equ REAL_BASE + 0x100        ; eight words of 32 bits
REAL_CODE  equ REAL_BASE + 0x200        ; made instructions
REAL_TOP   equ REAL_BASE + 0xff0        ; its stack
IVT_BASE   equ 0xb000                   ; IVT_PAGE

CR0_LONG   equ 0x80010033               ; PG | WP | NE | ET | MP | PE
CR0_PG     equ 0x80000000
CR4_PAE    equ 1 << 5
EFER       equ 0xc0000080
EFER_LME   equ 1 << 8
X2APIC_ID  equ 0x802

KIND_REAL  equ 1                        ; enum trip_kind
KIND_PAE   equ 2
TRIP_ENTRY equ 32                       ; struct trip
TRIP_KIND  equ 36
TRIP_CR3   equ 40
TRIP_CR4   equ 44
TRIP_PAE   equ 48

global core_page, core_page_end, trip_run, trip_back32, real_page, real_page_end, real_back_offset
global ap_lead_id, ap_stack_tops, trip_idtr32
extern kit_gdt, kit_pml4, core_again

section .rodata
align 16
bits 16
core_page:
        cli
        cld
        mov     ax, cs
        mov     ds, ax
        o32 lgdt [gdtr - core_page]
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, kit_pml4
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      eax, EFER_LME
        wrmsr
        mov     eax, CR0_LONG
        mov     cr0, eax
        jmp     dword SEL_CODE64:ap_start
gdtr:   dw      0x27
        dd      kit_gdt
core_page_end:

section .text
bits 64
ap_start:
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     ecx, X2APIC_ID
        rdmsr
        xor     edi, edi
        cmp     eax, [ap_lead_id]
        setne   dil
        mov     rsp, [ap_stack_tops + rdi * 8]
        xor     ebp, ebp
        call    core_again
.never: hlt
        jmp     .never

; ---------------------------------------------------------------- out of long mode
; void trip_run(struct trip *t): t below 4 GiB, interrupts off
trip_run:
        PUSH_KEPT
        mov     [trip_rsp], rsp
        mov     [trip_now], rdi
        sidt    [trip_idtr64]
        push    qword SEL_CODE32
        mov     eax, .compat
        push    rax
        o64 retf
bits 32
.compat:
        mov     eax, cr0
        and     eax, ~CR0_PG
        mov     cr0, eax
        mov     ecx, EFER
        xor     eax, eax
        xor     edx, edx
        wrmsr
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, trip_stack_top
        cmp     dword [edi + TRIP_KIND], KIND_REAL
        je      .real
        lidt    [trip_idtr32]
        cmp     dword [edi + TRIP_KIND], KIND_PAE
        jne     .load
        mov     eax, [edi + TRIP_PAE]
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
.load:  push    dword [edi + TRIP_ENTRY]
        mov     eax, [edi + 0]
        mov     ecx, [edi + 4]
        mov     edx, [edi + 8]
        mov     ebx, [edi + 12]
        mov     ebp, [edi + 20]
        mov     esi, [edi + 24]
        mov     edi, [edi + 28]
        ret
.real:  lidt    [trip_idtr16]
        jmp     SEL_CODE16:REAL_BASE

; The handler of every vector outside of long mode.
trip_back32:
        cli
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        mov     esp, trip_stack_top
        mov     eax, cr0
        and     eax, ~CR0_PG
        mov     cr0, eax
        mov     edi, [trip_now]
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [edi + TRIP_CR3]
        mov     cr3, eax
        mov     ecx, EFER
        mov     eax, EFER_LME
        xor     edx, edx
        wrmsr
        mov     eax, CR0_LONG
        mov     cr0, eax
        jmp     SEL_CODE64:.long
bits 64
.long:  lidt    [trip_idtr64]
        mov     rsp, [trip_rsp]
        mov     eax, [edi + TRIP_CR4]
        mov     cr4, rax
        POP_KEPT
        ret

; ---------------------------------------------------------------- copied to REAL_BASE
section .rodata
align 16
bits 16
real_page:
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        jmp     0:REAL_BASE + (.now - real_page)
.now:   xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, REAL_TOP
        mov     eax, [REAL_GPR + 0]
        mov     ecx, [REAL_GPR + 4]
        mov     edx, [REAL_GPR + 8]
        mov     ebx, [REAL_GPR + 12]
        mov     ebp, [REAL_GPR + 20]
        mov     esi, [REAL_GPR + 24]
        mov     edi, [REAL_GPR + 28]
        jmp     word 0:REAL_CODE
real_back:
        cli
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword SEL_CODE32:trip_back32
real_page_end:
real_back_offset: dd REAL_BASE + (real_back - real_page)

section .data
align 8
trip_idtr16: dw 0x3ff
             dq IVT_BASE
trip_idtr32: dw 256 * 8 - 1
             dq 0
trip_idtr64: dw 0
             dq 0

section .bss
align 16
               resb 4096
trip_stack_top:
ap_stack_tops: resq 2
trip_rsp:      resq 1
trip_now:      resq 1
ap_lead_id:    resd 1

; SPDX-License-Identifier: MIT
;
; modes: from 64-bit mode through all others and back: compatibility, protected without paging, with
; PAE and with 32-bit paging, virtual-8086, 16-bit protected, real. In each the same instructions are
; tried, and what became of them is left in the table that modes.c reads. All of it is copied to
; LOW, below 64 KiB, where linear address = offset in every mode; modes.c knows the first part.

%include "guests/kit/kept.inc"

LOW         equ 0x6000
STACK       equ 0x5ff0
NONE        equ 0xffffffff
PROBES      equ 32                      ; rows a mode
ROW         equ 16
MSR_EFER    equ 0xc0000080
EFER_LME    equ 1 << 8
CR0_PG      equ 1 << 31
CR4_PSE     equ 1 << 4
CR4_PAE     equ 1 << 5

CODE64      equ 0x08                    ; as in the kit, whose IDT serves compatibility mode
DATA        equ 0x10
CODE32      equ 0x18
CODE16      equ 0x20
DATA16      equ 0x28
TSS32       equ 0x30
TSS16       equ 0x58

MODE_COMPAT equ 0
MODE_PROT   equ 1
MODE_PAE    equ 2
MODE_LEGACY equ 3
MODE_V86    equ 4
MODE_PROT16 equ 5
MODE_REAL   equ 6

%define L(x) ((x) - modes_low + LOW)

global modes_low, modes_low_end, modes_round
extern kit_pml4

; Where hypercalls are made with VMMCALL, modes.c lets the two change places.
; probe INDEX, {what comes before}, {the instruction}: row INDEX of the mode gets the exception, EAX
; afterwards, and the error code (in real mode the length of the exception's frame).
%macro PROBE 3
        %2
        mov     dword [L(vector)], NONE
        mov     dword [L(resume)], L(%%next)
        %3
%%next: mov     [L(results) + (MODE * PROBES + %1) * ROW + 4], eax
        mov     eax, [L(vector)]
        mov     [L(results) + (MODE * PROBES + %1) * ROW], eax
        mov     eax, [L(error)]
        mov     [L(results) + (MODE * PROBES + %1) * ROW + 8], eax
%endmacro

%macro PROBE_ALL 0
        PROBE   0, {mov eax, 0x40000000}, {cpuid}
        PROBE   1, {mov eax, 0x42480000}, {db 0x0f, 0x01, 0xc1}         ; VMCALL: version
        PROBE   2, {mov eax, 0x12345}, {db 0x0f, 0x01, 0xc1}
        PROBE   3, {mov ecx, 0x2000}, {rdmsr}
        PROBE   4, {mov ecx, 0x79}, {wrmsr}
        PROBE   5, {mov eax, 0}, {in al, 0x80}
        PROBE   6, {mov eax, 0}, {db 0x0f, 0x01, 0xc4}                  ; VMXOFF
        PROBE   7, {mov eax, 0}, {db 0x0f, 0x01, 0xc2}                  ; VMLAUNCH
        PROBE   8, {mov eax, 0}, {db 0x0f, 0x01, 0xc3}                  ; VMRESUME
        PROBE   9, {mov eax, 0}, {db 0x0f, 0x78, 0xd0}                  ; VMREAD
        PROBE   10, {mov eax, 0}, {db 0x0f, 0x79, 0xd0}                 ; VMWRITE
        PROBE   11, {mov eax, 0}, {vmxon [L(scratch)]}
        PROBE   12, {mov eax, 0}, {vmclear [L(scratch)]}
        PROBE   13, {mov eax, 0}, {vmptrld [L(scratch)]}
        PROBE   14, {mov eax, 0}, {vmptrst [L(scratch)]}
        PROBE   15, {mov eax, 0}, {invept eax, [L(scratch)]}
        PROBE   16, {mov eax, 0}, {invvpid eax, [L(scratch)]}
        PROBE   17, {mov eax, 0}, {db 0x0f, 0x01, 0xd4}                 ; VMFUNC
        PROBE   18, {mov eax, 0}, {db 0x0f, 0x37}                       ; GETSEC
        PROBE   19, {mov eax, 0}, {db 0x0f, 0xaa}                       ; RSM
        PROBE   20, {mov ecx, 0}, {db 0x0f, 0x01, 0xd1}                 ; XSETBV
        PROBE   21, {mov eax, 0}, {wbinvd}
        PROBE   22, {mov dx, 0x80}, {outsb}
        PROBE   23, {mov eax, 0}, {db 0x0f, 0x01, 0xc8}                 ; MONITOR
        PROBE   24, {mov ecx, 0}, {rdpmc}
        PROBE   25, {mov eax, 0}, {db 0x0f, 0x01, 0xd9}                 ; VMMCALL
%endmacro

%macro SEGMENTS 1
        mov     ax, %1
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
%endmacro

%macro PAGING_ON 1                      ; with the CR3 at this place
        mov     eax, [L(%1)]
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
%endmacro

%macro PAGING_OFF 0
        mov     eax, cr0
        and     eax, ~CR0_PG
        mov     cr0, eax
%endmacro

; ---------------------------------------------------------------- what is copied
section .rodata
align 16
modes_low:
; struct modes in modes.c
vector:     dd 0
resume:     dd 0
error:      dd 0
cr3_long:   dd 0
cr3_pae:    dd 0
cr3_bad:    dd 0                        ; PAE, with a reserved bit in an entry
cr3_legacy: dd 0
hook:       dd 0                        ; 32-bit code to call in protected mode, or 0
gdt:        times 16 dq 0
idt32:      times 64 dq 0
scratch:    times 4 dd 0
results:    times 7 * PROBES * ROW db 0
at_64k:     dd 0                        ; the instruction at the end of real mode's segment
page:       dd 0                        ; to be written to in real mode, or 0

gdtr:       dw 16 * 8 - 1
            dd L(gdt)
idtr32:     dw 64 * 8 - 1
            dd L(idt32)
ivtr:       dw 0x3ff
            dd 0

; The entries for exceptions: vectors.16 and vectors.32 are ENTRY bytes each.
bits 16
align 16
vectors16:
%assign v 0
%rep 32
        align 8
        push    word v
        jmp     near common16
%assign v v + 1
%endrep
        align 8
common16:                               ; vector, IP, CS, FLAGS
        push    bp
        mov     bp, sp
        push    eax
        movzx   eax, word [bp + 2]
        mov     [L(vector)], eax
        mov     eax, STACK - 4
        sub     ax, bp
        mov     [L(error)], eax         ; 6: no error code
        mov     ax, [L(resume)]
        mov     [bp + 4], ax
        pop     eax
        pop     bp
        add     sp, 2
        iret

bits 32
align 16
vectors32:
%assign v 0
%rep 32
        align 16
%if v == 8 || (v >= 10 && v <= 14) || v == 17 || v == 21
%else
        push    dword NONE
%endif
        push    dword v
        jmp     common32
%assign v v + 1
%endrep
        align 16
common32:                               ; vector, error code, EIP
        push    eax
        push    ds
        mov     eax, DATA
        mov     ds, ax
        mov     eax, [esp + 8]
        mov     [L(vector)], eax
        mov     eax, [esp + 12]
        mov     [L(error)], eax
        mov     eax, [L(resume)]
        mov     [esp + 16], eax
        pop     ds
        pop     eax
        add     esp, 8
        iretd

compat:                                 ; paging, IA-32e mode, CS.L = 0
        SEGMENTS DATA
        mov     esp, STACK
%define MODE MODE_COMPAT
        PROBE_ALL
        PAGING_OFF                      ; leaves IA-32e mode
        mov     ecx, MSR_EFER
        rdmsr
        and     eax, ~EFER_LME
        wrmsr
        lidt    [L(idtr32)]

%define MODE MODE_PROT
        PROBE_ALL
        and     byte [L(gdt) + TSS16 + 5], ~2
        PROBE   26, {mov ax, TSS16}, {ltr ax}
        PROBE   27, {mov eax, 0}, {cpuid}
        and     byte [L(gdt) + TSS32 + 5], ~2
        mov     ax, TSS32
        ltr     ax
        mov     eax, [L(hook)]
        test    eax, eax
        jz      .pae
        call    eax
        mov     esp, STACK
        SEGMENTS DATA

.pae:   PAGING_ON cr3_pae
%define MODE MODE_PAE
        PROBE_ALL
        mov     ebx, cr3
        PROBE   26, {mov eax, [L(cr3_bad)]}, {mov cr3, eax}
        PROBE   27, {mov eax, cr3}, {nop}
        mov     eax, cr0
        and     eax, ~CR0_PG
        mov     cr0, eax
        mov     eax, [L(cr3_bad)]
        mov     cr3, eax
        PROBE   28, {mov eax, cr0}, {db 0x0d, 0, 0, 0, 0xc0, 0x0f, 0x22, 0xc0} ; paging on with it, and CR0.CD
        PROBE   30, {mov eax, cr0}, {nop}
        PAGING_OFF
        PAGING_ON cr3_pae
        PROBE   29, {mov eax, 0}, {db 0xea, 0xfe, 0xff, 0xff, 0xff, CODE32, 0} ; CPUID at the end
        PAGING_OFF

        mov     eax, cr4
        and     eax, ~CR4_PAE
        or      eax, CR4_PSE
        mov     cr4, eax
        PAGING_ON cr3_legacy
%define MODE MODE_LEGACY
        PROBE_ALL
        PAGING_OFF
        mov     eax, cr4
        and     eax, ~CR4_PSE
        or      eax, CR4_PAE
        mov     cr4, eax

        push    dword 0                 ; GS, FS, DS, ES, SS
        push    dword 0
        push    dword 0
        push    dword 0
        push    dword 0
        push    dword STACK - 0x1000
        push    dword 0x23002           ; VM, IOPL 3
        push    dword 0
        push    dword L(v86)
        iretd

v86_done:                               ; INT 0x31: CPL 0 again
        SEGMENTS DATA
        mov     esp, STACK
        jmp     CODE16:L(prot16)

bits 16
v86:
%define MODE MODE_V86
        PROBE_ALL
        int     0x31

prot16: SEGMENTS DATA16
%define MODE MODE_PROT16
        PROBE_ALL
        cmp     dword [L(page)], 0
        je      .to_real
        mov     ax, DATA                ; ES keeps its limit of 4 GiB in real mode
        mov     es, ax
.to_real:
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        jmp     0:L(real)
real:   SEGMENTS 0
        mov     sp, STACK
        o32 lidt [L(ivtr)]
%define MODE MODE_REAL
        PROBE_ALL
        mov     edi, [L(page)]
        test    edi, edi
        jz      .no_page
        mov     eax, 0x11223344
        mov     [es:edi + 0x610], eax
        mov     [es:edi + 0x616], ax
        mov     byte [es:edi + 0x619], 0x77
        mov     dword [es:edi + 0x61e], 0x8899aabb
        add     word [es:edi + 0x630], 1
        lock inc dword [es:edi + 0x634]
        xchg    [es:edi + 0x638], eax
        add     edi, 0x640
        mov     ecx, 8
        a32 rep stosd
.no_page:
        mov     ax, [L(at_64k)]         ; at the end of the segment
        mov     [0xfffe], ax
        PROBE   26, {mov eax, 0}, {jmp 0:0xfffe}
        o32 lidt [L(idtr32)]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword CODE32:L(back)

bits 32
back:   SEGMENTS DATA
        mov     esp, STACK
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME
        wrmsr
        PAGING_ON cr3_long
        jmp     dword CODE64:modes_back
modes_low_end:

; ---------------------------------------------------------------- the ends of a round
section .text
bits 64
; void modes_round(void)
modes_round:
        PUSH_KEPT
        pushfq
        mov     [saved_rsp], rsp
        sgdt    [saved_gdtr]
        sidt    [saved_idtr]
        lgdt    [gdtr64]
        push    qword CODE32
        mov     eax, L(compat)
        push    rax
        retfq

modes_back:
        lgdt    [saved_gdtr]
        lidt    [saved_idtr]
        SEGMENTS DATA
        mov     rsp, [saved_rsp]
        popfq
        POP_KEPT
        ret

section .data
gdtr64:     dw 16 * 8 - 1
            dq L(gdt)

section .bss
saved_rsp:  resq 1
saved_gdtr: resb 16
saved_idtr: resb 16

; Where modes.c finds the entries: offsets from LOW.
section .rodata
global modes_vectors16, modes_vectors32, modes_v86_done
align 4
modes_vectors16: dd L(vectors16)
modes_vectors32: dd L(vectors32)
modes_v86_done:  dd L(v86_done)

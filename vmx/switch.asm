; SPDX-License-Identifier: MIT
;
; switch: into the guest and back. Saves, clears, returns; has no opinion.
; SDM "VM Entries", "VM Exits", "VMLAUNCH/VMRESUME".

%include "offsets.inc"

        bits 64
        default rel

VMCS_HOST_RSP   equ 0x6c14

RESULT_EXIT     equ 0           ; enum vmx_switch_result
RESULT_KICKED   equ 1
RESULT_FAILED   equ 2

SPEC_ENTRY_VERW equ 1           ; enum spec_entry
SPEC_ENTRY_L1D  equ 2
MSR_FLUSH_CMD   equ 0x10b
L1D_FLUSH       equ 1
SEL_DATA        equ 0x10        ; kernel/cpu.h: GDT_DATA_SLOT
RSB_ENTRIES     equ 32          ; the most that any processor has

        global vmx_switch:function hidden
        global vmx_exit:function hidden
        global vmx_exit_one:function hidden
        global vmx_exit_fill:function hidden

        extern vmx_spec_at_entry

%macro CALL_OVER 0
        call    %%landed
        int3                            ; for speculation that goes straight on
%%landed:
%endmacro

        section .text

; RDI = struct vcpu, RSI = its cached HOST_RSP; result in RAX; RSP, RBX and R12 are kept for the C code
; around it, all other registers are lost.
;
; Between window_begin and window_end the decision to enter has been made but the guest does not
; run yet: an NMI there would be lost, so the NMI handler moves RIP to vmx_abandon (.fixup below).
vmx_switch:
        push    rbx
        push    r12
        push    rdi
        cmp     [rsi], rsp
        jne     set_host_rsp
host_rsp_is_set:
window_begin:
        cmp     dword [rdi + VCPU_KICK], 0
        jne     vmx_abandon
        mov     rax, [rdi + VCPU_RAX]
        mov     rcx, [rdi + VCPU_RCX]
        mov     rdx, [rdi + VCPU_RDX]
        mov     rbx, [rdi + VCPU_RBX]
        mov     rbp, [rdi + VCPU_RBP]
        mov     rsi, [rdi + VCPU_RSI]
        mov     r8, [rdi + VCPU_R8]
        mov     r9, [rdi + VCPU_R9]
        mov     r10, [rdi + VCPU_R10]
        mov     r11, [rdi + VCPU_R11]
        mov     r12, [rdi + VCPU_R12]
        mov     r13, [rdi + VCPU_R13]
        mov     r14, [rdi + VCPU_R14]
        mov     r15, [rdi + VCPU_R15]
        mov     rdi, [rdi + VCPU_RDI]
        vmresume
        ; Still here: the first entry after VMCLEAR, which has to be a launch, and nothing is lost.
        vmlaunch
window_end:
        mov     eax, RESULT_FAILED
        jmp     vmx_leave

set_host_rsp:
        mov     eax, VMCS_HOST_RSP
        vmwrite rax, rsp
        mov     eax, [vmx_spec_at_entry]
        test    eax, eax
        jnz     clear_buffers
        mov     [rsi], rsp
        jmp     host_rsp_is_set

; Not remembered, so that every entry comes here. What is loaded after it is the guest's own.
clear_buffers:
        test    eax, SPEC_ENTRY_L1D
        jz      .verw
        mov     ecx, MSR_FLUSH_CMD
        mov     eax, L1D_FLUSH
        xor     edx, edx
        wrmsr
.verw:
        test    dword [vmx_spec_at_entry], SPEC_ENTRY_VERW
        jz      host_rsp_is_set
        verw    [data_selector]         ; only the form with memory clears buffers
        jmp     host_rsp_is_set

; HOST_RIP, one of the three: RSP is as vmx_switch left it, every other register is the guest's.
;
; A return of ours that finds an entry of the guest's in the return stack buffer would go on, for a
; while, where the guest wants it. The first kind is for processors on which only the first return
; can; the barrier makes it wait.
vmx_exit_one:
        CALL_OVER
        add     rsp, 8
        lfence
        jmp     vmx_exit

vmx_exit_fill:
%rep RSB_ENTRIES
        CALL_OVER
%endrep
        add     rsp, RSB_ENTRIES * 8
        lfence
vmx_exit:
        push    rdi
        mov     rdi, [rsp + 8]
        mov     [rdi + VCPU_RAX], rax
        mov     [rdi + VCPU_RCX], rcx
        mov     [rdi + VCPU_RDX], rdx
        mov     [rdi + VCPU_RBX], rbx
        mov     [rdi + VCPU_RBP], rbp
        mov     [rdi + VCPU_RSI], rsi
        mov     [rdi + VCPU_R8], r8
        mov     [rdi + VCPU_R9], r9
        mov     [rdi + VCPU_R10], r10
        mov     [rdi + VCPU_R11], r11
        mov     [rdi + VCPU_R12], r12
        mov     [rdi + VCPU_R13], r13
        mov     [rdi + VCPU_R14], r14
        mov     [rdi + VCPU_R15], r15
        pop     qword [rdi + VCPU_RDI]
        ; What the guest had in its registers is not left in ours.
        xor     eax, eax                        ; RESULT_EXIT
        xor     ecx, ecx
        xor     edx, edx
        xor     ebp, ebp
        xor     esi, esi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        xor     r13d, r13d
        xor     r14d, r14d
        xor     r15d, r15d
vmx_leave:
        add     rsp, 8
        pop     r12
        pop     rbx
        ret

vmx_abandon:
        mov     eax, RESULT_KICKED
        jmp     vmx_leave

        section .rodata
data_selector:
        dw      SEL_DATA

; struct fixup (kernel/trap.h): begin, end, target, each relative to itself.
        section .fixup alloc noexec nowrite align=4
        dd      window_begin - $
        dd      window_end - $
        dd      vmx_abandon - $

        section .note.GNU-stack noalloc noexec nowrite

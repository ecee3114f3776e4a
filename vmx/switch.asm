; SPDX-License-Identifier: MIT
;
; switch: into the guest and back. Saves, reads what every exit needs, clears, returns; has no
; opinion. SDM "VM Entries", "VM Exits", "VMLAUNCH/VMRESUME".

%include "offsets.inc"

        bits 64
        default rel

VMCS_INSTRUCTION_ERROR          equ 0x4400
VMCS_EXIT_REASON                equ 0x4402
VMCS_EXIT_INSTRUCTION_LENGTH    equ 0x440c
VMCS_GUEST_INTERRUPTIBILITY     equ 0x4824
VMCS_GUEST_RIP                  equ 0x681e
VMCS_GUEST_RFLAGS               equ 0x6820
VMCS_HOST_RSP                   equ 0x6c14

RFLAGS_TF       equ 1 << 8

; What stands in the place of an exit reason where there was no exit: more than its 32 bits.
NO_EXIT_KICKED  equ 1           ; enum vmx_no_exit, in 63:32
NO_EXIT_REFUSED equ 2

ERROR_NOT_LAUNCHED equ 5        ; SDM "VM-Instruction Error Numbers": VMRESUME, VMCS not launched

RSB_ENTRIES     equ 32          ; the most that any processor has

        extern  vmx_before_entry
        extern  vmx_no_vmcs
        global  vmx_switch:function hidden
        global  vmx_exit:function hidden
        global  vmx_exit_one:function hidden
        global  vmx_exit_fill:function hidden
        global  vmx_exit_traced:function hidden

; With those that hold what is read after an exit: all but RSP.
%macro CLEAR_GPRS 0
        xor     esi, esi
        xor     edi, edi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
%endmacro

; HOST_RSP is the struct vcpu: RSP is its address, every other register is the guest's.
%macro SAVE_GPRS 0
        mov     [rsp + VCPU_RAX], rax
        mov     [rsp + VCPU_RCX], rcx
        mov     [rsp + VCPU_RDX], rdx
        mov     [rsp + VCPU_RBX], rbx
        mov     [rsp + VCPU_RBP], rbp
        mov     [rsp + VCPU_RSI], rsi
        mov     [rsp + VCPU_RDI], rdi
        mov     [rsp + VCPU_R8], r8
        mov     [rsp + VCPU_R9], r9
        mov     [rsp + VCPU_R10], r10
        mov     [rsp + VCPU_R11], r11
        mov     [rsp + VCPU_R12], r12
        mov     [rsp + VCPU_R13], r13
        mov     [rsp + VCPU_R14], r14
        mov     [rsp + VCPU_R15], r15
        mov     rbx, rsp
        mov     rsp, [rbx + VCPU_HOST_STACK]
%endmacro

%macro READ_AND_RETURN 0
        ; What the guest had in its registers is not left in ours: cleared here, the others
        ; overwritten below.
        CLEAR_GPRS
        ; All five fields exist, or vmx_vcpu_reset() would have died; so one test is enough for the
        ; only way left to fail, no current VMCS.
        mov     r12d, VMCS_GUEST_RIP
        vmread  r12, r12
        jbe     vmx_no_vmcs
        mov     ecx, VMCS_EXIT_REASON
        vmread  rcx, rcx
        mov     r13d, VMCS_EXIT_INSTRUCTION_LENGTH
        vmread  r13, r13
        mov     r14d, VMCS_GUEST_INTERRUPTIBILITY
        vmread  r14, r14
        mov     r15d, VMCS_GUEST_RFLAGS
        vmread  rbp, r15
        and     ebp, RFLAGS_TF
        or      r14d, ebp
        rdtsc
        shl     rdx, 32
        lea     r15, [rax + rdx]
        ret
%endmacro

%macro CALL_OVER 0
        call    %%landed
        int3                            ; for speculation that goes straight on
%%landed:
%endmacro

        section .text

; v->hw_work is set.
work:
        cmp     dword [rbx + VCPU_KICK], 0
        jne     vmx_abandon
        mov     rdi, rbx
        call    vmx_before_entry
        jmp     look_again

; RBX = struct vcpu. Comes back with
;   RBX = struct vcpu           RCX = exit reason       R12 = guest's RIP
;   R13 = instruction length    R14 = guest's interruptibility state and RFLAGS.TF, 0: neither
;   R15 = TSC, its halves also in RAX and RDX
; RBP with no more than that TF, and all other registers clear but RSP.
;
; Between window_begin and window_end the decision to enter has been made but the guest does not
; run yet: an NMI there would be lost, so the NMI handler moves RIP to vmx_abandon (.fixup below).
vmx_switch:
        mov     [rbx + VCPU_HOST_STACK], rsp
window_begin:
        cmp     qword [rbx + VCPU_KICK], 0      ; and hw_work behind it
        jne     work
enter:
        mov     rax, [rbx + VCPU_RAX]
        mov     rcx, [rbx + VCPU_RCX]
        mov     rdx, [rbx + VCPU_RDX]
        mov     rbp, [rbx + VCPU_RBP]
        mov     rsi, [rbx + VCPU_RSI]
        mov     rdi, [rbx + VCPU_RDI]
        mov     r8, [rbx + VCPU_R8]
        mov     r9, [rbx + VCPU_R9]
        mov     r10, [rbx + VCPU_R10]
        mov     r11, [rbx + VCPU_R11]
        mov     r12, [rbx + VCPU_R12]
        mov     r13, [rbx + VCPU_R13]
        mov     r14, [rbx + VCPU_R14]
        mov     r15, [rbx + VCPU_R15]
        mov     rbx, [rbx + VCPU_RBX]
        vmresume
        ; Still here: the first entry after VMCLEAR, which has to be a launch; or else an error that
        ; a VMLAUNCH would overwrite with its own. What the guest has in RBX is in its struct vcpu.
        mov     ebx, VMCS_INSTRUCTION_ERROR
        vmread  rbx, rbx
        cmp     ebx, ERROR_NOT_LAUNCHED
        jne     refused
        mov     ebx, VMCS_HOST_RSP
        vmread  rbx, rbx
        mov     rbx, [rbx + VCPU_RBX]
        vmlaunch
        jmp     refused
look_again:
        cmp     dword [rbx + VCPU_KICK], 0
        je      enter
        jmp     vmx_abandon
window_end:

refused:
        mov     ecx, NO_EXIT_REFUSED
        jmp     no_exit
vmx_abandon:
        mov     ecx, NO_EXIT_KICKED
no_exit:
        shl     rcx, 32
        CLEAR_GPRS
        mov     ebx, VMCS_HOST_RSP              ; RBX may be the guest's already
        vmread  rbx, rbx
        jbe     vmx_no_vmcs
        mov     r12d, VMCS_GUEST_RIP
        vmread  r12, r12
        xor     r13d, r13d
        xor     r14d, r14d
        xor     ebp, ebp
        rdtsc
        shl     rdx, 32
        lea     r15, [rax + rdx]
        ret

; HOST_RIP is one of the next four: of a guest that has `trace` the last but one, else as vmx/spec.c
; has chosen for this processor. A return of ours that finds an entry of the guest's in the return
; stack buffer goes on, for a while, where the guest wants it. Where only the first return can, the
; barrier makes it wait. Aligned as the stubs of kernel/core/trap.asm.
        align   16
vmx_exit_one:
        SAVE_GPRS
        CALL_OVER
        add     rsp, 8
        lfence
        READ_AND_RETURN

; A copy that the exit's handler does not change; then the way that is right on any processor.
        align   16
vmx_exit_traced:
        mov     [rsp + VCPU_LEFT_RAX], rax
        mov     [rsp + VCPU_LEFT_RCX], rcx
        mov     [rsp + VCPU_LEFT_RDX], rdx
        mov     [rsp + VCPU_LEFT_RBX], rbx
        jmp     vmx_exit_fill

        align   16
vmx_exit_fill:
        SAVE_GPRS
%rep RSB_ENTRIES
        CALL_OVER
%endrep
        add     rsp, RSB_ENTRIES * 8
        lfence
        READ_AND_RETURN

        align   16
vmx_exit:
        SAVE_GPRS
        READ_AND_RETURN

; struct fixup (kernel/core/trap.h): begin, end, target, each relative to itself.
        section .fixup alloc noexec nowrite align=4
        dd      window_begin - $
        dd      window_end - $
        dd      vmx_abandon - $

        section .note.GNU-stack noalloc noexec nowrite

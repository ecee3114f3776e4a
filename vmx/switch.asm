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

        global vmx_switch:function hidden
        global vmx_exit:function hidden

        section .text

; uint64_t vmx_switch(struct vcpu *v, uint64_t *host_rsp)
;
; Between window_begin and window_end the decision to enter has been made but the guest does not
; run yet: an NMI there would be lost, so the NMI handler moves RIP to vmx_abandon (.fixup below).
vmx_switch:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        push    rdi
        cmp     [rsi], rsp
        jne     set_host_rsp
host_rsp_is_set:
window_begin:
        cmp     dword [rdi + VCPU_KICK], 0
        jne     vmx_abandon
        cmp     qword [rdi + VCPU_LAUNCHED], 0  ; flags stay until the jump below
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
        je      .launch
        vmresume
        jmp     vmx_failed
.launch:
        vmlaunch
window_end:
vmx_failed:
        mov     eax, RESULT_FAILED
        jmp     vmx_leave

set_host_rsp:
        mov     eax, VMCS_HOST_RSP
        vmwrite rax, rsp
        mov     [rsi], rsp
        jmp     host_rsp_is_set

; HOST_RIP: RSP is as vmx_switch left it, every other register is the guest's.
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
        mov     qword [rdi + VCPU_LAUNCHED], 1
        ; From here on no guest value is in a register: the rest is popped below.
        xor     ecx, ecx
        xor     edx, edx
        xor     esi, esi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        xor     eax, eax                        ; RESULT_EXIT
vmx_leave:
        add     rsp, 8
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

vmx_abandon:
        mov     eax, RESULT_KICKED
        jmp     vmx_leave

; struct fixup (kernel/trap.h): begin, end, target, each relative to itself.
        section .fixup alloc noexec nowrite align=4
        dd      window_begin - $
        dd      window_end - $
        dd      vmx_abandon - $

        section .note.GNU-stack noalloc noexec nowrite

; SPDX-License-Identifier: MIT
;
; switch: into the guest and back. Saves, clears, returns; has no opinion. APM "VMRUN Instruction",
; "#VMEXIT", "Global Interrupt Flag, STGI and CLGI Instructions".

%include "offsets.inc"

        bits 64
        default rel

VMCB_EXIT_CODE  equ 0x070               ; struct svm_vmcb
VMCB_RIP        equ 0x578
VMCB_RAX        equ 0x5f8
HW_HOST         equ 0x1000              ; struct svm_vcpu

NO_EXIT         equ 1 << 32

MSR_PRED_CMD    equ 0x49
PRED_CMD_IBPB   equ 1

WAY_TRACED      equ 2           ; SVM_WAY_TRACED

RSB_ENTRIES     equ 64          ; the most that any processor has

        extern  svm_before_entry
        extern  svm_barrier_at_exit
        global  svm_switch:function hidden
        global  svm_switch_guarded:function hidden
        global  svm_switch_traced:function hidden

%macro CALL_OVER 0
        call    %%landed
        int3                            ; for speculation that goes straight on
%%landed:
%endmacro

; What the guest taught the predictors is not believed: before the first return.
%macro FORGET 0
        cmp     dword [svm_barrier_at_exit], 0
        je      %%fill
        mov     r12, rax
        mov     ecx, MSR_PRED_CMD
        mov     eax, PRED_CMD_IBPB
        xor     edx, edx
        wrmsr
        mov     rax, r12
%%fill:
        lfence
%rep RSB_ENTRIES
        CALL_OVER
%endrep
        add     rsp, RSB_ENTRIES * 8
        lfence
%endmacro

; RBX = struct vcpu. Comes back with
;   RBX = struct vcpu           RCX = exit code, 32 bits; 2^32: a request came first
;   R12 = guest's RIP           R15 = TSC, its halves also in RAX and RDX
;   R14 = VMCB
; and all other registers clear but RSP. The argument: whether the predictors are to forget; 2: and
; the registers of a trace are copied, where the exit's handler does not change them.
;
; From CLGI on an NMI waits: it ends the stay in the guest before its first instruction, or is taken
; at the STGI. So nobody's kick can fall between the look at it and the entry. VMRUN does not load
; FS, GS, TR and LDTR: VMLOAD does, ours too, without which STGI must not be.
%macro SWITCH 1
        push    rbx
        clgi
        cmp     qword [rbx + VCPU_KICK], 0      ; and hw_work behind it
        jne     %%work
%%enter:
        mov     rax, [rbx + VCPU_HW]
        mov     rcx, [rbx + VCPU_RAX]
        mov     [rax + VMCB_RAX], rcx
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
        vmload                          ; RAX
        vmrun                           ; RAX
        vmsave                          ; RAX
        add     rax, HW_HOST
        vmload                          ; RAX
        push    rbx
        mov     rbx, [rsp + 8]                  ; struct vcpu
        pop     qword [rbx + VCPU_RBX]
        mov     [rbx + VCPU_RCX], rcx
        mov     [rbx + VCPU_RDX], rdx
        mov     [rbx + VCPU_RBP], rbp
        mov     [rbx + VCPU_RSI], rsi
        mov     [rbx + VCPU_RDI], rdi
        mov     [rbx + VCPU_R8], r8
        mov     [rbx + VCPU_R9], r9
        mov     [rbx + VCPU_R10], r10
        mov     [rbx + VCPU_R11], r11
        mov     [rbx + VCPU_R12], r12
        mov     [rbx + VCPU_R13], r13
        mov     [rbx + VCPU_R14], r14
        mov     [rbx + VCPU_R15], r15
        mov     rcx, [rax - HW_HOST + VMCB_RAX]
        mov     [rbx + VCPU_RAX], rcx
%if %1 = 2
        mov     [rbx + VCPU_LEFT_RAX], rcx
        mov     rcx, [rbx + VCPU_RCX]
        mov     [rbx + VCPU_LEFT_RCX], rcx
        mov     [rbx + VCPU_LEFT_RDX], rdx
        mov     rcx, [rbx + VCPU_RBX]
        mov     [rbx + VCPU_LEFT_RBX], rcx
%endif
%if %1
        FORGET
%endif
        mov     ecx, [rax - HW_HOST + VMCB_EXIT_CODE]
        mov     r12, [rax - HW_HOST + VMCB_RIP]
        lea     r14, [rax - HW_HOST]
%%leave:
        ; What the guest had in its registers is not left in ours: cleared here, RAX, RDX and R15
        ; overwritten below.
        xor     ebp, ebp
        xor     esi, esi
        xor     edi, edi
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        xor     r13d, r13d
        stgi
        rdtsc
        shl     rdx, 32
        lea     r15, [rax + rdx]
        add     rsp, 8
        ret

; v->kick or v->hw_work is set; GIF is still 0.
%%work:
        cmp     dword [rbx + VCPU_KICK], 0
        jne     %%abandon
        mov     rdi, rbx
        call    svm_before_entry
        cmp     dword [rbx + VCPU_KICK], 0
        je      %%enter
%%abandon:
        mov     rcx, NO_EXIT
        mov     rax, [rbx + VCPU_HW]
        mov     r12, [rax + VMCB_RIP]
        mov     r14, rax
        jmp     %%leave
%endmacro

        section .text

svm_switch:
        SWITCH  0

svm_switch_traced:
        SWITCH  2

; Both: a stay that is to be traced is guarded as well. Which of the two is decided here, so that
; svm_switch() has no third way (docs/study/trace.md).
svm_switch_guarded:
        cmp     dword [rbx + VCPU_HW_EXIT], WAY_TRACED
        je      svm_switch_traced
        SWITCH  1

        section .note.GNU-stack noalloc noexec nowrite

; SPDX-License-Identifier: MIT
;
; protected: what needs 32-bit protected mode: task switches, and #AC at CPL 3, which 64-bit mode
; cannot have on its stack. Each is a hook of modes.asm: called with paging off, TR loaded.

LOW_VECTOR  equ 0x6000                  ; struct modes in modes.h
LOW_CR3     equ 0x6000 + 20
LOW_SCRATCH equ 0x6000 + 32 + 16 * 8 + 64 * 8
LOW_RESUME  equ 0x6004
CR0_AM      equ 1 << 18
CR0_PG      equ 1 << 31
EFLAGS_NT   equ 1 << 14
EFLAGS_AC   equ 1 << 18
TSS_OTHER   equ 0x48
CODE3       equ 0x38 | 3
DATA3       equ 0x40 | 3
STACK3      equ 0x5701                  ; odd

global hook_task_jmp, hook_task_call, hook_task_iret, hook_task_gate
global hook_ac_storm, hook_ac_handler, hook_cut_event, hook_cut_handler, hook_pae_outside

section .text
bits 32
hook_task_jmp:
        jmp     TSS_OTHER:0
hook_task_call:
        call    TSS_OTHER:0
        ret
hook_task_iret:                         ; to the task that TR's TSS names as the one before
        pushfd
        or      dword [esp], EFLAGS_NT
        popfd
        iretd
hook_task_gate:
        int     0x32
        ret

%macro TO_CPL3 1                        ; with alignment checks, on a stack that is not aligned
        mov     eax, cr0
        or      eax, CR0_AM
        mov     cr0, eax
        push    dword DATA3
        push    dword STACK3
        push    dword EFLAGS_AC | 2
        push    dword CODE3
        push    dword %1
        iretd
%endmacro

; The gate of #AC leads to CPL 3, so its frame goes to the stack that is not aligned: #AC.
hook_ac_storm:
        TO_CPL3 .user
.user:  push    eax
hook_ac_handler:
        jmp     $

; The same during the delivery of INT 0x33; the gate of #AC leads to CPL 0 and ends at .resume.
hook_cut_event:
        mov     dword [LOW_VECTOR], 0
        mov     dword [LOW_RESUME], .resume
        TO_CPL3 .user
.user:  int     0x33
.resume:
        mov     eax, DATA3
        mov     ds, ax
        mov     eax, [LOW_VECTOR]
        mov     [LOW_SCRATCH], eax
        int     0x31                    ; on with the round
hook_cut_handler:
        mov     eax, DATA3
        mov     ds, ax
        mov     dword [LOW_SCRATCH], 0x33
        int     0x31

; Paging on with PAE tables that are not the guest's.
hook_pae_outside:
        mov     eax, [LOW_CR3]
        mov     cr3, eax
        mov     eax, cr0
        or      eax, CR0_PG
        mov     cr0, eax
        ret

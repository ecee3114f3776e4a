; SPDX-License-Identifier: MIT
;
; registers: a hypercall with every register known before and seen afterwards, and the two ways
; across the border to CPL 3 and back; and a gate that counts. The layout is struct registers in hostile.h.

%include "guests/kit/kept.inc"

SELECTOR_DATA3 equ 0x18 | 3
SELECTOR_CODE3 equ 0x20 | 3
WORDS          equ 16                   ; of struct registers

global registers_call, ring3_enter, ring3_leave, raise_entry, raise_count
extern bulkhead_uses_vmmcall, ring3_stack0

section .text
bits 64

; void registers_call(const struct registers *in, struct registers *out)
registers_call:
        PUSH_KEPT
        push    rsi                     ; out
        push    qword [rdi + 15 * 8]    ; RFLAGS, loaded when all that changes them is done
        lea     rax, [.vmcall]
        lea     rcx, [.vmmcall]
        cmp     byte [bulkhead_uses_vmmcall], 0
        cmovne  rax, rcx
        mov     [call_insn], rax
        mov     rax, [rdi + 0 * 8]
        mov     rbx, [rdi + 1 * 8]
        mov     rcx, [rdi + 2 * 8]
        mov     rdx, [rdi + 3 * 8]
        mov     rsi, [rdi + 4 * 8]
        mov     rbp, [rdi + 6 * 8]
        mov     r8, [rdi + 7 * 8]
        mov     r9, [rdi + 8 * 8]
        mov     r10, [rdi + 9 * 8]
        mov     r11, [rdi + 10 * 8]
        mov     r12, [rdi + 11 * 8]
        mov     r13, [rdi + 12 * 8]
        mov     r14, [rdi + 13 * 8]
        mov     r15, [rdi + 14 * 8]
        mov     rdi, [rdi + 5 * 8]
        popfq
        jmp     [call_insn]             ; changes no flag
.vmmcall: vmmcall
        jmp     .done
.vmcall: vmcall
.done:  pushfq
        push    r15
        push    r14
        push    r13
        push    r12
        push    r11
        push    r10
        push    r9
        push    r8
        push    rbp
        push    rdi
        push    rsi
        push    rdx
        push    rcx
        push    rbx
        push    rax
        cld
        mov     rdi, [rsp + WORDS * 8]
        mov     rsi, rsp
        mov     ecx, WORDS
        rep movsq
        add     rsp, (WORDS + 1) * 8
        POP_KEPT
        ret

; uint64_t ring3_enter(uint64_t (*fn)(void), void *stack_top)
ring3_enter:
        PUSH_KEPT
        mov     [ring3_stack0], rsp
        push    qword SELECTOR_DATA3
        push    rsi
        push    qword 2                 ; RFLAGS: IF = 0, IOPL = 0
        push    qword SELECTOR_CODE3
        mov     rax, .user
        push    rax
        iretq
.user:  call    rdi                     ; CPL 3
        int     0x80                    ; ring3_leave, RAX = result

; The gate of INT 0x80: back to whoever called ring3_enter.
ring3_leave:
        mov     rsp, [ring3_stack0]
        POP_KEPT
        ret

; A gate for a vector that INT n raises: no error code is on the stack.
raise_entry:
        inc     qword [raise_count]
        iretq

section .bss
raise_count: resq 1
call_insn:   resq 1

; SPDX-License-Identifier: MIT
;
; writes: one way after the other to write to a page, for tables.c, which has each done on two pages
; and compares. RDI is the page, RSI a source of 64 bytes; all registers are known before, and
; writes_run() says what they and the flags are afterwards.

%include "guests/kit/kept.inc"

SELECTOR_CODE equ 0x08
SELECTOR_DATA equ 0x10
VECTOR_IPI    equ 0xa1                  ; tables.c
MSR_SELF_IPI  equ 0x83f
FLAG_TF       equ 1 << 8
FLAG_IF       equ 1 << 9
DR7_OFF       equ 0x400
DR7_EXECUTE   equ 0x401
DR7_WRITE_4   equ 0xd0401

; enum try_bit in tables.c
CPL_0         equ 1                     ; not at CPL 3
ALONE         equ 2                     ; not while interrupts come: the stack is in the page
SOURCE_AWAY   equ 4                     ; the source's page is not present
INTEL         equ 8                     ; not on an AMD processor
TRAPS         equ 16                    ; what has to come meanwhile
INTERRUPT     equ 32
FAULT         equ 64

; Flags that the instruction leaves undefined.
BTS_FLAGS     equ 0x894

%assign TRIES 0
; TRY name, bits, undefined flags; then the code, then DONE.
%macro TRY 1-3 0, 0
%assign TRIES TRIES + 1
section .rodata
try_name_%[TRIES]: db %1, 0
try_bits_%[TRIES] equ %2
try_undefined_%[TRIES] equ %3
section .text
try_code_%[TRIES]:
%endmacro

%macro DONE 0
        jmp     writes_done             ; changes no flag
%endmacro

%macro IPI 0
        mov     ecx, MSR_SELF_IPI
        xor     edx, edx
        mov     eax, VECTOR_IPI
        wrmsr
%endmacro

%macro STEPS_ON 0
        pushfq
        or      dword [rsp], FLAG_TF
        popfq
%endmacro

%macro STEPS_OFF 0
        pushfq
        and     dword [rsp], ~FLAG_TF
        popfq
        nop
%endmacro

; An IRET to .at with these flags more.
%macro RETURN_WITH 1
        mov     rbx, rsp
        push    qword SELECTOR_DATA
        push    rbx
        pushfq
        or      dword [rsp], %1
        push    qword SELECTOR_CODE
        lea     rbx, [rel .at]
        push    rbx
        iretq
%endmacro

global writes_run, writes_table, writes_hook, writes_page

section .text
bits 64

; ---------------------------------------------------------------- plain stores
TRY "mov-1"
        mov     [rdi + 0x10], al
        DONE
TRY "mov-2"
        mov     [rdi + 0x12], ax
        DONE
TRY "mov-4"
        mov     [rdi + 0x14], eax
        DONE
TRY "mov-8"
        mov     [rdi + 0x18], rax
        DONE
TRY "mov-1-immediate"
        mov     byte [rdi + 0x21], 0x5a
        DONE
TRY "mov-4-immediate"
        mov     dword [rdi + 0x24], 1
        DONE
TRY "mov-8-immediate"
        mov     qword [rdi + 0x28], -2
        DONE
TRY "mov-2-odd"
        mov     [rdi + 0x13], ax
        DONE
TRY "mov-4-over-entries"
        mov     [rdi + 0x1e], eax
        DONE
TRY "mov-8-over-entries"
        mov     [rdi + 0x1c], rax
        DONE
TRY "mov-8-last"
        mov     [rdi + 0xff8], rax
        DONE
TRY "mov-1-last"
        mov     [rdi + 0xfff], al
        DONE
TRY "movnti-4"
        movnti  [rdi + 0x20], eax
        DONE
TRY "movnti-8"
        movnti  [rdi + 0x20], rax
        DONE
TRY "movdqu"
        movdqu  [rdi + 0x1c4], xmm0
        DONE
TRY "movntdq"
        movntdq [rdi + 0x1d0], xmm0
        DONE

; ---------------------------------------------------------------- what reads first
TRY "xchg"
        xchg    [rdi + 0x24], eax
        DONE
TRY "adc"
        stc
        adc     [rdi + 0x28], eax
        DONE
TRY "lock-add"
        lock add [rdi + 0x2c], eax
        DONE
TRY "lock-bts", 0, BTS_FLAGS
        lock bts dword [rdi + 0x2c], 3
        DONE
TRY "cmpxchg-hit"
        mov     eax, [rdi + 0x30]
        lock cmpxchg [rdi + 0x30], edx
        DONE
TRY "cmpxchg-miss"
        mov     eax, [rdi + 0x30]
        not     eax
        lock cmpxchg [rdi + 0x30], edx
        DONE
TRY "cmpxchg16b"
        mov     rax, [rdi + 0x40]
        mov     rdx, [rdi + 0x48]
        lock cmpxchg16b [rdi + 0x40]
        DONE

; ---------------------------------------------------------------- what stores by itself
TRY "pop-m"
        push    rax
        pop     qword [rdi + 0x90]
        DONE
TRY "movs"
        add     rdi, 0xb0
        movsd
        DONE
TRY "sgdt"
        sgdt    [rdi + 0x440]
        DONE
TRY "fnstenv"
        fnstenv [rdi + 0x420]
        DONE
TRY "fxsave"
        fxsave64 [rdi + 0x200]
        DONE
TRY "push", ALONE
        lea     rsp, [rdi + 0x88]
        push    rax
        DONE
TRY "push-immediate", ALONE
        lea     rsp, [rdi + 0x88]
        push    qword 0x77
        DONE
TRY "call", ALONE
        lea     rsp, [rdi + 0x88]
        call    .to
.to:    DONE
TRY "enter", ALONE
        lea     rsp, [rdi + 0x98]
        enter   16, 0
        DONE
TRY "pushf", ALONE | INTEL
        lea     rsp, [rdi + 0xa8]
        pushfq
        DONE
TRY "pushf-2", ALONE | INTEL
        lea     rsp, [rdi + 0xa8]
        o16 pushf
        DONE
TRY "rep-stosd"
        add     rdi, 0x100
        rep stosd
        DONE
TRY "rep-stosd-down"
        add     rdi, 0x17c
        std
        rep stosd
        DONE
TRY "rep-movsd"
        add     rdi, 0x180
        rep movsd
        DONE

; ---------------------------------------------------------------- the guest steps itself
TRY "step", CPL_0 | TRAPS
        STEPS_ON
        nop
        mov     dword [rdi + 0x20], 0x12345678
        nop
        mov     [rdi + 0x34], eax
        STEPS_OFF
        DONE
TRY "step-rep", CPL_0 | TRAPS
        add     rdi, 0x40
        mov     ecx, 4
        STEPS_ON
        rep stosd
        nop
        STEPS_OFF
        DONE
TRY "step-popf", CPL_0 | TRAPS
        pushfq
        or      dword [rsp], FLAG_TF
        popfq
        mov     dword [rdi + 0x20], 0x12345678
        STEPS_OFF
        DONE
TRY "step-iret", CPL_0 | TRAPS
        RETURN_WITH FLAG_TF
.at:    mov     dword [rdi + 0x20], 0x12345678
        STEPS_OFF
        DONE
TRY "step-mov-ss", CPL_0 | TRAPS
        mov     ecx, SELECTOR_DATA
        STEPS_ON
        mov     ss, ecx
        mov     dword [rdi + 0x20], 0x12345678
        nop
        STEPS_OFF
        DONE

; ---------------------------------------------------------------- an interrupt waits
TRY "sti", CPL_0 | INTERRUPT
        cli
        IPI
        sti
        mov     dword [rdi + 0x20], 0x12345678
        nop
        nop
        cli
        DONE
TRY "sti-rep", CPL_0 | INTERRUPT
        cli
        IPI
        add     rdi, 0x40
        mov     ecx, 8
        sti
        rep stosd
        nop
        nop
        cli
        DONE
TRY "sti-mov-ss", CPL_0 | INTERRUPT
        cli
        IPI
        mov     ecx, SELECTOR_DATA
        sti
        mov     ss, ecx
        mov     dword [rdi + 0x20], 0x12345678
        nop
        nop
        cli
        DONE
TRY "popf", CPL_0 | INTERRUPT
        cli
        IPI
        pushfq
        or      dword [rsp], FLAG_IF
        popfq
        mov     dword [rdi + 0x20], 0x12345678
        nop
        nop
        cli
        DONE
TRY "iret", CPL_0 | INTERRUPT
        cli
        IPI
        RETURN_WITH FLAG_IF
.at:    mov     dword [rdi + 0x20], 0x12345678
        nop
        nop
        cli
        DONE

; ---------------------------------------------------------------- breakpoints
TRY "breakpoint-data", CPL_0 | TRAPS
        lea     rax, [rdi + 0x20]
        mov     dr0, rax
        mov     eax, DR7_WRITE_4
        mov     dr7, rax
        mov     dword [rdi + 0x20], 0x12345678
        nop
        mov     eax, DR7_OFF
        mov     dr7, rax
        DONE
TRY "breakpoint-execute", CPL_0 | TRAPS
        lea     rax, [rel .at]
        mov     dr0, rax
        mov     eax, DR7_EXECUTE
        mov     dr7, rax
.at:    mov     dword [rdi + 0x20], 0x12345678
        nop
        mov     eax, DR7_OFF
        mov     dr7, rax
        DONE

; ---------------------------------------------------------------- a page is missing
TRY "fault-over-the-end", CPL_0 | FAULT
        mov     [rdi + 0xffc], rax
        DONE
TRY "fault-fxsave", CPL_0 | FAULT
        fxsave64 [rdi + 0xff0]
        DONE
TRY "fault-rep-stosd", CPL_0 | FAULT
        add     rdi, 0xff0
        mov     ecx, 8
        rep stosd
        DONE
TRY "fault-source", CPL_0 | FAULT | SOURCE_AWAY
        add     rdi, 0xb0
        movsd
        DONE
TRY "fault-source-rep", CPL_0 | FAULT | SOURCE_AWAY
        add     rdi, 0x180
        rep movsd
        DONE

; ---------------------------------------------------------------- one of them
; void writes_run(void (*code)(void), uint64_t registers[17], void *page, const void *source)
writes_run:
        PUSH_KEPT
        mov     [run_code], rdi
        mov     [run_registers], rsi
        mov     [run_stack], rsp
        mov     rdi, rdx
        mov     rsi, rcx
        mov     rax, 0x1122334455667788
        mov     rdx, 0x99aabbccddeeff01
        mov     rbx, 0xa5a5a5a5a5a5a5a5
        mov     rbp, 0x0123456789abcdef
        mov     ecx, 16
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        xor     r12d, r12d
        xor     r13d, r13d
        xor     r14d, r14d
        xor     r15d, r15d
        jmp     [run_code]
writes_done:
        mov     [run_stack_then], rsp   ; it may be in the page
        mov     rsp, [run_stack]
        pushfq
        cld
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
        push    qword [run_stack_then]
        mov     rdi, [run_registers]
        mov     rsi, rsp
        mov     ecx, 17
        rep movsq
        add     rsp, 17 * 8
        POP_KEPT
        ret

; ---------------------------------------------------------------- in 32-bit protected mode
; A hook of modes.asm: paging is off, segments are flat, interrupts are off.
bits 32
writes_hook:
        mov     [writes_stack], esp
        mov     edi, [writes_page]
        mov     esi, writes_hook
        mov     eax, 0x11223344
        mov     ebx, 0x55667788
        mov     ecx, 8
        mov     edx, 0x99aabbcc
        mov     ebp, 0xddeeff00
        mov     [edi + 0x710], eax
        mov     [edi + 0x716], bx
        mov     byte [edi + 0x719], 0x77
        mov     [edi + 0x71e], edx
        lock inc dword [edi + 0x734]
        xchg    [edi + 0x738], eax
        push    dword 0x5a
        pop     dword [edi + 0x740]
        lea     esp, [edi + 0x780]
        push    eax
        call    .to
.to:    enter   8, 0
        mov     ebp, 0xddeeff00
        lea     esp, [edi + 0x7c0]
        push    ax
        push    word 0x1234
        mov     esp, [writes_stack]
        lea     edi, [edi + 0x7c0]
        rep stosd
        mov     ecx, 4
        rep movsd
        ret
bits 64

section .rodata
align 8
; struct try in tables.c
writes_table:
%assign i 1
%rep TRIES
        dq      try_name_%[i], try_code_%[i], try_bits_%[i], try_undefined_%[i]
%assign i i + 1
%endrep
        dq      0, 0, 0, 0

section .bss
writes_page:    resd 1                  ; for writes_hook
writes_stack:   resd 1
run_code:       resq 1
run_registers:  resq 1
run_stack:      resq 1
run_stack_then: resq 1

; SPDX-License-Identifier: MIT
;
; entry: the first instructions of the hypervisor on each core. boot/boot_info.h says in what state
; the loader jumps here; kernel/start/trampoline.asm brings the other cores.

%include "offsets.inc"

        bits 64
        default rel

        extern  main_early
        extern  smp_core_main
        extern  smp_next
        extern  cores_boot

        global entry:function hidden
        global entry_core:function hidden
        global entry_switch_stack:function hidden

EARLY_STACK_SIZE equ 16384
MSR_GS_BASE      equ 0xc0000101

; GS = this core's struct cpu, from RDX: the compiled code finds its canary there, and a panic the
; core's number.
%macro LOAD_GS 0
        mov     eax, edx
        shr     rdx, 32
        mov     ecx, MSR_GS_BASE
        wrmsr
%endmacro

        section .text.entry

; RDI = struct boot_info, on the firmware's page tables and stack.
entry:
        cli
        cld
        lea     rsp, [early_stack_top]
        xor     ebp, ebp
        lea     rdx, [cores_boot]
        LOAD_GS
        call    main_early
        ud2                             ; it does not return

        section .text

; From the trampoline: long mode on core 0's tables, no stack. smp_next is this core's struct cpu.
entry_core:
        mov     rdi, [smp_next]
        mov     rax, [rdi + CPU_ROOT]
        mov     cr3, rax
        mov     rsp, HOST_MAIN_STACK_TOP
        xor     ebp, ebp
        mov     rdx, rdi
        LOAD_GS
        call    smp_core_main
        ud2

; void entry_switch_stack(uint64_t top, void (*go_on)(void)): does not return.
entry_switch_stack:
        mov     rsp, rdi
        xor     ebp, ebp
        call    rsi
        ud2

        section .bss align=16
        resb    EARLY_STACK_SIZE
early_stack_top:

        section .note.GNU-stack noalloc noexec nowrite

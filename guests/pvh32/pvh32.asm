; SPDX-License-Identifier: MIT
;
; pvh32: a guest of a 32-bit toolchain, linked as ELF32, as most PVH kernels are. It never leaves
; 32-bit protected mode: says its command line and its initrd on the UART and powers off. Code 0:
; what it was told is right.

UART            equ 0x3f8
UART_STATUS     equ UART + 5
UART_ROOM       equ 0x20

CALL_POWER_OFF  equ 0x42480005          ; guests/kit/abi.h

START_MAGIC     equ 0x336ec578          ; struct hvm_start_info: offsets
START_MODULES   equ 12                  ; how many
START_MODULE    equ 16                  ; the first one: address, size
START_CMDLINE   equ 24

global start

section .note.bulkhead note alloc noexec nowrite align=4
        dd      4, 4, 18                ; name and descriptor sizes, XEN_ELFNOTE_PHYS32_ENTRY
        db      "Xen", 0
        dd      start

section .text.start exec alloc nowrite progbits align=16
bits 32
start:
        mov     esp, stack_top
        cld
        mov     ebp, ebx                ; hvm_start_info
        mov     ebx, 1                  ; the code of a failure
        cmp     dword [ebp], START_MAGIC
        jne     .off
        cmp     dword [data_word], 0x64617461
        jne     .off                    ; .data is not where it was linked
        cmp     dword [bss_word], 0
        jne     .off

        mov     esi, hello
        call    say
        mov     esi, [ebp + START_CMDLINE]
        call    say
        mov     esi, newline
        call    say
        cmp     dword [ebp + START_MODULES], 1
        jne     .good
        mov     esi, initrd
        call    say
        mov     esi, [ebp + START_MODULE]
        mov     esi, [esi]              ; its first line, with a NUL
        call    say
        mov     esi, newline
        call    say
.good:  xor     ebx, ebx
.off:   mov     esi, ebx
        xor     eax, eax
        cpuid
        cmp     ecx, 'cAMD'             ; the end of its vendor's name
        je      .amd
        cmp     ecx, 'uine'             ; Hygon's
        je      .amd
        mov     eax, CALL_POWER_OFF
        mov     ebx, esi
        vmcall
        jmp     .never
.amd:   mov     eax, CALL_POWER_OFF
        mov     ebx, esi
        vmmcall
.never: hlt
        jmp     .never

; The text at ESI, up to its NUL.
say:
        mov     dx, UART_STATUS
.wait:  in      al, dx
        test    al, UART_ROOM
        jz      .wait
        lodsb
        test    al, al
        jz      .end
        mov     dx, UART
        out     dx, al
        jmp     say
.end:   ret

section .rodata
hello:   db     "32-bit kernel, cmdline: ", 0
initrd:  db     "initrd: ", 0
newline: db     10, 0

section .data
data_word: dd   0x64617461

section .bss
bss_word: resd  1
        resb    4096
stack_top:

; SPDX-License-Identifier: MIT
;
; multiboot: a multiboot kernel of a 32-bit toolchain, built three times: VERSION 1 and 2 as ELF32, and
; version 1 as a flat file (FLAT), which is loaded by the addresses in its header. Says what it is
; told, and powers off. What is wrong it says and stays.

UART            equ 0x3f8
UART_STATUS     equ UART + 5
UART_ROOM       equ 0x20
POWER           equ 0x600               ; ACPI sleep control
POWER_OFF       equ 0x34
PIT_CHANNEL_2   equ 0x42
PIT_CONTROL     equ 0x43
PIT_10MS        equ 11932               ; of 1193182 Hz
PORT_B          equ 0x61

%if VERSION == 1
HEADER_MAGIC    equ 0x1badb002
START_MAGIC     equ 0x2badb002
PAGES_MEMORY    equ 3
ADDRESSES       equ 0x10000
INFO_UPPER      equ 8
INFO_CMDLINE    equ 16
INFO_MODULES    equ 20                  ; how many
INFO_MODULE     equ 24                  ; the first: start, end, string
%else
HEADER_MAGIC    equ 0xe85250d6
START_MAGIC     equ 0x36d76289
TAG_CMDLINE     equ 1
TAG_MODULE      equ 3
TAG_MEMORY      equ 4
TAG_MAP         equ 6
TAG_ACPI        equ 15
%endif

%ifdef FLAT
org 0x200000
bits 32
%else
section .text.start exec alloc nowrite progbits align=16
bits 32
global start
%endif

%if VERSION == 1
align 4
%ifdef FLAT
FLAGS           equ PAGES_MEMORY | ADDRESSES
%else
FLAGS           equ PAGES_MEMORY
%endif
header: dd      HEADER_MAGIC
        dd      FLAGS
        dd      -(HEADER_MAGIC + FLAGS)
%ifdef FLAT
        dd      header, header, file_end, bss_end, start
%endif
%else
align 8
header: dd      HEADER_MAGIC
        dd      0                       ; i386
        dd      header_end - header
        dd      -(HEADER_MAGIC + (header_end - header))
        dw      1, 0                    ; required: this information
        dd      20
        dd      TAG_CMDLINE, TAG_MAP, TAG_ACPI
        dd      0                       ; to a multiple of 8
        dw      5, 1                    ; a framebuffer, but it does without
        dd      20
        dd      1024, 768, 32
        dd      0
        dw      0, 0
        dd      8
header_end:
%endif

start:
        mov     esp, stack_top
        cld
        mov     ebp, ebx                ; the boot information
        cmp     eax, START_MAGIC
        mov     esi, bad_magic
        jne     wrong
        cmp     dword [bss_word], 0
        mov     esi, bad_bss
        jne     wrong
        mov     esi, hello
        call    say
%if VERSION == 1
        mov     esi, [ebp + INFO_CMDLINE]
        call    say_line
        mov     esi, memory
        call    say
        mov     eax, [ebp + INFO_UPPER]
        call    say_number
        mov     esi, newline
        call    say
        mov     ecx, [ebp + INFO_MODULES]
        mov     ebx, [ebp + INFO_MODULE]
.next:  jecxz   off
        mov     edi, [ebx]              ; its first line, with a NUL
        mov     esi, [ebx + 8]
        call    say_module
        add     ebx, 16
        dec     ecx
        jmp     .next
%else
        lea     ebx, [ebp + 8]
.next:  mov     eax, [ebx]              ; a tag's type; its size follows
        test    eax, eax
        jz      off
        cmp     eax, TAG_CMDLINE
        jne     .no_cmdline
        lea     esi, [ebx + 8]
        call    say_line
.no_cmdline:
        cmp     eax, TAG_MEMORY
        jne     .no_memory
        mov     esi, memory
        call    say
        mov     eax, [ebx + 12]
        call    say_number
        mov     esi, newline
        call    say
.no_memory:
        cmp     dword [ebx], TAG_MODULE
        jne     .no_module
        mov     edi, [ebx + 8]
        lea     esi, [ebx + 16]
        call    say_module
.no_module:
        mov     eax, [ebx + 4]
        add     eax, 7
        and     eax, ~7
        add     ebx, eax
        jmp     .next
%endif

off:    call    calibrate
        mov     dx, POWER
        mov     al, POWER_OFF
        out     dx, al
.never: hlt
        jmp     .never

wrong:  call    say_line
        cli
        hlt
        jmp     wrong

; As kernels of this kind do: the TSC against channel 2 of the timer, 10 ms of it. What CPUID says has
; to be between how long that was at least and at most, or 1 % off: so a core that is held up on its
; way, as in an emulator on a busy host, changes nothing.
calibrate:
        in      al, PORT_B
        and     al, ~2
        or      al, 1                   ; gate on, speaker off
        out     PORT_B, al
        mov     al, 0xb0                ; channel 2, both bytes, mode 0
        out     PIT_CONTROL, al
        mov     al, PIT_10MS & 0xff
        out     PIT_CHANNEL_2, al
        rdtsc
        push    edx                     ; it has not begun
        push    eax
        mov     al, PIT_10MS >> 8
        out     PIT_CHANNEL_2, al
        rdtsc
        mov     edi, eax                ; it has
        mov     ebp, eax
.wait:  rdtsc
        mov     esi, eax
        in      al, PORT_B
        test    al, 0x20
        jnz     .over
        mov     ebp, esi                ; it was not over yet
        jmp     .wait
.over:  rdtsc
        pop     ecx
        pop     ebx
        sub     eax, ecx
        sbb     edx, ebx
        jz      .most
        mov     eax, -1
.most:  mov     esi, eax                ; at most
        sub     ebp, edi                ; at least
        mov     eax, 0x40000002         ; guest-abi.md: EAX = kHz
        cpuid
        imul    eax, eax, 10
        mov     edi, eax                ; ticks of 10 ms
        xor     edx, edx
        mov     ecx, 100
        div     ecx
        lea     ecx, [edi + eax]
        sub     edi, eax
        cmp     ebp, ecx
        ja      .bad
        cmp     esi, edi
        jb      .bad
        mov     esi, timer
        jmp     say_line
.bad:   mov     esi, bad_timer
        jmp     say_line

; A module: its string at ESI, its contents at EDI.
say_module:
        push    esi
        mov     esi, module
        call    say
        pop     esi
        call    say
        mov     esi, colon
        call    say
        mov     esi, edi
; The text at ESI, up to its NUL, as a line.
say_line:
        call    say
        mov     esi, newline
; The text at ESI. Keeps all but ESI.
say:
        push    eax
        push    edx
.next:  mov     dx, UART_STATUS
.wait:  in      al, dx
        test    al, UART_ROOM
        jz      .wait
        lodsb
        test    al, al
        jz      .end
        mov     dx, UART
        out     dx, al
        jmp     .next
.end:   pop     edx
        pop     eax
        ret

; EAX in decimal.
say_number:
        mov     esi, number_end
        mov     edi, 10
.next:  xor     edx, edx
        div     edi
        add     dl, '0'
        dec     esi
        mov     [esi], dl
        test    eax, eax
        jnz     .next
        jmp     say

%ifndef FLAT
section .data
%endif
%if VERSION == 1
hello:   db     "multiboot 1, cmdline: ", 0
%else
hello:   db     "multiboot 2, cmdline: ", 0
%endif
memory:  db     "KiB from 1 MiB: ", 0
module:  db     "module ", 0
colon:   db     ": ", 0
newline: db     10, 0
timer:   db     "the timer and the TSC agree", 0
bad_timer: db   "the timer and the TSC disagree", 0
bad_magic: db   "EAX is not the magic number", 0
bad_bss: db     "the bss is not zero", 0
number:  times 10 db 0
number_end: db  0

%ifdef FLAT
file_end:
bss_word equ    file_end
stack_top equ   file_end + 4096
bss_end  equ    stack_top
%else
section .bss
bss_word: resd  1
        resb    4096
stack_top:
%endif

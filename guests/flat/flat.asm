; SPDX-License-Identifier: MIT
;
; flat: a flat binary, loaded at 0x7c00 and started there in real mode, as a BIOS starts a boot
; sector. No BIOS is there to call: it says what it found on the debug console, the date on the
; UART, and powers off. Code 0 always; what is wrong shows in what it says.

CPU 386
org 0x7c00
bits 16

DEBUG           equ 0xe9
UART            equ 0x3f8
UART_STATUS     equ UART + 5
UART_ROOM       equ 0x20
CMOS            equ 0x70                ; index, then data
CMOS_DAY        equ 7
CMOS_MONTH      equ 8
CMOS_YEAR       equ 9
CMOS_CENTURY    equ 0x32
POWER           equ 0x600               ; ACPI sleep control
POWER_OFF       equ 0x34

start:
        mov     [entered], dx           ; 0: there is no drive to have come from
        call    .here
.here:  pop     ax                      ; where it runs, if CS is 0
        sub     ax, .here - start
        cld
        mov     si, hello
        call    debug
        mov     dx, cs
        call    debug_word
        mov     si, colon
        call    debug
        mov     dx, ax
        call    debug_word
        mov     si, drive
        call    debug
        mov     dx, [entered]
        call    debug_word
        mov     si, newline
        call    debug

        mov     si, today
        call    say
        mov     al, CMOS_CENTURY
        call    say_cmos
        mov     al, CMOS_YEAR
        call    say_cmos
        mov     al, '-'
        call    say_byte
        mov     al, CMOS_MONTH
        call    say_cmos
        mov     al, '-'
        call    say_byte
        mov     al, CMOS_DAY
        call    say_cmos
        mov     al, 10
        call    say_byte

        mov     dx, POWER
        mov     al, POWER_OFF
        out     dx, al
.never: hlt
        jmp     .never

; The text at SI, up to its NUL, on the debug console, which has no status to wait for.
debug:
        lodsb
        test    al, al
        jz      .end
        out     DEBUG, al
        jmp     debug
.end:   ret

; DX in hexadecimal on the debug console. Keeps AX.
debug_word:
        push    ax
        mov     cx, 4
.next:  rol     dx, 4
        mov     al, dl
        call    digit
        out     DEBUG, al
        loop    .next
        pop     ax
        ret

; The low four bits of AL as a character.
digit:
        and     al, 15
        cmp     al, 10
        jb      .low
        add     al, 'a' - '0' - 10
.low:   add     al, '0'
        ret

; The text at SI on the UART.
say:
        lodsb
        test    al, al
        jz      .end
        call    say_byte
        jmp     say
.end:   ret

; Register AL of the clock, two digits in BCD.
say_cmos:
        out     CMOS, al
        in      al, CMOS + 1
        mov     bl, al
        shr     al, 4
        call    digit
        call    say_byte
        mov     al, bl
        call    digit
; AL on the UART.
say_byte:
        mov     ah, al
        mov     dx, UART_STATUS
.wait:  in      al, dx
        test    al, UART_ROOM
        jz      .wait
        mov     dx, UART
        mov     al, ah
        out     dx, al
        ret

hello:   db     "flat binary at ", 0
colon:   db     ":", 0
drive:   db     ", DX ", 0
newline: db     10, 0
today:   db     "today is ", 0
entered: dw     -1

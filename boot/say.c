/* SPDX-License-Identifier: MIT */
/*
 * say: tells a person why the boot failed, or takes long. A failure is one sentence on the
 * firmware's console, and the same on the first serial port, because most machines that run
 * hypervisors have nobody at a screen. Firmware that mirrors its console to that port shows the
 * sentence twice; that is the lesser evil.
 */
#include "boot/loader.h"

#include "lib/bits.h"
#include "lib/string.h"
#include "lib/uart16550.h"
#include "lib/x86/insn.h"

#define SAY_MAX 256 /* longest sentence; a name has at most 63 characters */

struct sentence {
    char text[SAY_MAX];
    size_t len;
};

static void say_add(struct sentence *s, const char *text)
{
    while (*text != '\0' && s->len < SAY_MAX - 1)
        s->text[s->len++] = *text++;
    s->text[s->len] = '\0';
}

static void say_add_number(struct sentence *s, uint64_t v)
{
    char digits[21]; /* 2^64 has 20 */
    size_t at = sizeof(digits) - 1;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    say_add(s, digits + at);
}

/* UEFI "Status Codes": those that files, memory, variables and ExitBootServices yield. */
static void say_add_status(struct sentence *s, EFI_STATUS status)
{
    static const struct {
        EFI_STATUS status;
        const char *text;
    } names[] = {{EFI_INVALID_PARAMETER, "invalid parameter"},
                 {EFI_UNSUPPORTED, "not supported"},
                 {EFI_BUFFER_TOO_SMALL, "buffer too small"},
                 {EFI_DEVICE_ERROR, "device error"},
                 {EFI_OUT_OF_RESOURCES, "out of memory"},
                 {EFI_VOLUME_CORRUPTED, "the volume is corrupted"},
                 {EFI_NO_MEDIA, "no medium"},
                 {EFI_MEDIA_CHANGED, "the medium was changed"},
                 {EFI_NOT_FOUND, "not found"},
                 {EFI_ACCESS_DENIED, "access denied"},
                 {EFI_WRITE_PROTECTED, "write-protected"},
                 {EFI_SECURITY_VIOLATION, "security violation"},
                 {EFI_TIMEOUT, "time-out"}};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].status == status) {
            say_add(s, names[i].text);
            return;
        }
    }
    say_add(s, "EFI error ");
    say_add_number(s, status & ~(UINT64_C(1) << 63));
}

enum { COM_WAIT = 200000 }; /* status reads, ~1 us each: a byte at 300 baud takes 33 ms */

/* The firmware has set the line up, or nobody listens: its speed is not ours to choose. */
static void say_serial(const char *text)
{
    out8(UART_COM1 + UART_SCR, 0x5a);
    if (in8(UART_COM1 + UART_SCR) != 0x5a)
        return; /* nothing there */
    for (; *text != '\0'; text++) {
        int wait = COM_WAIT;

        while ((in8(UART_COM1 + UART_LSR) & LSR_ROOM) == 0)
            if (--wait == 0)
                return; /* never hang on a stuck line */
        out8(UART_COM1 + UART_DATA, (uint8_t)*text);
    }
}

static void say_screen(struct loader *l, const char *text)
{
    CHAR16 wide[SAY_MAX];
    size_t i = 0;

    if (l->leaving || l->st->ConOut == NULL)
        return;
    for (; text[i] != '\0' && i < SAY_MAX - 1; i++)
        wide[i] = (CHAR16)text[i];
    wide[i] = 0;
    l->st->ConOut->OutputString(l->st->ConOut, wide);
}

/* "\bulkhead\NAME: ", or nothing where no name would say which folder is meant. */
static void say_begin(const struct loader *l, struct sentence *s, const char *name)
{
    s->len = 0;
    s->text[0] = '\0';
    if (name == NULL)
        return;
    say_add(s, loader_folder(l));
    say_add(s, "\\");
    say_add(s, name);
    say_add(s, ": ");
}

void say_reading(struct loader *l, const char *name, uint64_t bytes)
{
    struct sentence s = {.len = 0};

    say_add(&s, "Bulkhead: reading ");
    say_add(&s, name);
    say_add(&s, ", ");
    say_add_number(&s, (bytes + MIB / 2) / MIB);
    say_add(&s, " MiB ");
    say_screen(l, s.text);
    l->is_reading = true;
}

void say_part(struct loader *l)
{
    say_screen(l, ".");
}

void say_read(struct loader *l)
{
    if (l->is_reading)
        say_screen(l, "\r\n");
    l->is_reading = false;
}

void say_note(struct loader *l, const char *text)
{
    say_read(l); /* whose line is not complete */
    say_screen(l, "Bulkhead: ");
    say_screen(l, text);
    say_screen(l, "\r\n");
}

static void say_end(struct loader *l, const struct sentence *s)
{
    (void)text_copy(l->why, sizeof(l->why), s->text);
    say_note(l, s->text);
    say_serial("\r\n[bulkhead] "); /* the firmware may have left the cursor anywhere */
    say_serial(s->text);
    say_serial("\r\n");
}

EFI_STATUS say_refusal(struct loader *l, const char *name, const char *why)
{
    struct sentence s;

    say_begin(l, &s, name);
    say_add(&s, why);
    say_end(l, &s);
    return EFI_LOAD_ERROR;
}

EFI_STATUS say_failure(struct loader *l, const char *name, const char *why, EFI_STATUS cause)
{
    struct sentence s;

    say_begin(l, &s, name);
    say_add(&s, why);
    say_add(&s, ": ");
    say_add_status(&s, cause);
    say_end(l, &s);
    return cause;
}

EFI_STATUS say_no_memory(struct loader *l, const char *name, uint64_t bytes)
{
    struct sentence s;

    say_begin(l, &s, name);
    say_add(&s, "not enough free memory for ");
    say_add_number(&s, bytes);
    say_add(&s, " bytes");
    say_end(l, &s);
    return EFI_OUT_OF_RESOURCES;
}

void say_goodbye(const struct loader *l)
{
    say_serial(l->leaving ? "[bulkhead] powering off\r\n" : "[bulkhead] back to the firmware\r\n");
}

void say_bug(const char *expr)
{
    say_serial("\r\n[bulkhead] PANIC in the loader: assertion failed: ");
    say_serial(expr);
    say_serial("\r\n");
}

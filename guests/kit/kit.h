/* SPDX-License-Identifier: MIT */
/*
 * kit: what every tiny guest starts with: main(), a console, its options and its memory map. The
 * hypercalls are in bulkhead.h; guests here go through these functions, which count them.
 */
#pragma once

#include <stdarg.h>
#include <stdatomic.h>

#include "lib/types.h"

/* The guest itself. Called with interrupts off; the result is the power-off code, 0..255: any other
 * is a crash. */
int main(void);

/* ---------------------------------------------------------------- ends (kit.c) */

NORETURN void power_off(uint32_t code);

/* Prints one line, whatever other cores are printing, and ends the guest as a crash, with `code`
 * 0..255 and the caller's place in the diagnosis. */
NORETURN COLD void fatal(uint32_t code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* For idt.c: true for the one core that may still print, once; other cores stay here. */
bool begin_to_die(void);
void last_words(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Hypercalls this guest has made, on all cores, by the functions of the kit. */
extern _Atomic uint64_t kit_calls;

static inline void count_call(void)
{
    atomic_fetch_add_explicit(&kit_calls, 1, memory_order_relaxed);
}

/* ---------------------------------------------------------------- console (console.c) */

#define PRINT_MAX 400 /* bytes of one print; the rest is cut off */

/*
 * Formats as lib/fmt.h says and waits until the console has taken all of it. One print stays
 * together even if other cores print. Not from an interrupt handler: it may have interrupted one.
 */
void print(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* print() for fatal(): asks for no lock. */
void print_now(const char *fmt, va_list args);

/*
 * Reads one line with echo and backspace, without its end, always with a NUL; returns its length.
 * Sleeps while nothing is typed. What does not fit is not echoed and dropped. One core only.
 */
size_t console_line(char *buf, size_t size);

/* ---------------------------------------------------------------- what we were started with */

/* ACPI "Address Range Types" */
enum memory_type { MEMORY_RAM = 1, MEMORY_RESERVED = 2, MEMORY_PERSISTENT = 7 };

struct memory_range {
    uint64_t base;
    uint64_t size; /* bytes */
    enum memory_type type;
};

#define MEMORY_RANGES_MAX 16

/* A file that is persistent memory. */
struct disk {
    uint64_t base;
    uint64_t size; /* bytes */
    bool read_only;
    char name[64];
};

#define BOOT_DISKS_MAX 4

/* boot.c. Copies all that start_info points to, so that low memory is free afterwards. */
void boot_read(uint64_t start_info);
uint32_t memory_map(const struct memory_range **ranges);
uint32_t boot_disks(const struct disk **disks); /* in the order of the file */
uint64_t memory_size(void);                     /* bytes of RAM */
uint64_t memory_top(void);                      /* where the RAM that begins below 4 GiB ends */

/* The command line is words separated by blanks: NAME, or NAME=VALUE. options.c */
const char *cmdline(void);
bool option_set(const char *name); /* with or without a value */
bool option_is(const char *name, const char *value);
uint64_t option_number(const char *name, uint64_t fallback); /* decimal; also if malformed */

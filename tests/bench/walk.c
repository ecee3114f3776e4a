/* SPDX-License-Identifier: MIT */
/*
 * walk: an EFI program in the place of the loader: the walk of guests/bench on the bare machine,
 * without a hypervisor. Says "bench walk_16m_bare TICKS" and switches the machine off.
 */
#include <efi.h>
#include <efilib.h>

#include "guests/bench/walk.h"

#define SAMPLES 10
#define COM1    0x3f8
#define READY   0x20 /* of the line status register */

static void out8(UINT16 port, UINT8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static UINT8 in8(UINT16 port)
{
    UINT8 value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void say(const char *text)
{
    for (; *text != '\0'; text++) {
        while (!(in8(COM1 + 5) & READY))
            ;
        out8(COM1, (UINT8)*text);
    }
}

static UINT64 tsc_now(void)
{
    UINT32 lo, hi;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi) : : "memory");
    return (UINT64)hi << 32 | lo;
}

static UINT64 walk_sample(const volatile uint64_t *at, uint32_t lines)
{
    const UINT64 start = tsc_now();

    walk_lines(at, lines);
    return tsc_now() - start;
}

static UINT64 walk_best(const volatile uint64_t *at, uint32_t lines)
{
    UINT64 best = ~0ull;

    for (int i = 0; i < SAMPLES; i++) {
        const UINT64 ticks = walk_sample(at, lines);
        best = ticks < best ? ticks : best;
    }
    return best;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system);

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    EFI_PHYSICAL_ADDRESS memory = 0;
    char digits[24], *first = digits + sizeof(digits) - 1;

    (void)image;
    if (EFI_ERROR(system->BootServices->AllocatePages(AllocateAnyPages, EfiLoaderData,
                                                      WALK_LINES * 64 / EFI_PAGE_SIZE, &memory))) {
        say("walk: no memory\r\n");
        return EFI_OUT_OF_RESOURCES;
    }
    const volatile uint64_t *at = (const volatile uint64_t *)(UINTN)memory;
    UINT64 ticks = walk_best(at, WALK_LINES) - walk_best(at, 0);
    *first = '\0';
    do
        *--first = (char)('0' + ticks % 10);
    while ((ticks /= 10) != 0);
    say("\r\nbench walk_16m_bare ");
    say(first);
    say("\r\n");
    system->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_SUCCESS, 0, NULL);
    return EFI_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * efi_machine: a firmware for the loader in a host test: its state, its memory and its serial port
 * (efi_devices.h has the rest). It counts every call, can let any of them fail, and fails the test
 * where the loader breaks a rule of the UEFI Specification: a call after ExitBootServices, pages
 * given back that were not taken, memory touched that is not the loader's (the sanitizer looks).
 */
#pragma once

#include "boot/loader.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "support.h"

/* Real memory at this address; below it there is some that the loader may have but not touch. */
#define ARENA_BASE  UINT64_C(0x10000000)
#define ARENA_PAGES UINT64_C(8192)
#define MAP_MAX     2048
#define FILES_MAX   600
#define OPEN_MAX    8
#define TEXT_MAX    4096

enum efi_service {
    CALL_WATCHDOG,
    CALL_ALLOCATE,
    CALL_FREE,
    CALL_CLOCK,
    CALL_HANDLE_OF,
    CALL_VOLUME,
    CALL_OPEN,
    CALL_INFO,
    CALL_READ,
    CALL_SEEK,
    CALL_LOCATE,
    CALL_MODE_QUERY,
    CALL_MODE_SET,
    CALL_MAP,
    CALL_EXIT_SERVICES,
    CALL_MENU_PRINT, /* and what else the menu does with the screen */
    CALL_KEYS_RESET,
    CALL_KEY,
    CALL_STALL,
    CALL_ATTRIBUTES_GET,
    CALL_ATTRIBUTES_SET,
    CALL_ATTRIBUTES_CLEAR,
    CALL_GET_VARIABLE,
    CALL_SET_VARIABLE,
    CALL_PRINT,
    CALL_COUNT
};

enum efi_end { END_NONE, END_JUMP, END_BACK, END_RESET };

struct efi_file {
    const char *name; /* UTF-8 */
    const uint8_t *bytes;
    uint64_t size;
    uint64_t claims; /* what its directory entry says */
    bool folder;
    bool next; /* it is in \bulkhead\next\ */
};

/* BulkheadTried, BulkheadConfirmed. */
struct efi_variable {
    bool found;
    uint32_t attributes;
    uint64_t size;
    uint8_t bytes[64];
};

struct efi_open {
    EFI_FILE iface;              /* first: a handle is a pointer to it */
    const struct efi_file *file; /* NULL: the root or a folder */
    bool next;                   /* \bulkhead\next\ */
    uint64_t at;
    bool used;
};

static struct efi_machine {
    /* What a test sets. */
    uint32_t fault_at; /* number of the call that fails, from 1; 0: none */
    bool fault_lasts;  /* and all of the same service after it */
    EFI_STATUS fault;
    struct efi_file files[FILES_MAX];
    uint32_t file_count;
    bool folder_has_no_end; /* its first entry again and again */
    UINTN read_most;        /* bytes that one Read gives, 0: as asked */
    UINTN read_extra;       /* what a Read claims beyond what it was asked for */
    UINTN step;             /* of the memory map */
    UINTN map_claims;       /* the size it tells without a buffer; 0: the right one */
    UINTN step_later;       /* of all calls but the first; 0: the same */
    UINTN size_later;
    EFI_MEMORY_DESCRIPTOR odd[8192]; /* behind the real ones */
    uint32_t odd_count;
    uint32_t odd_more;  /* so many more of them from the second call on */
    uint32_t stale;     /* so many ExitBootServices fail, because the map changed once more */
    CHAR16 *vendor;     /* the firmware's */
    uint32_t mode_max;  /* of the screen */
    uint32_t modes_bad; /* cannot be drawn in */
    bool uart_stuck;
    bool no_console; /* neither a screen nor a keyboard */
    uint32_t columns, rows;
    const uint16_t *keys; /* characters, or KEY_SCAN | scan code; EFI_NOT_READY after them */
    uint32_t key_count;
    bool unplugged; /* the keyboard, after the last key */
    bool strict;    /* pages are writable or executable: EFI_MEMORY_ATTRIBUTE_PROTOCOL */
    bool levels;    /* 5-level paging */
    struct efi_variable variables[2];
    bool forgets;                            /* a variable that was written is not there */
    const void *properties, *runtime_memory; /* EFI_RT_PROPERTIES_TABLE, ..._ATTRIBUTES_TABLE */

    /* What happened. */
    uint32_t calls, by[CALL_COUNT];
    enum efi_service failed;
    bool injected;
    bool leaving;
    UINTN key;
    uint32_t leaked; /* pages that could not be given back */
    char screen[TEXT_MAX], serial[TEXT_MAX];
    size_t screen_len, serial_len;
    uint8_t scratch;
    const struct boot_info *info;
    uint64_t entry;
    uint64_t code; /* of levels.asm; 0: not that way */
    uint64_t attributes[ARENA_PAGES];

    EFI_MEMORY_DESCRIPTOR map[MAP_MAX];
    uint32_t map_count;
    uint32_t key_at, row;
    bool placed;                        /* what is printed next belongs in that row */
    char grid[64][160], shown[1 << 18]; /* the screen, and all that was on it */
    uint32_t shown_len;
    uint64_t stalled; /* us */
    struct efi_open opens[OPEN_MAX];
    jmp_buf end;
} efi;

#define KEY_SCAN 0x100

/* ---------------------------------------------------------------------- every call comes by */

static inline bool efi_fails(enum efi_service s)
{
    efi.calls++;
    efi.by[s]++;
    assert_true(efi.calls < 100000); /* a hang */
    if (efi.leaving) /* "ExitBootServices()": nothing else may be called from the first try on */
        assert_true(s == CALL_MAP || s == CALL_EXIT_SERVICES);
    if (efi.fault_at == efi.calls ||
        (efi.injected && efi.fault_lasts && s == efi.failed && efi.calls > efi.fault_at)) {
        efi.injected = true;
        efi.failed = s;
        return true;
    }
    return false;
}

static inline void efi_text(char *text, size_t *len, char c)
{
    assert_true(*len < TEXT_MAX - 1);
    text[(*len)++] = c;
}

void out8(uint16_t port, uint8_t value)
{
    if (port == 0x3f8)
        efi_text(efi.serial, &efi.serial_len, (char)value);
    else if (port == 0x3ff)
        efi.scratch = value;
    else
        fail();
}

uint8_t in8(uint16_t port)
{
    if (port == 0x3ff)
        return efi.scratch;
    assert_int_equal(port, 0x3fd);
    return efi.uart_stuck ? 0 : 0x20;
}

uint64_t rdtsc(void)
{
    return 7;
}

void handoff(uint64_t entry, const struct boot_info *info)
{
    efi.entry = entry;
    efi.info = info;
    longjmp(efi.end, END_JUMP);
}

/* ---------------------------------------------------------------------- memory */

static inline bool efi_is_free(const EFI_MEMORY_DESCRIPTOR *d)
{
    return d->Type == EfiConventionalMemory;
}

/* Cuts the entry that holds these pages, so that they are one of their own, of `type`. */
static inline void efi_set(uint64_t base, uint64_t pages, uint32_t type)
{
    for (uint32_t i = 0; i < efi.map_count; i++) {
        const EFI_MEMORY_DESCRIPTOR d = efi.map[i];
        const uint64_t before = (base - d.PhysicalStart) / PAGE_SIZE;
        if (base < d.PhysicalStart || before >= d.NumberOfPages)
            continue;
        assert_true(pages <= d.NumberOfPages - before && efi.map_count + 2 <= MAP_MAX);
        efi.map[i].Type = type;
        efi.map[i].PhysicalStart = base;
        efi.map[i].NumberOfPages = pages;
        if (before > 0) {
            efi.map[efi.map_count] = d;
            efi.map[efi.map_count++].NumberOfPages = before;
        }
        if (before + pages < d.NumberOfPages) {
            efi.map[efi.map_count] = d;
            efi.map[efi.map_count].PhysicalStart = base + pages * PAGE_SIZE;
            efi.map[efi.map_count++].NumberOfPages = d.NumberOfPages - before - pages;
        }
        efi.key++;
        return;
    }
    fail(); /* nobody has these pages */
}

/* Where `pages` fit: the highest place that ends at or below `last`; 0: nowhere. */
static inline uint64_t efi_fit(uint64_t pages, uint64_t last, uint64_t lowest)
{
    uint64_t best = 0;

    for (uint32_t i = 0; i < efi.map_count; i++) {
        const EFI_MEMORY_DESCRIPTOR *d = &efi.map[i];
        const uint64_t end = min_u64(d->PhysicalStart + d->NumberOfPages * PAGE_SIZE, last + 1);
        if (!efi_is_free(d) || d->PhysicalStart < lowest || end < d->PhysicalStart ||
            pages > (end - d->PhysicalStart) / PAGE_SIZE)
            continue;
        best = max_u64(best, align_down(end, PAGE_SIZE) - pages * PAGE_SIZE);
    }
    return best;
}

static inline EFI_STATUS EFIAPI efi_allocate(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type,
                                             UINTN pages, EFI_PHYSICAL_ADDRESS *at)
{
    uint64_t place = 0;

    if (efi_fails(CALL_ALLOCATE))
        return efi.fault;
    assert_true(pages > 0 && (type == EfiLoaderData || type == EfiLoaderCode));
    if (how == AllocateAnyPages)
        place = efi_fit(pages, UINT64_MAX - PAGE_SIZE, ARENA_BASE);
    else if (how == AllocateMaxAddress) /* what is touched must be real */
        place = efi_fit(pages, *at, *at < MIB ? 0 : ARENA_BASE);
    else if (efi_fit(pages, *at + pages * PAGE_SIZE - 1, 0) == *at)
        place = *at;
    if (place == 0)
        return how == AllocateAddress ? EFI_NOT_FOUND : EFI_OUT_OF_RESOURCES;
    efi_set(place, pages, type);
    if (place >= ARENA_BASE) {
        ASAN_UNPOISON_MEMORY_REGION((void *)place, pages * PAGE_SIZE);
        memset((void *)place, 0xa5, pages * PAGE_SIZE);
        for (uint64_t i = 0; i < pages; i++)
            efi.attributes[(place - ARENA_BASE) / PAGE_SIZE + i] = EFI_MEMORY_XP;
    }
    *at = place;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_free(EFI_PHYSICAL_ADDRESS at, UINTN pages)
{
    if (efi_fails(CALL_FREE)) {
        efi.leaked += (uint32_t)pages;
        return efi.fault;
    }
    for (uint32_t i = 0; i < efi.map_count; i++) { /* only what was taken, in one piece or less */
        if (at >= efi.map[i].PhysicalStart &&
            (at - efi.map[i].PhysicalStart) / PAGE_SIZE < efi.map[i].NumberOfPages)
            assert_true(efi.map[i].Type == EfiLoaderData || efi.map[i].Type == EfiLoaderCode);
    }
    efi_set(at, pages, EfiConventionalMemory);
    if (at >= ARENA_BASE)
        ASAN_POISON_MEMORY_REGION((void *)at, pages * PAGE_SIZE);
    return EFI_SUCCESS;
}

static inline uint64_t efi_taken(void)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < efi.map_count; i++)
        if (efi.map[i].Type == EfiLoaderData || efi.map[i].Type == EfiLoaderCode)
            pages += efi.map[i].NumberOfPages;
    return pages;
}

static inline EFI_STATUS EFIAPI efi_get_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key,
                                            UINTN *step, UINT32 *version)
{
    const bool first = efi.by[CALL_MAP] == 0;
    const uint32_t count = efi.map_count + efi.odd_count + (first ? 0 : efi.odd_more);
    const UINTN capacity = *size;

    if (efi_fails(CALL_MAP))
        return efi.fault;
    *version = 1;
    *key = efi.key;
    *step = first || efi.step_later == 0 ? efi.step : efi.step_later;
    *size = count * efi.step;
    if (map == NULL || capacity < *size) {
        *size = first && efi.map_claims != 0 ? efi.map_claims : *size;
        return EFI_BUFFER_TOO_SMALL;
    }
    memset(map, 0xee, *size);
    for (uint32_t i = 0; i < count; i++)
        memcpy((uint8_t *)map + i * efi.step,
               i < efi.map_count ? &efi.map[i] : &efi.odd[i - efi.map_count],
               sizeof(EFI_MEMORY_DESCRIPTOR));
    if (efi.size_later != 0)
        *size = efi.size_later;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_exit_services(EFI_HANDLE image, UINTN key)
{
    (void)image;
    efi.leaving = true;
    if (efi_fails(CALL_EXIT_SERVICES))
        return efi.fault;
    if (efi.stale > 0) {
        efi.stale--;
        efi.key++;
    }
    return key == efi.key ? EFI_SUCCESS : EFI_INVALID_PARAMETER;
}

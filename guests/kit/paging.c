/* SPDX-License-Identifier: MIT */
/*
 * paging: SDM "4-Level Paging". Up to kit_fine_end, behind the last stack, pages have rights of
 * their own (kit_pt); above are large pages for data. guest.ld orders and sizes all that.
 */
#include "guests/kit/paging.h"

#include "lib/x86/insn.h"

#define PRESENT  UINT64_C(0x01)
#define WRITABLE UINT64_C(0x02)
#define USER     UINT64_C(0x04)
#define LARGE    UINT64_C(0x80)
#define NX       (UINT64_C(1) << 63)
#define ENTRIES  512

extern uint64_t kit_pd[4 * ENTRIES]; /* start.asm */

/* guest.ld */
extern uint64_t kit_pt[];
extern const char kit_code[], kit_code_end[], kit_constants[], kit_constants_end[];
extern const char kit_fine_end[], kit_boot_guard[];

static void paging_flush(void)
{
    write_cr3(read_cr3());
}

static uint64_t paging_rights(uint64_t page)
{
    if (page >= (uint64_t)kit_code && page < (uint64_t)kit_code_end)
        return PRESENT;
    if (page >= (uint64_t)kit_constants && page < (uint64_t)kit_constants_end)
        return PRESENT | NX;
    return PRESENT | WRITABLE | NX;
}

static void paging_set(const void *page, uint64_t rights)
{
    kit_pt[(uint64_t)page / PAGE_SIZE] = rights == 0 ? 0 : (uint64_t)page | rights;
    paging_flush();
}

void paging_guard(const void *page)
{
    paging_set(page, 0);
}

void paging_code(const void *page)
{
    paging_set(page, PRESENT);
}

bool paging_is_guard(uint64_t address)
{
    return address >= PAGE_SIZE && address < (uint64_t)kit_fine_end &&
           kit_pt[address / PAGE_SIZE] == 0;
}

void paging_init(void)
{
    uint64_t i = 0;

    for (; i * PAGE_SIZE_2M < (uint64_t)kit_fine_end; i++) {
        for (uint64_t page = i * ENTRIES; page < (i + 1) * ENTRIES; page++)
            kit_pt[page] = page * PAGE_SIZE | paging_rights(page * PAGE_SIZE);
        kit_pd[i] = (uint64_t)&kit_pt[i * ENTRIES] | PRESENT | WRITABLE;
    }
    for (; i < 4 * ENTRIES; i++)
        kit_pd[i] = i * PAGE_SIZE_2M | PRESENT | WRITABLE | LARGE | NX;
    kit_pt[0] = 0;
    paging_guard(kit_boot_guard);
}

void paging_open(void)
{
    for (uint64_t i = 0; i < 4 * ENTRIES; i++)
        kit_pd[i] = i * PAGE_SIZE_2M | PRESENT | WRITABLE | USER | LARGE;
    paging_flush();
}

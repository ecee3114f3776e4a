/* SPDX-License-Identifier: MIT */
/*
 * tables_end: uses of an MSI-X table's page that no driver has, and that end the guest: the
 * processor itself would write there, or run it. Where the guest has such a page: tables.h.
 */
#include "guests/hostile/endings.h"
#include "guests/hostile/tables.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define VECTOR      0x60
#define STACK       0x800 /* in the page: where the stack ends */
#define FAR         (2 * 512 * GIB)
#define PAGE_TABLE  UINT64_C(0x07) /* present, writable, user; not accessed */
#define PAGE_LARGE  UINT64_C(0x87)
#define RETURN_NEAR 0xc3

extern volatile uint64_t kit_pml4[512];

static uint64_t table_page(void)
{
    if (!tables_find())
        fatal(1, "there is no table");
    return (uint64_t)tables_page();
}

/* The frame of an exception. */
static void table_frame(void)
{
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(table_page() + STACK) : "memory");
}

/* That of an interrupt, behind a push that went well. */
static void table_interrupt(void)
{
    const uint64_t page = table_page();

    x2apic_enable();
    x2apic_send_self(VECTOR);
    __asm__ volatile("mov %0, %%rsp; sti; push $1; nop; nop; cli" : : "r"(page + STACK) : "memory");
}

/* The processor notes in an entry that it was used. */
static void table_walk(void)
{
    static ALIGNED(4096) uint64_t pd[512];
    volatile uint64_t *page = (volatile uint64_t *)table_page();

    pd[0] = PAGE_LARGE;
    page[0] = (uint64_t)pd | PAGE_TABLE;
    kit_pml4[FAR / (512 * GIB)] = tables_physical() | PAGE_TABLE;
    write_cr3(read_cr3());
    (void)*(volatile uint8_t *)FAR;
}

static void table_exec(void)
{
    volatile uint32_t *page = (volatile uint32_t *)table_page();

    page[0] = RETURN_NEAR;
    __asm__ volatile("call *%0" : : "r"(page) : "memory");
}

/* An AMD processor would store the flags of the step. */
static void table_pushf(void)
{
    uint64_t stack;

    __asm__ volatile("mov %%rsp, %0; mov %1, %%rsp; pushfq; mov %0, %%rsp"
                     : "=&r"(stack)
                     : "r"(table_page() + STACK)
                     : "memory");
}

const struct ending endings_msix[] = {
    {"DM-14", "table-frame", table_frame}, {"DM-14", "table-interrupt", table_interrupt},
    {"DM-14", "table-walk", table_walk},   {"DM-14", "table-exec", table_exec},
    {"DM-14", "table-pushf", table_pushf}, {NULL, NULL, NULL},
};

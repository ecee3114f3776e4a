/* SPDX-License-Identifier: MIT */
/*
 * escape: touches memory that is not its own; the hypervisor must stop it there. Ends with
 * EXIT_ESCAPED if it lives to tell.
 * With a link: how=window writes to a window that it may only read, how=behind reads the byte
 * behind it. Option: how=read (default), write or exec touch the first byte above its memory; wild
 * puts page tables of its own there, so that the processor trips while it walks them.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "lib/x86/insn.h"

#define EXIT_ESCAPED 66

#define PAGE_TABLE       0x07 /* present, writable, user */
#define PAGE_TABLE_SLOTS 512

extern volatile uint64_t kit_pml4[PAGE_TABLE_SLOTS];

static void escape_read(uint64_t outside)
{
    print("reading 0x%lx, outside of my memory\n", outside);
    print("it holds 0x%lx\n", *(volatile uint64_t *)outside);
}

static void escape_write(uint64_t outside)
{
    print("writing 0x%lx, outside of my memory\n", outside);
    *(volatile uint64_t *)outside = 0x6d696e65;
}

static void escape_exec(uint64_t outside)
{
    print("jumping to 0x%lx, outside of my memory\n", outside);
    __asm__ volatile("call *%0" : : "r"(outside) : "memory");
}

/* The second 512 GiB of linear addresses through a table above our memory. */
static void escape_wild(uint64_t outside)
{
    print("walking page tables at 0x%lx, outside of my memory\n", outside);
    kit_pml4[1] = outside | PAGE_TABLE;
    write_cr3(read_cr3());
    print("it holds 0x%lx\n", *(volatile uint64_t *)(512 * GIB));
}

static void escape_window(void)
{
    struct bulkhead_link link;

    if (!bulkhead_link_info(0, &link))
        fatal(1, "there is no link");
    print("%s holds %lu\n", link.name, *(volatile uint64_t *)link.window);
    if (option_is("how", "window"))
        *(volatile uint64_t *)link.window = 1;
    else
        print("behind is %u\n", *(volatile uint8_t *)(link.window + link.size));
}

int main(void)
{
    uint64_t outside = memory_top();

    paging_open();
    if (option_is("how", "window") || option_is("how", "behind"))
        escape_window();
    else if (option_is("how", "write"))
        escape_write(outside);
    else if (option_is("how", "exec"))
        escape_exec(outside);
    else if (option_is("how", "wild"))
        escape_wild(outside);
    else
        escape_read(outside);
    print("ESCAPED\n");
    return EXIT_ESCAPED;
}

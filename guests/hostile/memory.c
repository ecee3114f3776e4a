/* SPDX-License-Identifier: MIT */
/*
 * memory: what is the guest's, up to its first and last byte, and what the hypervisor has put into
 * it. What is not the guest's is tried in end_memory.c.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/kit.h"
#include "lib/string.h"

#define LOW_END     UINT64_C(0xa0000)
#define START_MAGIC 0x336ec578u

extern const uint8_t kit_end[];

static void memory_edges(void)
{
    const uint64_t top = memory_top();
    volatile uint8_t *first = NULL, *last = (volatile uint8_t *)(top - 1);

    __asm__ volatile("" : "+r"(first)); /* address 0 is memory here */
    row("EP-04");
    *first = 0x5a, *last = 0xa5;
    check("first-and-last", *first == 0x5a && *last == 0xa5, "0x%x, 0x%x", *first, *last);
    *(volatile uint64_t *)(top - 8) = 0x1122334455667788;
    check_equal("last-word", *(volatile uint64_t *)(top - 8), 0x1122334455667788);
    *last = 0xc3; /* RET, which ends with the memory */
    __asm__ volatile("call *%0" : : "r"(last) : "memory");
    check("last-instruction", true, " ");
    row("EP-17");
    uint32_t wrong = 0;
    for (uint64_t at = top - 512 * PAGE_SIZE; at < top; at += PAGE_SIZE)
        *(volatile uint64_t *)at = at;
    for (uint64_t at = top - 512 * PAGE_SIZE; at < top; at += PAGE_SIZE)
        wrong += *(volatile uint64_t *)at != at;
    check("last-pages", wrong == 0, "%u of 512 pages", wrong);
}

/* ---------------------------------------------------------------- what is there at the start */

/* The start information, as far as it is needed here. "x86/HVM direct boot ABI" */
struct start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, cmdline, rsdp, memory_map;
    uint32_t memory_map_count, reserved;
};

static uint8_t meant[PAGE_SIZE]; /* 1: the byte of that page has a meaning */

static void memory_mean(uint64_t page, uint64_t address, uint64_t size)
{
    for (uint64_t i = address - page; address != 0 && i < address - page + size; i++) {
        if (i < PAGE_SIZE)
            meant[i] = 1;
    }
}

static void memory_start_page(uint64_t page)
{
    const struct start_info *info = (const void *)page;
    const uint8_t *bytes = (const uint8_t *)page;
    uint32_t stray = 0;

    memory_mean(page, page, sizeof(*info));
    memory_mean(page, info->modules, (uint64_t)info->module_count * 32);
    memory_mean(page, info->memory_map, (uint64_t)info->memory_map_count * 24);
    memory_mean(page, info->cmdline, strlen((const char *)info->cmdline) + 1);
    for (uint32_t i = 0; i < PAGE_SIZE; i++)
        stray += bytes[i] != 0 && !meant[i];
    check("start-page", stray == 0, "%u bytes that mean nothing", stray);
}

void hostile_memory_start(void)
{
    uint32_t dirty = 0, pages = 0;

    row("LC-04");
    for (uint64_t page = PAGE_SIZE; page < LOW_END; page += PAGE_SIZE) {
        const volatile uint64_t *words = (const volatile uint64_t *)page;
        if (*(const volatile uint32_t *)page == START_MAGIC && pages++ == 0) {
            memory_start_page(page);
            continue;
        }
        for (uint32_t i = 0; i < PAGE_SIZE / 8; i++)
            dirty += words[i] != 0;
    }
    check("one-start-page", pages == 1, "%u pages", pages);
    row("LC-02");
    for (uint64_t at = ((uint64_t)kit_end + 7) & ~UINT64_C(7); at < memory_top(); at += 8)
        dirty += *(const volatile uint64_t *)at != 0;
    check("memory-is-zero", dirty == 0, "%u words are not", dirty);
}

void hostile_memory(void)
{
    memory_edges();
}

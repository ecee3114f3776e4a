/* SPDX-License-Identifier: MIT */
/*
 * scrub: a life leaves nothing to the next. Checks that all memory but its own image, and the
 * registers that a guest keeps things in, are as at a first start; then dirties all of it and asks
 * for a restart.
 * Options: until=MS (1000): a life that begins later, in the machine's time, powers off instead;
 * life=MS (100): how long each lasts; pkru: PKRU, too, where CR4.PKE can be set.
 * Power-off code 0: every check of the last life went well.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define IMAGE_BASE  UINT64_C(0x100000) /* guest.ld */
#define LOW_END     UINT64_C(0xa0000)
#define START_MAGIC 0x336ec578u /* of struct hvm_start_info: its page may hold something */
#define DIRT        UINT64_C(0xdeadbeefcafef00d)
#define ADDRESS     UINT64_C(0xffff800012345000) /* canonical */
#define APIC_SVR    0xff                         /* after reset */

extern const uint8_t kit_end[];

/* No check of this life has failed so far. */
static bool clean = true;

static bool scrub_page_is_zero(uint64_t page)
{
    const volatile uint64_t *words = (const volatile uint64_t *)page;

    for (uint32_t i = 0; i < PAGE_SIZE / 8; i++) {
        if (words[i] != 0)
            return false;
    }
    return true;
}

static bool scrub_is_ours(uint64_t page)
{
    return page >= IMAGE_BASE && page < (uint64_t)kit_end;
}

static bool scrub_is_start_info(uint64_t page)
{
    return page < LOW_END && *(const volatile uint32_t *)page == START_MAGIC;
}

/* Calls `visit` for each page of RAM below 4 GiB (that is what the kit maps) but for the image. */
static uint64_t scrub_pages(void (*visit)(uint64_t page))
{
    const struct memory_range *ranges;
    uint32_t count = memory_map(&ranges);
    uint64_t pages = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint64_t end = min_u64(ranges[i].base + ranges[i].size, 4 * GIB);
        if (ranges[i].type != MEMORY_RAM)
            continue;
        for (uint64_t page = ranges[i].base; page < end; page += PAGE_SIZE) {
            if (scrub_is_ours(page))
                continue;
            visit(page);
            pages++;
        }
    }
    return pages;
}

static uint32_t start_infos;

static void scrub_check_page(uint64_t page)
{
    if (scrub_page_is_zero(page))
        return;
    if (scrub_is_start_info(page) && start_infos++ == 0)
        return;
    if (clean)
        print("page 0x%lx is not zero\n", page);
    clean = false;
}

static void scrub_dirty_page(uint64_t page)
{
    volatile uint64_t *words = (volatile uint64_t *)page;

    for (uint32_t i = 0; i < PAGE_SIZE / 8; i++)
        words[i] = DIRT;
}

/* ---------------------------------------------------------------- registers */

static const struct {
    uint32_t index;
    uint64_t reset, dirt;
    const char *name;
} msrs[] = {
    {MSR_STAR, 0, DIRT, "STAR"},
    {MSR_LSTAR, 0, ADDRESS, "LSTAR"},
    {MSR_CSTAR, 0, ADDRESS, "CSTAR"},
    {MSR_FMASK, 0, 0xffff, "FMASK"},
    {MSR_KERNEL_GS_BASE, 0, ADDRESS, "KERNEL_GS_BASE"},
    {MSR_X2APIC_TPR, 0, 0x50, "the APIC's TPR"},
    {MSR_X2APIC_SVR, APIC_SVR, 0x1fe, "the APIC's SVR"},
};

static void scrub_check_value(const char *name, uint64_t value, uint64_t want)
{
    if (value == want)
        return;
    print("%s is 0x%lx, not 0x%lx\n", name, value, want);
    clean = false;
}

/* With CR4.PKE alone: XCR0 is not needed. */
static uint32_t scrub_read_pkru(void)
{
    uint32_t pkru;

    write_cr4(read_cr4() | CR4_PKE);
    __asm__ volatile("rdpkru" : "=a"(pkru) : "c"(0) : "rdx");
    return pkru;
}

static void scrub_check_registers(void)
{
    uint64_t xmm0;

    for (uint32_t i = 0; i < ARRAY_SIZE(msrs); i++)
        scrub_check_value(msrs[i].name, rdmsr(msrs[i].index), msrs[i].reset);
    scrub_check_value("CR2", read_cr2(), 0);
    scrub_check_value("DR0", read_dr0(), 0);
    scrub_check_value("DR3", read_dr3(), 0);
    write_cr4(read_cr4() | CR4_OSFXSR);
    __asm__ volatile("movq %%xmm0, %0" : "=r"(xmm0));
    scrub_check_value("XMM0", xmm0, 0);
    if (option_set("pkru"))
        scrub_check_value("PKRU", scrub_read_pkru(), 0);
}

static void scrub_dirty_registers(void)
{
    if (option_set("pkru")) /* but for key 0, which is that of the stack */
        __asm__ volatile("wrpkru" : : "a"((uint32_t)DIRT & ~UINT32_C(3)), "c"(0), "d"(0));
    for (uint32_t i = 0; i < ARRAY_SIZE(msrs); i++)
        wrmsr(msrs[i].index, msrs[i].dirt);
    write_cr2(DIRT);
    write_dr0(ADDRESS);
    write_dr3(ADDRESS);
    __asm__ volatile("movq %0, %%xmm0" : : "r"(DIRT));
}

int main(void)
{
    const uint64_t began = time_ns();

    paging_open();
    scrub_check_registers(); /* before anything uses them */
    const uint64_t pages = scrub_pages(scrub_check_page);
    print("%lu pages and the registers are %s\n", pages, clean ? "clean" : "DIRTY");
    if (!clean || began >= option_number("until", 1000) * NS_PER_MS)
        return clean ? 0 : 1;

    sleep_until(began + option_number("life", 100) * NS_PER_MS);
    print("dirtying all of it\n");
    scrub_pages(scrub_dirty_page);
    scrub_dirty_registers();
    bulkhead_restart();
    return 1;
}

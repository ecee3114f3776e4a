/* SPDX-License-Identifier: MIT */
/*
 * smp: starts the other cores. SDM "Multiple-Processor (MP) Initialization".
 */
#include "guests/kit/smp.h"

#include <stdatomic.h>

#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "guests/kit/task.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define START_PAGE UINT32_C(8) /* number of the page below 1 MiB that ap_page is copied to */
#define STACK_SIZE 8192
#define INIT_NS    (10 * NS_PER_MS) /* SDM "Typical BSP Initialization Sequence" */
#define STARTUP_NS (200 * NS_PER_US)
#define TOPOLOGY   0x0b /* CPUID leaf */
#define TYPE_CORE  2    /* ECX[15:8] */

extern const uint8_t ap_page[], ap_page_end[];

/* For ap.asm. */
extern const uint32_t smp_cores_max;
extern uint64_t smp_stacks_end[SMP_CORES_MAX];
extern _Atomic uint32_t smp_ticket;
void smp_core_main(uint32_t number);

const uint32_t smp_cores_max = SMP_CORES_MAX;
uint64_t smp_stacks_end[SMP_CORES_MAX];
_Atomic uint32_t smp_ticket = 1; /* the next core's number; the boot core is 0 */

static ALIGNED(4096) __attribute__((section(".bss.stacks"))) struct {
    uint8_t guard[PAGE_SIZE]; /* not mapped */
    uint8_t bytes[STACK_SIZE];
} stacks[SMP_CORES_MAX];
static void (*core_work)(uint32_t number);
static _Atomic uint32_t running = 1;

uint32_t smp_expected(void)
{
    for (uint32_t level = 0; level < 8; level++) {
        struct cpuid_regs r = cpuid(TOPOLOGY, level);
        uint32_t type = r.ecx >> 8 & 0xff;
        if (type == TYPE_CORE && (r.ebx & 0xffff) != 0)
            return r.ebx & 0xffff;
        if (type == 0)
            break;
    }
    return 1;
}

/* By ap.asm, on the new core and its own stack. */
void smp_core_main(uint32_t number)
{
    idt_load();
    task_load(number, &stacks[number].bytes[STACK_SIZE]);
    x2apic_enable();
    atomic_fetch_add(&running, 1);
    core_work(number);
    irq_disable();
    for (;;)
        cpu_halt();
}

void smp_start(void (*work)(uint32_t number))
{
    core_work = work;
    for (uint32_t i = 0; i < SMP_CORES_MAX; i++) {
        paging_guard(stacks[i].guard);
        smp_stacks_end[i] = (uint64_t)&stacks[i].bytes[STACK_SIZE];
    }
    memcpy((void *)(START_PAGE * PAGE_SIZE), ap_page, (size_t)(ap_page_end - ap_page));
    paging_code((void *)(START_PAGE * PAGE_SIZE)); /* it runs on after paging is on */

    x2apic_send(0, ICR_ALL_OTHERS | ICR_INIT | ICR_ASSERT);
    spin_for(INIT_NS);
    for (int twice = 0; twice < 2; twice++) {
        x2apic_send(0, ICR_ALL_OTHERS | ICR_STARTUP | ICR_ASSERT | START_PAGE);
        spin_for(STARTUP_NS);
    }
}

uint32_t smp_wait(uint64_t ns)
{
    uint64_t start = tsc_now();

    while (atomic_load(&running) < smp_expected() && tsc_to_ns(tsc_now() - start) < ns)
        cpu_pause();
    return atomic_load(&running);
}

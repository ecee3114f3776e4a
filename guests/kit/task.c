/* SPDX-License-Identifier: MIT */
/*
 * task: SDM "64-Bit Task State Segment"; the descriptors are at the end of the GDT in start.asm.
 */
#include "guests/kit/task.h"

#include "guests/kit/smp.h"
#include "lib/x86/desc.h"

#define SELECTOR_TSS 0x28 /* core 0's; 16 bytes each */

extern uint64_t kit_gdt[];

static ALIGNED(16) struct tss tasks[SMP_CORES_MAX];

/* LTR wants a descriptor that is not busy. */
static void task_reload(uint32_t number)
{
    const uint64_t base = (uint64_t)&tasks[number];
    const uint32_t selector = SELECTOR_TSS + number * 16;

    kit_gdt[selector / 8] = gdt_tss_low(base, sizeof(struct tss) - 1);
    kit_gdt[selector / 8 + 1] = gdt_tss_high(base);
    load_tr((uint16_t)selector);
}

void task_load(uint32_t number, const void *stack)
{
    tasks[number].ist[TASK_IST_DF - 1] = (uint64_t)stack;
    tasks[number].io_map_base = sizeof(struct tss); /* at the limit: no port for CPL 3 */
    task_reload(number);
}

void task_user_stack(const void *stack)
{
    tasks[0].rsp[0] = (uint64_t)stack;
    task_reload(0);
}

/* SPDX-License-Identifier: MIT */
/*
 * task: SDM "64-Bit Task State Segment"; the descriptors are at the end of the GDT in start.asm.
 */
#include "guests/kit/task.h"

#include "guests/kit/smp.h"

#define SELECTOR_TSS  0x28 /* core 0's; 16 bytes each */
#define TSS_AVAILABLE UINT64_C(0x89)

struct PACKED tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map; /* at the limit: no port for CPL 3 */
};
_Static_assert(sizeof(struct tss) == 104, "SDM \"64-Bit Task State Segment\"");

extern uint64_t kit_gdt[];

static ALIGNED(16) struct tss tasks[SMP_CORES_MAX];

/* LTR wants a descriptor that is not busy. */
static void task_reload(uint32_t number)
{
    const uint64_t base = (uint64_t)&tasks[number];
    const uint32_t selector = SELECTOR_TSS + number * 16;

    kit_gdt[selector / 8] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 |
                            TSS_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
    kit_gdt[selector / 8 + 1] = base >> 32;
    __asm__ volatile("ltr %w0" : : "r"(selector) : "memory");
}

void task_load(uint32_t number, const void *stack)
{
    tasks[number].ist[TASK_IST_DF - 1] = (uint64_t)stack;
    tasks[number].io_map = sizeof(struct tss);
    task_reload(number);
}

void task_user_stack(const void *stack)
{
    tasks[0].rsp[0] = (uint64_t)stack;
    task_reload(0);
}

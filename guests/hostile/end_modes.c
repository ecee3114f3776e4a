/* SPDX-License-Identifier: MIT */
/*
 * end_modes: ends that need 32-bit protected mode.
 */
#include "guests/hostile/endings.h"
#include "guests/hostile/modes.h"
#include "guests/kit/kit.h"

#define TASK_GATE    0x8500
#define GATE         0x8e00
#define TSS_OTHER    0x48
#define CODE3        0x38
#define VECTOR_ALIGN 17
#define VECTOR_TASK  0x32
#define BACKLINK     TSS_OTHER
#define TSS_BUSY     (UINT64_C(2) << 40)

/* protected.asm */
void hook_task_jmp(void);
void hook_task_call(void);
void hook_task_iret(void);
void hook_task_gate(void);
void hook_ac_storm(void);
void hook_ac_handler(void);
void hook_pae_outside(void);

static struct modes *modes_with_hook(void (*hook)(void))
{
    modes_prepare();
    modes_shared()->hook = (uint32_t)(uint64_t)hook;
    return modes_shared();
}

static void task_jmp(void)
{
    modes_with_hook(hook_task_jmp);
    modes_round();
}

static void task_call(void)
{
    modes_with_hook(hook_task_call);
    modes_round();
}

static void task_iret(void)
{
    struct modes *m = modes_with_hook(hook_task_iret);

    m->gdt[TSS_OTHER / 8] |= TSS_BUSY; /* the task that is returned to */
    *(uint16_t *)modes_task() = BACKLINK;
    modes_round();
}

static void task_gate(void)
{
    struct modes *m = modes_with_hook(hook_task_gate);

    m->idt32[VECTOR_TASK] = modes_gate(0, TSS_OTHER, TASK_GATE);
    modes_round();
}

/* #AC without end. CVE-2015-5307. */
static void ac_storm(void)
{
    struct modes *m = modes_with_hook(hook_ac_storm);

    m->idt32[VECTOR_ALIGN] = modes_gate((uint32_t)(uint64_t)hook_ac_handler, CODE3, GATE);
    modes_round();
}

static void pae_outside(void)
{
    modes_with_hook(hook_pae_outside)->cr3_bad = (uint32_t)memory_top();
    modes_round();
}

const struct ending endings_modes[] = {
    {"EX-04", "task-jmp", task_jmp},
    {"EX-04", "task-call", task_call},
    {"EX-04", "task-iret", task_iret},
    {"EX-04", "task-gate", task_gate},
    {"EX-02", "ac-storm", ac_storm},
    {"EP-11", "pae-outside", pae_outside},
    {NULL, NULL, NULL},
};

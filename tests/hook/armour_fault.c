/* SPDX-License-Identifier: MIT */
/*
 * armour_fault: what our own bugs would do, on purpose. None of it returns.
 */
#include "kernel/partition.h"
#include "lib/string.h"
#include "tests/hook/armour.h"

/* Behind the array lie what the compiler put there, and the way back. */
__attribute__((noinline)) static void armour_smash(volatile uint32_t length)
{
    char buffer[16];
    volatile char *at = buffer;

    for (uint32_t i = 0; i < length; i++)
        at[i] = 'A';
}

/* Nothing is left of the main stack: only a handler with a stack of its own can say it. */
static void armour_machine_check(void)
{
    __asm__ volatile("xor %%esp, %%esp\n\tint $18" : : : "memory");
}

static void armour_write_sealed(const struct vcpu *v)
{
    *(volatile uint32_t *)(uintptr_t)&v->vm->plan->core_count = 0;
}

void armour_fault(struct vcpu *v, const char *kind)
{
    if (text_equal(kind, "smash"))
        armour_smash(48);
    else if (text_equal(kind, "machine-check"))
        armour_machine_check();
    else if (text_equal(kind, "sealed"))
        armour_write_sealed(v);
}

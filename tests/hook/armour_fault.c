/* SPDX-License-Identifier: MIT */
/*
 * armour_fault: what our own bugs would do, on purpose. None of it returns.
 */
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/desc.h"
#include "tests/hook/armour.h"

/* Behind the array lie what the compiler put there, and the way back. */
static volatile uint32_t smash_length = 48;

__attribute__((noinline)) static void armour_smash(void)
{
    char buffer[16];
    volatile char *at = buffer;

    for (uint32_t i = 0; i < smash_length; i++)
        at[i] = 'A';
}

/* While the core waits, where the number could also be an interrupt's; and nothing is left of the
 * main stack: only a handler with a stack of its own can say it. */
static void armour_machine_check(void)
{
    const struct table_register idtr = armour_wait_idtr();

    load_idtr(&idtr);
    __asm__ volatile("xor %%esp, %%esp\n\tint $18" : : : "memory");
}

/* An address that is none: #GP, which pushes an error code. */
static void armour_general_protection(void)
{
    (void)*(volatile uint8_t *)(uintptr_t)BIT64(63);
}

/* This core has written to its GDT itself, when LTR marked the TSS busy: the page has been writable
 * for it, and a translation from then would still let it. */
static void armour_write_sealed(void)
{
    const struct table_register gdtr = read_gdtr();

    *(volatile uint64_t *)(uintptr_t)gdtr.base = 0;
}

void armour_fault(const char *kind)
{
    if (text_equal(kind, "smash"))
        armour_smash();
    else if (text_equal(kind, "machine-check"))
        armour_machine_check();
    else if (text_equal(kind, "general-protection"))
        armour_general_protection();
    else if (text_equal(kind, "sealed"))
        armour_write_sealed();
}

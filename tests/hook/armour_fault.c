/* SPDX-License-Identifier: MIT */
/*
 * armour_fault: what our own bugs would do, on purpose. None of it returns.
 */
#include "kernel/vm/vm.h"
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

void armour_fault(const char *kind)
{
    if (text_equal(kind, "smash"))
        armour_smash();
    else if (text_equal(kind, "machine-check"))
        armour_machine_check();
    else if (text_equal(kind, "general-protection"))
        armour_general_protection();
}

/* Behind the word that lets the guest end by itself where the fault does not. */
const char *armour_fault_asked(const struct vcpu *v)
{
    static const char noinput[] = "noinput ";
    const char *cmdline = v->vm->plan->config->cmdline;
    const size_t length = sizeof(noinput) - 1;

    return memcmp(cmdline, noinput, length) == 0 ? cmdline + length : "";
}

/* The link takes these for virt_cpu_on() and vcpu_loop(). */
enum status __real_virt_cpu_on(struct page *region);
enum status __wrap_virt_cpu_on(struct page *region);
void __real_vcpu_loop(struct vcpu *v);
void __wrap_vcpu_loop(struct vcpu *v);

NOINLINE static void write_gdt(void)
{
    const struct table_register gdtr = read_gdtr();

    *(volatile uint64_t *)(uintptr_t)gdtr.base = 0; /* as it is: the null descriptor */
}

/* Before launch a core may write there, and from then on it has a translation that says so ... */
enum status __wrap_virt_cpu_on(struct page *region)
{
    const enum status s = __real_virt_cpu_on(region);

    write_gdt();
    return s;
}

/* ... which must be gone as soon as it has been told of the launch. */
void __wrap_vcpu_loop(struct vcpu *v)
{
    if (text_equal(armour_fault_asked(v), "sealed"))
        write_gdt();
    __real_vcpu_loop(v);
}

/* SPDX-License-Identifier: MIT */
/* armour: what the files of this hook share. Each look calls armour_expect() for every place. */
#pragma once

#include "kernel/virt.h"
#include "lib/policy.h"
#include "lib/x86/desc.h"
#include "tests/unit/pagetable_look.h"

/* `at`: an address, a number, a register's value: what a person would ask for. */
void armour_expect(bool is_so, uint64_t at);

/* Each core that is there, by its tables; `id` is one more than its number. */
bool armour_next_core(uint32_t *id, struct pagetable *pt);
#define FOR_EACH_CORE(id, pt) for (uint32_t id = 0; armour_next_core(&id, &pt);)

/* armour_tables.c: the page tables of all cores. */
void armour_w_xor_x(struct vcpu *v);
void armour_image(struct vcpu *v);
void armour_guard_pages(struct vcpu *v);
void armour_private(struct vcpu *v);
void armour_no_guest_memory(struct vcpu *v);
void armour_unmapped(struct vcpu *v);
void armour_tables(struct vcpu *v);
void armour_zero_entries(struct vcpu *v);

/* All of it can only be read. */
void armour_expect_constant(const struct vcpu *v, const void *what, size_t size);

/* armour_guest.c: what the hardware has been told about guests. */
void armour_own_memory(struct vcpu *v);
bool armour_is_direct(const struct msr_policy *policy, uint32_t msr, bool is_write);

/* What differs between the extensions: armour_vmx.c, armour_svm.c. */
struct armour_backend {
    void (*constants)(struct vcpu *v); /* what is its own and sealed */
    void (*expect_tables)(struct vcpu *v, const struct vcpu *other);
    void (*registers_after_exit)(struct vcpu *v);
    void (*exceptions)(struct vcpu *v);
    void (*controls)(struct vcpu *v);
    void (*owned_bits)(struct vcpu *v);
    void (*bitmaps)(struct vcpu *v);
    void (*dirty)(struct vcpu *v);        /* what a guest leaves behind that is not in the core */
    void (*expect_clean)(struct vcpu *v); /* a life that begins */
    void (*registers)(struct vcpu *v);
    void (*speculation)(struct vcpu *v);
};
extern const struct armour_backend *armour_backend; /* the one in use */

/* At the end of each reset of a vCPU. Looks once. */
void armour_hook(const struct armour_backend *backend, struct vcpu *v,
                 const struct vcpu_state *state);

/* The vCPU is as the kernel has reset it. */
void armour_reset(struct vcpu *v);

/* armour_clean.c: whatever a guest has left behind, the next finds a core as after reset. */
void armour_clean_core(struct vcpu *v);

/* armour_cpu.c: this core's registers. */
void armour_control_registers(struct vcpu *v);
void armour_ist(struct vcpu *v);
void armour_canaries(struct vcpu *v);
void armour_nmi(struct vcpu *v);

/* The bits that have to be on are, and no other that would open something. */
void armour_expect_registers(uint64_t cr0, uint64_t cr4);

/* The interrupt table that is in force while a core waits. */
struct table_register armour_wait_idtr(void);

/* armour_devices.c: what could still reach memory or a core from outside. */
void armour_interrupts(struct vcpu *v);
void armour_bus_masters(struct vcpu *v);

/* armour_fault.c: what a guest's command line asks for; else returns. */
void armour_fault(const char *kind);
const char *armour_fault_asked(const struct vcpu *v);

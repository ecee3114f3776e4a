/* SPDX-License-Identifier: MIT */
/* armour: what the files of this hook share. Each look calls armour_expect() for every place. */
#pragma once

#include "lib/x86/desc.h"
#include "tests/unit/pagetable_look.h"
#include "vmx/vmx.h"

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

/* armour_guest.c: what the hardware has been told about guests. */
void armour_own_memory(struct vcpu *v);
void armour_exceptions(struct vcpu *v);
void armour_controls(struct vcpu *v);
void armour_owned_bits(struct vcpu *v);
void armour_bitmaps(struct vcpu *v);

/* armour_clean.c: whatever a guest has left behind, the next finds a core as after reset. */
void armour_clean_core(struct vcpu *v);

/* armour_cpu.c: this core's registers. */
void armour_control_registers(struct vcpu *v);
void armour_ist(struct vcpu *v);
void armour_canaries(struct vcpu *v);
void armour_registers(struct vcpu *v);
void armour_nmi(struct vcpu *v);
void armour_speculation(struct vcpu *v);

/* The interrupt table that is in force while a core waits. */
struct table_register armour_wait_idtr(void);

/* armour_devices.c: what could still reach memory or a core from outside. */
void armour_interrupts(struct vcpu *v);
void armour_bus_masters(struct vcpu *v);

/* armour_fault.c: what a guest's command line asks for; else returns. */
void armour_fault(const char *kind);
const char *armour_fault_asked(const struct vcpu *v);

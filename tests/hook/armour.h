/* SPDX-License-Identifier: MIT */
/* armour: what the files of this hook share. Each look calls armour_expect() for every place. */
#pragma once

#include "vmx/vmx.h"

/* `at`: an address, a number, a register's value: what a person would ask for. */
void armour_expect(bool is_so, uint64_t at);

/* armour_tables.c: the page tables of all cores. */
void armour_w_xor_x(struct vcpu *v);
void armour_image(struct vcpu *v);
void armour_guard_pages(struct vcpu *v);
void armour_private(struct vcpu *v);
void armour_no_guest_memory(struct vcpu *v);
void armour_unmapped(struct vcpu *v);
void armour_tables(struct vcpu *v);

/* armour_cpu.c: this core's registers. */
void armour_control_registers(struct vcpu *v);
void armour_ist(struct vcpu *v);
void armour_exceptions(struct vcpu *v);
void armour_registers(struct vcpu *v);
void armour_nmi(struct vcpu *v);
void armour_speculation(struct vcpu *v);

/* armour_devices.c: what could still reach memory or a core from outside. */
void armour_interrupts(struct vcpu *v);
void armour_bus_masters(struct vcpu *v);

/* armour_fault.c: what a guest's command line asks for; else returns. */
void armour_fault(struct vcpu *v, const char *kind);

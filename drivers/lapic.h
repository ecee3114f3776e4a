/* SPDX-License-Identifier: MIT */
/*
 * lapic: the local APIC of the core this runs on. x2APIC where there is one; the older MMIO mode
 * is driven only as far as starting and counting cores needs, so that a machine without x2APIC
 * still gets a full list of what it lacks. Guests run on x2APIC machines only.
 * SDM "Advanced Programmable Interrupt Controller (APIC)".
 *
 * In MMIO mode the page at LAPIC_MMIO must be identity-mapped, uncacheable.
 */
#pragma once

#include "lib/types.h"

#define LAPIC_MMIO UINT64_C(0xfee00000) /* one page */

/* An LVT entry that raises nothing. With a vector above 15 even though it is masked: SDM "Error
 * Handling" allows an illegal-vector error regardless of the mask. */
#define LVT_OFF ((1u << 16) | 0xffu)

#define FEATURES_TSC_DEADLINE (1u << 24) /* CPUID.1:ECX: the timer has that mode */

/* Enables the APIC, in x2APIC mode when the CPU has it; masks every LVT entry (but a thermal one of
 * the firmware's, in SMI mode), spurious vector 0xff, clears TPR, timer, pending ESR. Each core,
 * once, interrupts off. Returns whether x2APIC. */
bool lapic_init(void);

/* Back to the state of lapic_init() between two lives of a guest: nothing armed, nothing in
 * service. Pending (IRR) fixed interrupts cannot be cleared by software: the caller drains them
 * by taking them with interrupts on (see kernel/core/cpu.c). */
void lapic_reset(void);

/* This core's thermal LVT entry where the firmware has its SMIs from there, else 0. INIT clears it:
 * the boot core's is for the others, after their lapic_init(). */
uint32_t lapic_thermal(void);
void lapic_set_thermal(uint32_t entry);

/* Whether LINT1, by which the chipset sends its NMIs, raises one here. Closed by lapic_init() and
 * lapic_reset(); while the APIC is software-disabled it stays as it is. */
void lapic_open_nmi(bool open);

bool lapic_is_x2apic(void);
uint32_t lapic_id(void); /* of this core */

/* The two halves of SDM "MP Initialization Protocol Algorithm". Boot core only. INIT: from
 * LAPIC_INIT_US on the core waits for a SIPI, and for nothing else. */
#define LAPIC_INIT_US UINT32_C(10000)
void lapic_init_core(uint32_t apic_id);

/* SIPI, wait, SIPI; `page` < 1 MiB, page-aligned, is where the core begins in real mode. `delay_us`
 * waits that many microseconds. Nothing tells whether a core answered: the caller waits for it. */
void lapic_start_core(uint32_t apic_id, hpa_t page, void (*delay_us)(uint32_t us));

/* What this core stored before is visible to the one that takes the NMI. Not to oneself. */
void lapic_send_nmi(uint32_t apic_id);

/* Writes the two halves of the ICR exactly so (x2APIC layout). `command` was made by vdev/vapic.
 * x2APIC mode only, and no fence: as on bare metal, ordering is the business of the guest that
 * asked. */
void lapic_write_icr(uint32_t apic_id, uint32_t command);

/* Also where nothing is in service: then it has no effect. */
void lapic_eoi(void);

/* Whether an interrupt waits to be taken, and the highest vector of those that do. */
bool lapic_pending(uint8_t *vector);

/* An interrupt of `vector` has been taken and not been ended by an EOI. */
bool lapic_in_service(uint8_t vector);

/* SPDX-License-Identifier: MIT */
/*
 * x2apic: this core's local APIC. The hypervisor hands it over in x2APIC mode, software-disabled;
 * it cannot be put into another mode. SDM "Extended XAPIC (x2APIC)".
 */
#pragma once

#include "lib/types.h"

#define VECTOR_SPURIOUS 0xff

/* ICR, low half */
#define ICR_FIXED      UINT32_C(0x000)
#define ICR_NMI        UINT32_C(0x400)
#define ICR_INIT       UINT32_C(0x500)
#define ICR_STARTUP    UINT32_C(0x600) /* | number of the page */
#define ICR_LOGICAL    UINT32_C(0x800)
#define ICR_ASSERT     UINT32_C(0x4000)
#define ICR_SELF       UINT32_C(0x40000)
#define ICR_ALL        UINT32_C(0x80000)
#define ICR_ALL_OTHERS UINT32_C(0xc0000)

/* LVT */
#define LVT_MASKED   UINT32_C(0x10000)
#define LVT_ONE_SHOT UINT32_C(0x00000)
#define LVT_PERIODIC UINT32_C(0x20000)
#define LVT_DEADLINE UINT32_C(0x40000)

/* Software-enables the APIC of this core; dies if it is not in x2APIC mode. */
void x2apic_enable(void);

uint32_t x2apic_id(void);
void x2apic_eoi(void);
void x2apic_send(uint32_t apic_id, uint32_t command); /* ICR_..., physical destination */
void x2apic_send_self(uint8_t vector);                /* SELF IPI: no exit */

/* The timer has TSC-deadline mode. */
bool x2apic_has_deadline(void);

/* The timer interrupts with `vector` at each deadline written by x2apic_arm(): by itself, or where
 * it has no such mode by a count, which is over in a few seconds at most. */
void x2apic_timer_deadline(uint8_t vector);
void x2apic_arm(uint64_t tsc); /* 0 disarms; no exit */

/* Counts `count` down at the APIC timer's input rate, once or again and again. 0 stops. */
void x2apic_timer_count(uint8_t vector, bool periodic, uint32_t count);
void x2apic_timer_off(void);

uint64_t x2apic_timer_khz(void); /* its input rate, before the divider, which stays at 1 */

/* SPDX-License-Identifier: MIT */
/*
 * bring_up: the machine's cores, one after the other. Boot core only, on our own page tables.
 */
#pragma once

#include "kernel/start/start.h"

/* Starts all cores that ACPI lists; fills machine.apic_ids. False: no memory even for this one. */
MUST_CHECK bool bring_up_cores(struct start_state *start);

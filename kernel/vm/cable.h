/* SPDX-License-Identifier: MIT */
/*
 * cable: a null-modem cable between two guests' second UARTs. What one writes the other can read;
 * what is written while the other guest does not run is lost, as on a real cable.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "mm/pages.h"

/* Joins the two guests, which have no cable yet. Boot core. E_NOMEM */
MUST_CHECK enum status cable_build(struct vm *a, struct vm *b, struct pages *pages);

/* A life of the guest begins: nothing of the one before is left, in either direction. On its lead
 * core, before it runs and after vpci_reset(). Does nothing without a cable. */
void cable_enter(struct vm *vm);

/* An access of a byte to the UART of a guest that has a cable; `reg` is below VUART_PORTS. A core
 * of the guest. */
uint8_t cable_in(struct cable *c, uint32_t reg);
void cable_out(struct cable *c, uint32_t reg, uint8_t value);

/* The guest has changed where its UART's message goes. */
void cable_reroute(struct cable *c);

/* Now and then: on the core that moves the console. */
void cable_tick(struct vm *vm);

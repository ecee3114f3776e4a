/* SPDX-License-Identifier: MIT */
/*
 * vmsi: message-signalled interrupts of virtual functions. What a guest has written as the address
 * and data of a message is never sent as it is: it is read as the wish for a vector on a core, and
 * what is none of the guest's cores, or no interrupt that a device may send, is no wish at all.
 * Pure. PCI Local Bus Specification "MSI Capability Structure"; SDM "Message Signalled Interrupts".
 */
#pragma once

#include "lib/types.h"
#include "vdev/vapic.h"

/* Fixed, edge, physical, to one core: the data is a vector alone. */
struct vmsi_target {
    uint32_t vcpu;  /* its number in the guest */
    uint32_t value; /* for the low half of the interrupt command register */
};

/*
 * Proved of vdev/vmsi.c (docs/proofs.md): a message reaches cores of its own guest only, fixed,
 * edge-triggered, by a vector that is no exception's.
 */
/*@ requires \valid_read(peers) && \valid(target) && \separated(peers, target) &&
  @   peers->count <= VAPIC_PEERS_MAX;
  @ assigns *target;
  @ ensures own: \result ==> target->vcpu < peers->count;
  @ ensures fixed: \result ==> 0x4020 <= target->value <= 0x40ff;
  @ ensures none: !\result ==> *target == \old(*target);
  @*/
MUST_CHECK bool vmsi_route(uint32_t address, uint32_t data, const struct vapic_peers *peers,
                           struct vmsi_target *target);

/* The address of a message to the core with this x2APIC id, below VMSI_IDS. */
#define VMSI_IDS 0x8000u
uint32_t vmsi_address(uint32_t apic_id);

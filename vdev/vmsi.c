/* SPDX-License-Identifier: MIT */
#include "vdev/vmsi.h"

/* Address: 0xFEE in bits 31 to 20, then the destination's low 8 bits; bits 11 to 5 are its next 7
 * (KVM's feature bit "extended destination id"). Redirection hint and logical mode are not for
 * one core. */
#define ADDRESS_BASE     0xfeeu
#define ADDRESS_REDIRECT 0x8u
#define ADDRESS_LOGICAL  0x4u
#define ADDRESS_REMAPPED 0x10u   /* for an IOMMU, and the guest has none */
#define DATA_MODES       0xff00u /* delivery mode, level, trigger: all zero is fixed and edge */
#define VECTOR_FIRST     0x20u
#define ICR_FIXED        0x4000u /* assert: as vdev/vapic.c sends */

/*@ assigns \nothing; */
static uint32_t destination(uint32_t address)
{
    return (address >> 12 & 0xff) | (address >> 5 & 0x7f) << 8;
}

bool vmsi_route(uint32_t address, uint32_t data, const struct vapic_peers *peers,
                struct vmsi_target *target)
{
    const uint8_t vector = (uint8_t)data;
    const uint32_t id = destination(address);

    if (address >> 20 != ADDRESS_BASE ||
        (address & (ADDRESS_REDIRECT | ADDRESS_LOGICAL | ADDRESS_REMAPPED)) != 0 ||
        (data & DATA_MODES) != 0 || vector < VECTOR_FIRST)
        return false;
    /*@ loop invariant 0 <= i <= peers->count && *target == \at(*target, Pre);
      @ loop assigns i;
      @ loop variant peers->count - i;
      @*/
    for (uint32_t i = 0; i < peers->count; i++) {
        if (peers->apic_ids[i] != id)
            continue;
        target->vcpu = i;
        target->value = ICR_FIXED + vector;
        return true;
    }
    return false;
}

uint32_t vmsi_address(uint32_t apic_id)
{
    return ADDRESS_BASE << 20 | (apic_id & 0xff) << 12 | (apic_id >> 8 & 0x7f) << 5;
}

/* SPDX-License-Identifier: MIT */
#include "vdev/vlink.h"

#define BAR_PORTS        1u
#define BAR_PREFETCHABLE 8u
#define BAR_WINDOW       2
#define BAR_REGISTERS    4

void vlink_init(struct vlink *l, uint32_t index, uint64_t at, uint64_t size)
{
    const uint32_t port = VLINK_PORT + index * VLINK_PORTS;

    l->identity = (struct vpci_identity){
        .vendor = 0x1af4,
        .device = 0x1110,
        .class_code = 0x050000,
        .revision = 1,
        .subsystem_vendor = 0x1af4,
        .subsystem = 0x424b, /* "BK" */
        .has_msi = true,
        .bars[BAR_REGISTERS] = {.value = port | BAR_PORTS, .size = VLINK_PORTS},
    };
    if (size > 0)
        l->identity.bars[BAR_WINDOW] =
            (struct vpci_bar){.value = (uint32_t)at | BAR_PREFETCHABLE, .size = (uint32_t)size};
    atomic_init(&l->control, 0);
}

void vlink_reset(struct vlink *l)
{
    atomic_store_explicit(&l->control, 0, memory_order_relaxed);
}

uint32_t vlink_in(const struct vlink *l, uint16_t port)
{
    switch ((enum vlink_register)(port % VLINK_PORTS)) {
    case VLINK_SIDE:
        return l->side;
    case VLINK_ALIVE:
        return atomic_load_explicit(l->alive, memory_order_relaxed);
    case VLINK_CONTROL:
        return atomic_load_explicit(&l->control, memory_order_relaxed) |
               (l->read_only ? VLINK_READ_ONLY : 0);
    case VLINK_DOORBELL:
        break;
    }
    return 0;
}

void vlink_set_peers(struct vlink *l, bool wants)
{
    atomic_store_explicit(&l->control, wants ? VLINK_PEERS : 0, memory_order_relaxed);
}

bool vlink_out(struct vlink *l, uint16_t port, uint32_t value, uint32_t *side)
{
    switch ((enum vlink_register)(port % VLINK_PORTS)) {
    case VLINK_DOORBELL:
        *side = value >> 16;
        return *side < l->side_count && (value & 0xffff) == 0;
    case VLINK_CONTROL:
        vlink_set_peers(l, (value & VLINK_PEERS) != 0);
        return false;
    case VLINK_SIDE:
    case VLINK_ALIVE:
        break;
    }
    return false;
}

bool vlink_wants_peers(const struct vlink *l)
{
    return (atomic_load_explicit(&l->control, memory_order_relaxed) & VLINK_PEERS) != 0;
}

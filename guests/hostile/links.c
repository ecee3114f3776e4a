/* SPDX-License-Identifier: MIT */
/*
 * links: a link to a neighbour that wants nothing of it, used as nobody should. Only where the
 * guest has one: side 0 of two, with a window that it may write.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define PORT        0xc000
#define PORT_END    0xc040
#define SIDE        PORT
#define ALIVE       (PORT + 4)
#define DOORBELL    (PORT + 8)
#define CONTROL     (PORT + 12)
#define ONES        0xffffffffu
#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define FUNCTION    0x80001000u /* 00:02.0 */
#define BAR_2       0x18u
#define BAR_4       0x20u
#define MSI         0x40u
#define MSI_ADDRESS 0x44u
#define MSI_ON      0x10000u
#define VECTOR      0x71
#define STORM       20000u
#define SETTLE_NS   (200 * NS_PER_US)
#define PATIENCE    25000 /* 5 s */

static volatile uint32_t taken;

static void links_taken(struct trap_frame *frame)
{
    (void)frame;
    taken++;
    x2apic_eoi();
}

static void links_listen(void)
{
    irq_enable();
    spin_for(SETTLE_NS);
    irq_disable();
}

static void links_expect(const char *id)
{
    for (uint32_t i = 0; i < PATIENCE && taken == 0; i++)
        links_listen();
    check(id, taken >= 1, "no interrupt");
    taken = 0;
}

static void links_expect_none(const char *id)
{
    links_listen();
    check(id, taken == 0, "%u interrupts", taken);
    taken = 0;
}

static uint32_t links_config(uint32_t reg)
{
    out32(PCI_ADDRESS, FUNCTION | reg);
    return in32(PCI_DATA);
}

static void links_configure(uint32_t reg, uint32_t value)
{
    out32(PCI_ADDRESS, FUNCTION | reg);
    out32(PCI_DATA, value);
}

static void links_registers(const struct bulkhead_link *link)
{
    uint32_t open = 0;

    row("IO-19");
    check_equal("link-side", in32(SIDE), link->side);
    check("link-alive", in32(ALIVE) & 1u << link->side, "0x%x", in32(ALIVE));
    check_equal("link-doorbell-reads", in32(DOORBELL), 0);
    for (uint32_t port = PORT; port < PORT_END; port++) {
        open += in8((uint16_t)port) != 0xff;
        open += in16((uint16_t)port) != 0xffff;
        open += port % 4 != 0 && in32((uint16_t)port) != ONES;
        open += port >= PORT + 16 && in32((uint16_t)port) != ONES; /* of links that it has not */
        out8((uint16_t)port, 0xff);
        out16((uint16_t)port, 0xffff);
        if (port != DOORBELL && port != CONTROL)
            out32((uint16_t)port, ONES);
    }
    check("link-sizes", open == 0, "%u accesses are answered", open);
    check_equal("link-side-stays", in32(SIDE), link->side);
    check_equal("link-control-closed", in32(CONTROL), 0);
    out32(CONTROL, ONES);
    check_equal("link-control", in32(CONTROL), 1);
    out32(CONTROL, 0);

    const uint32_t bar_2 = links_config(BAR_2), bar_4 = links_config(BAR_4);
    check_equal("link-bar", bar_2 & ~15u, link->window);
    links_configure(BAR_2, 0xd0000000);
    links_configure(BAR_4, 0x3f8);
    check_equal("link-bar-stays", links_config(BAR_2), bar_2);
    check_equal("link-ports-stay", links_config(BAR_4), bar_4);
    check_equal("link-registers-stay", in32(SIDE), link->side);
}

static void links_window(const struct bulkhead_link *link)
{
    volatile uint64_t *window = (volatile uint64_t *)link->window;
    const uint64_t words = link->size / sizeof(*window);
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < words; i++)
        wrong += window[i] != 0;
    check("link-window-clear", wrong == 0, "%lu words are not 0", wrong);
    for (uint64_t i = 0; i < words; i++)
        window[i] = ~i;
    for (uint64_t i = 0; i < words; i++)
        wrong += window[i] != ~i;
    check("link-window-kept", wrong == 0, "%lu words differ", wrong);
}

static void links_doorbells(const struct bulkhead_link *link)
{
    const uint32_t self = x2apic_id(), peer = 1 - link->side;

    row("IN-18");
    irq_handle(VECTOR, links_taken);
    out32(DOORBELL, link->side << 16);
    links_expect_none("bell-before-vector");
    check_equal("bell-vector", (uint64_t)bulkhead_link_vector(0, VECTOR, 0), BULKHEAD_OK);
    out32(DOORBELL, link->side << 16);
    links_expect("bell-own");
    (void)bulkhead_link_ring(0, link->side);
    links_expect("bell-own-call");

    /* Sides that are none, vectors but 0, the neighbour: none of it comes back here. */
    for (uint32_t side = link->side_count; side < 0x10000; side += 1 + side / 16)
        out32(DOORBELL, side << 16);
    for (uint32_t bit = 0; bit < 16; bit++)
        out32(DOORBELL, link->side << 16 | 1u << bit);
    for (uint64_t side = link->side_count; side != 0; side *= 2)
        (void)bulkhead_call2(BULKHEAD_CALL_LINK_RING, 0, side);
    (void)bulkhead_link_ring(1, link->side);
    out32(DOORBELL, peer << 16);
    links_expect_none("bell-others");

    /* The message as a driver programs it: all cores but its own, and vectors of exceptions. */
    for (uint32_t id = 0; id < 512; id++) {
        links_configure(MSI_ADDRESS, 0xfee00000 | (id & 0xff) << 12 | (id >> 8 & 0x7f) << 5);
        if (id != self)
            out32(DOORBELL, link->side << 16);
    }
    links_configure(MSI_ADDRESS, 0xfee00000 | (self & 0xff) << 12);
    for (uint32_t vector = 0; vector < 32; vector++) {
        links_configure(MSI_ADDRESS + 4, vector);
        out32(DOORBELL, link->side << 16);
    }
    links_expect_none("bell-messages");
    links_configure(MSI, 0);
    check_equal("bell-again", (uint64_t)bulkhead_link_vector(0, VECTOR, 0), BULKHEAD_OK);
    for (uint32_t i = 0; i < STORM; i++) {
        out32(DOORBELL, peer << 16);
        out32(DOORBELL, link->side << 16);
    }
    links_expect("bell-storm");
    for (uint32_t vector = 1; vector < 32; vector++)
        if (bulkhead_link_vector(0, vector, 0) != BULKHEAD_ERROR_ARGUMENT)
            check("bell-low-vector", false, "%u is taken", vector);
    check_equal("bell-far-core", (uint64_t)bulkhead_link_vector(0, VECTOR, 1),
                (uint64_t)BULKHEAD_ERROR_ARGUMENT);
    check_equal("bell-off", (uint64_t)bulkhead_link_vector(0, 0, 0), BULKHEAD_OK);
    (void)bulkhead_link_ring(0, link->side);
    links_expect_none("bell-silent");
}

#define SERIAL     0x2f8
#define SERIAL_LSR 0x2fd

/* The cable, if there is one: every register of the second UART, and more than fits. */
static void links_cable(void)
{
    if (in8(SERIAL_LSR) == 0xff)
        return;
    row("IO-20");
    for (uint32_t reg = 0; reg < 8; reg++)
        for (uint32_t value = 0; value < 256; value++) {
            out8((uint16_t)(SERIAL + reg), (uint8_t)value);
            (void)in8((uint16_t)(SERIAL + reg));
        }
    for (uint32_t reg = 1; reg < 5; reg++)
        out8((uint16_t)(SERIAL + reg), 0);
    check_equal("cable-wide", in32(SERIAL), ONES);
    for (uint32_t i = 0; i < 100000; i++)
        out8(SERIAL, (uint8_t)i);
    check("cable-lsr", in8(SERIAL_LSR) != 0xff, "no UART");
}

void hostile_links(void)
{
    struct bulkhead_link link;

    if (!bulkhead_link_info(0, &link))
        return;
    links_registers(&link);
    links_window(&link);
    links_doorbells(&link);
    links_cable();
}

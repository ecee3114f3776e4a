/* SPDX-License-Identifier: MIT */
/*
 * pci: the guest's own PCI bus, used as no driver would, and its UART's message, which is to reach
 * this core and nobody outside of this guest.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/idt.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define ADDRESS 0xcf8
#define DATA    0xcfc
#define BRIDGE  0u
#define UART    1u
#define SLOTS   32u

#define REG_ID          0x00u
#define REG_COMMAND     0x04u
#define REG_BAR         0x10u
#define REG_MSI         0x40u
#define REG_MSI_ADDRESS 0x44u
#define REG_MSI_DATA    0x48u
#define ID_BRIDGE       0x00081b36u
#define ID_UART         0x99009710u
#define COMMAND_ALL     0x407u
#define MSI_ON          0x10000u

#define UART_IER    0x3f9
#define UART_IIR    0x3fa
#define UART_MCR    0x3fc
#define IER_EMPTY   2
#define MCR_LOOP    0x10 /* then the transmitter is always empty: the line rises at once */
#define MESSAGE_TO  0xfee00000u
#define VECTOR_UART 0x61
#define VECTOR_NONE                                                               \
    0x62 /* of what is not to come: the other may come again, as nobody reads IIR \
          */
#define SETTLE_NS (200 * NS_PER_US)
#define PATIENCE  25000 /* 5 s */
#define FLOOD     1000u

static volatile uint32_t taken, strays;

static void pci_taken(struct trap_frame *frame)
{
    (void)frame;
    taken++;
    x2apic_eoi();
}

static void pci_stray(struct trap_frame *frame)
{
    (void)frame;
    strays++;
    x2apic_eoi();
}

static void pci_latch(uint32_t slot, uint32_t reg)
{
    out32(ADDRESS, 0x80000000 | slot << 11 | (reg & 0xfc));
}

static uint32_t pci_get(uint32_t slot, uint32_t reg)
{
    pci_latch(slot, reg);
    return in32(DATA);
}

static void pci_set(uint32_t slot, uint32_t reg, uint32_t value)
{
    pci_latch(slot, reg);
    out32(DATA, value);
}

static void pci_latches(void)
{
    uint32_t wrong = 0;

    row("IO-18");
    pci_latch(UART, REG_ID);
    out8(ADDRESS, 0x55);
    out8(ADDRESS + 2, 0x55);
    out8(ADDRESS + 3, 0x55);
    out16(ADDRESS, 0x5555);
    check_equal("pci-latch-parts", in32(ADDRESS), 0x80000800);
    check_equal("pci-uart", in32(DATA), ID_UART);
    check_equal("pci-straddle", in32(DATA - 2), 0xffffffff);
    check_equal("pci-behind", in32(DATA + 2), 0xffffffff);

    /* Other buses and functions, AMD's registers above 0xff, a latch that is off. */
    for (uint32_t bit = 8; bit < 32; bit++) {
        if (bit >= 11 && bit <= 15)
            continue;
        out32(ADDRESS, 0x80000800 ^ 1u << bit);
        wrong += in32(DATA) != 0xffffffff;
        out32(DATA, 0);
    }
    check("pci-odd-latch", wrong == 0, "%u latches lead somewhere", wrong);
    for (uint32_t slot = 2; slot < SLOTS; slot++)
        wrong += pci_get(slot, REG_ID) != 0xffffffff;
    check("pci-empty", wrong == 0, "%u slots answer", wrong);
}

/* Every byte of every slot, by every size; then all is as it was but for what is the guest's. */
static void pci_writes(void)
{
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
        for (uint32_t reg = 0; reg < 256; reg++) {
            pci_latch(slot, reg);
            out8((uint16_t)(DATA + (reg & 3)), 0xff);
            out8((uint16_t)(DATA + (reg & 3)), 0);
            if ((reg & 1) == 0)
                out16((uint16_t)(DATA + (reg & 2)), 0xa5a5);
            if ((reg & 3) == 0)
                out32(DATA, 0x5a5a5a5a);
        }
    }
    check_equal("pci-bridge-stays", pci_get(BRIDGE, REG_ID), ID_BRIDGE);
    check_equal("pci-uart-stays", pci_get(UART, REG_ID), ID_UART);
    check_equal("pci-bar-stays", pci_get(UART, REG_BAR), 0x3f9);
    pci_set(UART, REG_BAR, 0xffffffff);
    check_equal("pci-bar-size", pci_get(UART, REG_BAR), 0xfffffff9);
    pci_set(UART, REG_BAR, 0x2f9);
    check_equal("pci-bar-move", pci_get(UART, REG_BAR), 0x3f9);
    check_equal("pci-bar-nobody", in8(0x2fd), 0xff);
    pci_set(UART, REG_MSI, 0);
    pci_set(UART, REG_COMMAND, COMMAND_ALL);
}

/* Where a message goes is chosen, then the line rises. Off meanwhile: what core 0 is about to send
 * again has no mixture of two. */
static void pci_rise(uint32_t address, uint32_t data)
{
    out8(UART_IER, 0);
    pci_set(UART, REG_MSI, 0);
    pci_set(UART, REG_MSI_ADDRESS, address);
    pci_set(UART, REG_MSI_DATA, data);
    pci_set(UART, REG_MSI, MSI_ON);
    out8(UART_IER, IER_EMPTY);
}

static void pci_listen(void)
{
    irq_enable();
    spin_for(SETTLE_NS);
    irq_disable();
}

/* One comes, if it takes long. */
static void pci_expect(const char *id, volatile uint32_t *count)
{
    for (uint32_t i = 0; i < PATIENCE && *count == 0; i++)
        pci_listen();
    check(id, *count >= 1, "no interrupt");
    *count = 0;
}

static void pci_expect_none(const char *id)
{
    pci_listen();
    check(id, strays == 0, "%u interrupts", strays);
}

static void pci_messages(void)
{
    const uint32_t self = x2apic_id();
    const uint32_t own = MESSAGE_TO | (self & 0xff) << 12 | (self >> 8 & 0x7f) << 5;

    row("IN-17");
    irq_handle(VECTOR_UART, pci_taken);
    irq_handle(VECTOR_NONE, pci_stray);
    out8(UART_MCR, MCR_LOOP);
    pci_rise(own, VECTOR_UART);
    pci_expect("message-own", &taken);

    /* Every core that is not its own, by its number; illegal vectors, modes, other addresses. */
    for (uint32_t id = 0; id < 512; id++)
        if (id != self)
            pci_rise(MESSAGE_TO | (id & 0xff) << 12 | (id >> 8 & 0x7f) << 5, VECTOR_NONE);
    for (uint32_t vector = 0; vector < 32; vector++)
        pci_rise(own, vector);
    for (uint32_t bit = 8; bit < 16; bit++) /* NMI, SMI, INIT, ExtINT, level */
        pci_rise(own, VECTOR_NONE | 1u << bit);
    pci_rise(own | 8, VECTOR_NONE);
    pci_rise(own | 4, VECTOR_NONE);
    for (uint32_t bit = 20; bit < 32; bit++)
        pci_rise(own ^ 1u << bit, VECTOR_NONE);
    pci_expect_none("message-others");

    pci_set(UART, REG_COMMAND, 3);
    pci_rise(own, VECTOR_NONE);
    pci_expect_none("message-no-master");
    pci_set(UART, REG_COMMAND, COMMAND_ALL);
    pci_expect("message-late-master", &strays);

    /* Its own vector, as often as it likes: an exit for each, and its own time. Half of them move
     * the address while messages are on. */
    for (uint32_t i = 0; i < FLOOD; i++) {
        pci_set(UART, REG_MSI_ADDRESS, i % 2 ? own : MESSAGE_TO);
        pci_rise(own, VECTOR_UART);
    }
    pci_expect("message-flood", &taken);
    out8(UART_IER, 0);
    out8(UART_MCR, 0);
    (void)in8(UART_IIR);
    pci_set(UART, REG_MSI, 0);
    pci_listen();
}

void hostile_pci(void)
{
    pci_latches();
    pci_writes();
    pci_messages();
}

/* SPDX-License-Identifier: MIT */
/*
 * devices: a device of the machine's, QEMU's `edu`, whose configuration space is used as no driver
 * would, and whose message is sent everywhere. Only where the guest has one.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/pci.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"

#define SLOT        8u
#define ID          0x11e81234u
#define IDENTITY    0x010000edu
#define RAISE       (0x60 / 4)
#define DONE        (0x64 / 4)
#define VECTOR      0x71
#define SETTLE_NS   (300 * NS_PER_US)
#define PATIENCE    10000 /* 3 s */
#define WORDS       64u
#define REG_COMMAND 0x04u
#define REG_LINE    0x3cu
#define REG_BAR     0x10u
#define REG_BARS    0x28u

static volatile uint32_t taken, last;
static volatile uint32_t *edu;

static void devices_taken(struct trap_frame *frame)
{
    taken++;
    last = (uint32_t)frame->vector;
    x2apic_eoi();
}

/* Raises the device's interrupt and looks whether it comes. */
static bool devices_hears(bool wanted)
{
    taken = 0;
    edu[RAISE] = 1;
    for (uint32_t i = 0; i < (wanted ? PATIENCE : 1) && taken == 0; i++) {
        irq_enable();
        spin_for(SETTLE_NS);
        irq_disable();
    }
    edu[DONE] = UINT32_MAX;
    return taken != 0;
}

static void devices_where(void)
{
    uint32_t wrong = 0;

    row("DM-08");
    check_equal("device-id", pci_get(SLOT, PCI_ID), ID);
    for (uint32_t slot = SLOT + 1; slot < PCI_SLOTS; slot++)
        wrong += pci_get(slot, PCI_ID) != PCI_NOBODY;
    for (uint32_t function = 1; function < 8; function++)
        wrong += pci_get(SLOT, function << 8) != PCI_NOBODY;
    for (uint32_t bus = 1; bus < 256; bus++)
        wrong += pci_get(bus << 5 | SLOT, PCI_ID) != PCI_NOBODY;
    for (uint32_t high = 1; high < 16; high++)
        wrong += pci_get(high << 13 | SLOT, PCI_ID) != PCI_NOBODY;
    check("device-alone", wrong == 0, "%u places answer", wrong);
}

/* What a driver may change and finds again. */
static uint32_t devices_kept(uint32_t reg, uint32_t msi)
{
    if (reg == REG_COMMAND)
        return 0x0407;
    if (reg == 0x0c || reg == REG_LINE)
        return 0xff;
    if (reg == msi)
        return PCI_MSI_ENABLE;
    if (reg == msi + 4)
        return 0xfffffffc;
    if (reg == msi + 8)
        return UINT32_MAX;
    return reg == msi + 12 ? 0xffff : 0;
}

/* All of it written, by doublewords, words and bytes. */
static void devices_sweep(void)
{
    static const uint32_t values[] = {UINT32_MAX, 0, 0x5a5a5a5a, 0xa5a5a5a5, 0x80000001};
    const uint32_t msi = pci_capability(SLOT, PCI_CAP_MSI);
    uint32_t before[WORDS], wrong = 0;

    for (uint32_t i = 0; i < WORDS; i++)
        before[i] = pci_get(SLOT, 4 * i);
    for (uint32_t i = 0; i < WORDS; i++)
        for (uint32_t v = 0; v < ARRAY_SIZE(values); v++) {
            const uint32_t kept = devices_kept(4 * i, msi);
            pci_set(SLOT, 4 * i, values[v]);
            for (uint32_t part = 0; part < 4; part++)
                out8((uint16_t)(PCI_DATA + part), (uint8_t)values[v]);
            out16(PCI_DATA, (uint16_t)values[v]);
            out16(PCI_DATA + 2, (uint16_t)values[v]);
            const uint32_t now = pci_get(SLOT, 4 * i);
            if (4 * i < REG_BAR || 4 * i >= REG_BARS || v > 0)
                wrong += ((now ^ before[i]) & ~kept) != 0;
            wrong += pci_get(SLOT, PCI_ID) != ID || edu[0] != IDENTITY;
        }
    check("device-sweep", wrong == 0, "%u writes had an effect", wrong);
    check_equal("device-bar", pci_get(SLOT, REG_BAR), before[REG_BAR / 4]);
    pci_set(SLOT, REG_COMMAND, 0);
    check_equal("device-decodes", edu[0], IDENTITY);
}

static void devices_send_to(uint32_t msi, uint32_t address, uint32_t high, uint32_t data)
{
    pci_set(SLOT, msi, 0);
    pci_set(SLOT, msi + 4, address);
    pci_set(SLOT, msi + 8, high);
    pci_set(SLOT, msi + 12, data);
    pci_set(SLOT, msi, PCI_MSI_ENABLE);
}

static void devices_messages(void)
{
    const uint32_t msi = pci_capability(SLOT, PCI_CAP_MSI);
    const uint32_t own = 0xfee00000 | x2apic_id() << 12;
    uint32_t heard = 0, wrong = 0;

    row("DM-09");
    for (uint32_t vector = 32; vector < 256; vector++)
        irq_handle((uint8_t)vector, devices_taken);
    check("device-msi", pci_start(SLOT, VECTOR, x2apic_id()), "there is none");
    check("device-hears", devices_hears(true) && last == VECTOR, "vector 0x%x", last);
    for (uint32_t vector = 0; vector < 256; vector += 13) {
        devices_send_to(msi, own, 0, vector);
        if (vector < 32)
            wrong += devices_hears(false);
        else
            heard += devices_hears(true) && last == vector;
    }
    check("device-vectors", heard == 17 && wrong == 0, "%u of 17 came, %u exceptions", heard,
          wrong);
    for (uint32_t id = 0; id < 256; id += 3)
        if (id != x2apic_id()) {
            devices_send_to(msi, 0xfee00000 | id << 12, 0, VECTOR);
            wrong += devices_hears(false);
        }
    check("device-others", wrong == 0, "%u messages to others came here", wrong);
    for (uint32_t bit = 0; bit < 32; bit++) {
        if (bit < 2 || (bit >= 12 && bit < 20))
            continue;
        devices_send_to(msi, own ^ 1u << bit, 0, VECTOR);
        wrong += devices_hears(false);
        devices_send_to(msi, own, 1u << bit, VECTOR);
        wrong += devices_hears(false);
    }
    for (uint32_t bit = 8; bit < 16; bit++) { /* NMI, SMI, INIT, ExtINT, level */
        devices_send_to(msi, own, 0, VECTOR | 1u << bit);
        wrong += devices_hears(false);
    }
    check("device-messages", wrong == 0, "%u messages came that are none", wrong);
    pci_set(SLOT, REG_COMMAND, 0);
    devices_send_to(msi, own, 0, VECTOR);
    check("device-no-master", !devices_hears(false), "it came");
    pci_set(SLOT, REG_COMMAND, PCI_MASTER);
    check("device-master", devices_hears(true), "it did not come");
}

/* Interrupts as fast as they go, while their message changes. */
static void devices_storm(void)
{
    const uint32_t msi = pci_capability(SLOT, PCI_CAP_MSI);

    irq_enable();
    for (uint32_t i = 0; i < 3000; i++) {
        edu[RAISE] = 1;
        pci_set(SLOT, msi + 12, 0x40 + i % 64);
        edu[DONE] = UINT32_MAX;
    }
    irq_disable();
    devices_send_to(msi, 0xfee00000 | x2apic_id() << 12, 0, VECTOR);
    check("device-storm", devices_hears(true), "it is deaf");
}

void hostile_devices(void)
{
    check("device-there", pci_find(ID) == SLOT, "it is in slot %u", pci_find(ID));
    edu = pci_registers(SLOT, 0);
    x2apic_enable();
    devices_where();
    devices_sweep();
    devices_messages();
    devices_storm();
}

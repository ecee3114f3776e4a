/* SPDX-License-Identifier: MIT */
/*
 * tables_device: an NVMe controller of the guest's, whose interrupt is raised by a command on its
 * admin queue, while its MSI-X table says what no driver would write. NVM Express Base
 * Specification "Controller Initialization", "Completion Queue Entry: Phase Tag".
 */
#include "guests/hostile/hostile.h"
#include "guests/hostile/tables.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/pci.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"

#define REG_CC     (0x14 / 4)
#define REG_CSTS   (0x1c / 4)
#define REG_AQA    (0x24 / 4)
#define REG_ASQ    (0x28 / 4)
#define REG_ACQ    (0x30 / 4)
#define REG_SQ0    (0x1000 / 4)
#define REG_CQ0    (0x1004 / 4)
#define CC_ON      UINT32_C(0x00460001) /* entries of 64 and 16 bytes */
#define CSTS_READY 1
#define PHASE      (UINT32_C(1) << 16)
#define FEATURES   0x0a /* Get Features */
#define QUEUES     7    /* "Number of Queues" */
#define QUEUE      64   /* entries */

#define ENTRIES      16 /* that a guest sees */
#define MSIX_ENABLE  (UINT32_C(1) << 31)
#define MSIX_MASK    (UINT32_C(1) << 30)
#define MASKED       1
#define ADDRESS      UINT32_C(0xfee00000)
#define VECTOR       0x71
#define SETTLE_NS    (300 * NS_PER_US)
#define PATIENCE     10000 /* 3 s */
#define STORM        3000
#define STORM_RINGS  16 /* one of so many writes */
#define TAKES_NS     (20 * NS_PER_SECOND)
#define FIRST_VECTOR 32
#define VECTOR_STEP  7
#define HEARD        32 /* vectors from 32 on by that step */

struct command {
    uint32_t words[16];
};

struct completion {
    uint32_t words[4];
};

static ALIGNED(4096) struct command commands[QUEUE];
static ALIGNED(4096) volatile struct completion completions[QUEUE];
static volatile uint32_t *nvme, *entries;
static uint32_t slot, msix, tail, head, phase;
static volatile uint32_t taken, last;

static void device_taken(struct trap_frame *frame)
{
    taken++;
    last = (uint32_t)frame->vector;
    x2apic_eoi();
}

/* ---------------------------------------------------------------- the controller */

static bool nvme_becomes(uint32_t ready)
{
    const uint64_t start = tsc_now();

    while ((nvme[REG_CSTS] & CSTS_READY) != ready)
        if (tsc_to_ns(tsc_now() - start) > TAKES_NS)
            return false;
    return true;
}

static bool nvme_start(void)
{
    nvme[REG_CC] = 0;
    if (!nvme_becomes(0))
        return false;
    nvme[REG_AQA] = (QUEUE - 1) << 16 | (QUEUE - 1);
    nvme[REG_ASQ] = (uint32_t)(uint64_t)commands;
    nvme[REG_ASQ + 1] = 0;
    nvme[REG_ACQ] = (uint32_t)(uint64_t)completions;
    nvme[REG_ACQ + 1] = 0;
    phase = PHASE;
    nvme[REG_CC] = CC_ON;
    return nvme_becomes(CSTS_READY);
}

/* A command, and its end: the interrupt was sent, or waits in the device. */
static void nvme_ring(void)
{
    const uint64_t start = tsc_now();

    commands[tail] = (struct command){.words = {FEATURES | tail << 16, [10] = QUEUES}};
    tail = (tail + 1) % QUEUE;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    nvme[REG_SQ0] = tail;
    while ((completions[head].words[3] & PHASE) != phase)
        if (tsc_to_ns(tsc_now() - start) > TAKES_NS)
            fatal(1, "the controller does not answer");
    head = (head + 1) % QUEUE;
    phase ^= head == 0 ? PHASE : 0;
    nvme[REG_CQ0] = head;
}

/* ---------------------------------------------------------------- its message */

static void device_wait(bool wanted)
{
    for (uint32_t i = 0; i < (wanted ? PATIENCE : 1) && taken == 0; i++) {
        irq_enable();
        spin_for(SETTLE_NS);
        irq_disable();
    }
}

static bool device_hears(bool wanted)
{
    taken = 0;
    nvme_ring();
    device_wait(wanted);
    return taken != 0;
}

static void device_put(uint32_t entry, uint32_t address, uint32_t high, uint32_t data)
{
    volatile uint32_t *e = entries + (size_t)entry * 4;

    e[3] = MASKED;
    e[0] = address;
    e[1] = high;
    e[2] = data;
    e[3] = 0;
}

static uint32_t device_own(void)
{
    return ADDRESS | x2apic_id() << 12;
}

static void device_vectors(void)
{
    uint32_t heard = 0, wrong = 0;

    for (uint32_t vector = 0; vector < FIRST_VECTOR; vector++) {
        device_put(0, device_own(), 0, vector);
        wrong += device_hears(false);
    }
    check("msix-exceptions", wrong == 0, "%u came", wrong);
    for (uint32_t vector = FIRST_VECTOR; vector < 256; vector += VECTOR_STEP) {
        device_put(0, device_own(), 0, vector);
        heard += device_hears(true) && last == vector;
    }
    check_equal("msix-vectors", heard, HEARD);
}

static void device_messages(void)
{
    uint32_t wrong = 0;

    for (uint32_t id = 0; id < 256; id += 3)
        if (id != x2apic_id()) {
            device_put(0, ADDRESS | id << 12, 0, VECTOR);
            wrong += device_hears(false);
        }
    check("msix-others", wrong == 0, "%u messages to others came here", wrong);
    for (uint32_t bit = 0; bit < 32; bit++) {
        if (bit < 2 || (bit >= 12 && bit < 20))
            continue;
        device_put(0, device_own() ^ UINT32_C(1) << bit, 0, VECTOR);
        wrong += device_hears(false);
        device_put(0, device_own(), UINT32_C(1) << bit, VECTOR);
        wrong += device_hears(false);
    }
    for (uint32_t bit = 8; bit < 16; bit++) { /* NMI, SMI, INIT, ExtINT, level */
        device_put(0, device_own(), 0, VECTOR | UINT32_C(1) << bit);
        wrong += device_hears(false);
    }
    check("msix-messages", wrong == 0, "%u messages came that are none", wrong);
}

/* One that is sent meanwhile waits. */
static void device_masks(void)
{
    device_put(0, device_own(), 0, VECTOR);
    (void)device_hears(true);
    entries[3] = MASKED;
    const bool masked = !device_hears(false);
    taken = 0;
    entries[3] = 0;
    device_wait(true);
    check("msix-masked", masked && taken == 1, "%u came", taken);
    pci_set(slot, msix, MSIX_ENABLE | MSIX_MASK);
    const bool all_masked = !device_hears(false);
    taken = 0;
    pci_set(slot, msix, MSIX_ENABLE);
    device_wait(true);
    check("msix-function-masked", all_masked && taken == 1, "%u came", taken);
}

/* Masks and messages of all entries change as fast as they can, while it interrupts. */
static void device_storm(void)
{
    irq_enable();
    for (uint32_t i = 0; i < STORM; i++) {
        volatile uint32_t *e = entries + (size_t)(i * 5 % ENTRIES) * 4;
        e[3] = i & MASKED;
        e[2] = VECTOR + i % 64;
        e[0] = i % 7 == 0 ? i * UINT32_C(0x9e3779b9) : device_own();
        if (i % STORM_RINGS == 0)
            nvme_ring();
    }
    for (uint32_t i = 0; i < ENTRIES; i++)
        device_put(i, device_own(), 0, VECTOR);
    spin_for(SETTLE_NS);
    irq_disable();
    check("msix-storm", device_hears(true) && last == VECTOR, "vector 0x%x", last);
}

static uint32_t device_slot(void)
{
    uint32_t at = 0;

    while (at < PCI_SLOTS && (pci_get(at, PCI_ID) == PCI_NOBODY || pci_table(at) == 0))
        at++;
    return at;
}

void tables_device(void)
{
    row("DM-15");
    slot = device_slot();
    msix = pci_capability(slot, PCI_CAP_MSIX);
    nvme = (volatile uint32_t *)pci_bar(slot, 0);
    entries = tables_page() + pci_table(slot) % PAGE_SIZE / 4;
    for (uint32_t vector = FIRST_VECTOR; vector < 256; vector++)
        irq_handle((uint8_t)vector, device_taken);
    pci_set(slot, msix, MSIX_ENABLE);
    pci_set(slot, PCI_COMMAND, PCI_MASTER);
    device_put(0, device_own(), 0, VECTOR);
    const bool runs = nvme_start();
    check("msix-device", runs, "the controller does not start");
    if (!runs)
        return;
    check("msix-hears", device_hears(true) && last == VECTOR, "vector 0x%x", last);
    device_vectors();
    device_messages();
    device_masks();
    device_storm();
    nvme[REG_CC] = 0;
    pci_set(slot, msix, 0);
    timing_init(); /* takes back the vector of its sleep */
}

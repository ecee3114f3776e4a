/* SPDX-License-Identifier: MIT */
#include "drivers/iommu/amdvi.h"

#include "drivers/iommu/regs.h"
#include "lib/bits.h"
#include "lib/time.h"

enum amdvi_register {
    AMDVI_DEVICE_TABLE = 0x00, /* rw  64 bits, as all */
    AMDVI_COMMAND_BASE = 0x08,
    AMDVI_EVENT_BASE = 0x10,
    AMDVI_CONTROL = 0x18,
    AMDVI_EXCLUSION = 0x20,
    AMDVI_EXCLUSION_END = 0x28,
    AMDVI_FEATURES = 0x30, /* r- */
    AMDVI_COMMAND_HEAD = 0x2000,
    AMDVI_COMMAND_TAIL = 0x2008,
    AMDVI_EVENT_HEAD = 0x2010,
    AMDVI_EVENT_TAIL = 0x2018,
    AMDVI_STATUS = 0x2020, /* writing 1 clears */
};

#define AMDVI_HAS_X2APIC     BIT64(2)
#define AMDVI_HAS_FORGET_ALL BIT64(6)
#define AMDVI_HAS_WIDE       BIT64(7) /* interrupt entries of 128 bits */

#define AMDVI_ON            BIT64(0)
#define AMDVI_HT_TUNNEL     BIT64(1)
#define AMDVI_EVENTS        BIT64(2)
#define AMDVI_TIME_OUT_1S   (UINT64_C(4) << 5)
#define AMDVI_PASS_POSTED   BIT64(8)
#define AMDVI_RESPONSE      BIT64(9)
#define AMDVI_COHERENT      BIT64(10)
#define AMDVI_ISOCHRONOUS   BIT64(11)
#define AMDVI_COMMANDS      BIT64(12)
#define AMDVI_WIDE          BIT64(17)
#define AMDVI_X2APIC        BIT64(50)
#define AMDVI_LINK_TUNNEL   BIT32(0) /* of an IVHD's flags */
#define AMDVI_LINK_POSTED   BIT32(1)
#define AMDVI_LINK_RESPONSE BIT32(2)
#define AMDVI_LINK_ISO      BIT32(3)

#define AMDVI_EVENTS_LOST BIT64(0)
#define AMDVI_EVENTS_RUN  BIT64(3)
#define AMDVI_RING        (UINT64_C(8) << 56) /* 2^8 entries */
#define AMDVI_RING_BYTES  4096
/* An emulator can lose a write to a register while another core changes the machine's memory map.
 * The same value a second time tells a unit that has it nothing. */
#define AMDVI_ATTEMPTS   4
#define AMDVI_ENTRY      16
#define AMDVI_TABLE_SIZE UINT64_C(0x1ff) /* 2 MiB, in pages, less one */

/* Commands, by the four upper bits. */
#define AMDVI_DO_WAIT       (UINT64_C(1) << 60)
#define AMDVI_DO_WAIT_STORE BIT64(0)
#define AMDVI_DO_DEVICE     (UINT64_C(2) << 60)
#define AMDVI_DO_PAGES      (UINT64_C(3) << 60)
#define AMDVI_DO_PAGES_ALL  UINT64_C(0x7ffffffffffff003)
#define AMDVI_DO_INTERRUPTS (UINT64_C(5) << 60)
#define AMDVI_DO_ALL        (UINT64_C(8) << 60)

/* A device's entry, four words. */
#define AMDVI_DTE_VALID    (BIT64(0) | BIT64(1)) /* V and TV */
#define AMDVI_DTE_LEVELS   (UINT64_C(4) << 9)
#define AMDVI_DTE_ACCESS   (BIT64(61) | BIT64(62)) /* reads and writes */
#define AMDVI_DTE_SILENT   BIT64(34)               /* of the second word */
#define AMDVI_DTE_IRQS     BIT64(0)                /* of the third: IV */
#define AMDVI_DTE_IRQ_256  (UINT64_C(8) << 1)
#define AMDVI_DTE_REMAPPED (UINT64_C(2) << 60) /* IntCtl; 0: aborted */

enum amdvi_event { AMDVI_EVENT_ILLEGAL_ENTRY = 1, AMDVI_EVENT_FAULT = 2, AMDVI_EVENT_REQUEST = 8 };
#define AMDVI_EVENT_INTERRUPT BIT64(51)
#define AMDVI_EVENT_WRITE     BIT64(53)

const char *amdvi_probe(struct amdvi *unit, hpa_t regs, uint8_t flags, uint64_t limit)
{
    *unit = (struct amdvi){.regs = regs.v, .limit = limit, .links = flags};
    unit->features = regs_read64(unit->regs, AMDVI_FEATURES);
    if (unit->features == UINT64_MAX)
        return "its registers do not answer";
    if (!(unit->features & AMDVI_HAS_FORGET_ALL))
        return "it cannot be told to forget everything at once";
    if (bits_get(unit->features, 11, 10) > 2)
        return "it has no tables of four levels";
    return NULL;
}

bool amdvi_remaps(const struct amdvi *unit)
{
    return (unit->features & AMDVI_HAS_WIDE) != 0;
}

bool amdvi_x2apic(const struct amdvi *unit)
{
    return amdvi_remaps(unit) && (unit->features & AMDVI_HAS_X2APIC);
}

/* ------------------------------------------------------------------ commands */

static void amdvi_put(struct amdvi *unit, uint64_t low, uint64_t high)
{
    volatile uint64_t *c = unit->commands + unit->tail / sizeof(*unit->commands);

    c[0] = low;
    c[1] = high;
    unit->tail = (unit->tail + AMDVI_ENTRY) % AMDVI_RING_BYTES;
}

/* What was put is done. No more than a few commands are ever put before, so that the ring is not
 * full. */
static bool amdvi_flush(struct amdvi *unit)
{
    if (unit->stuck)
        return false;
    unit->ticket++;
    amdvi_put(unit, AMDVI_DO_WAIT | AMDVI_DO_WAIT_STORE | (uint64_t)(uintptr_t)unit->done,
              unit->ticket);
    mfence_lfence();
    for (uint32_t i = 0; i < AMDVI_ATTEMPTS && *unit->done != unit->ticket; i++) {
        const uint64_t start = regs_now();
        regs_write64(unit->regs, AMDVI_COMMAND_TAIL, unit->tail);
        while (*unit->done != unit->ticket &&
               ticks_since(regs_now(), start) < unit->limit / AMDVI_ATTEMPTS)
            regs_pause();
    }
    unit->stuck = *unit->done != unit->ticket; /* it may be us who were held up */
    return !unit->stuck;
}

bool amdvi_forget_device(struct amdvi *unit, uint16_t id, uint32_t domain)
{
    amdvi_put(unit, AMDVI_DO_DEVICE | id, 0);
    amdvi_put(unit, AMDVI_DO_PAGES | (uint64_t)domain << 32, AMDVI_DO_PAGES_ALL);
    amdvi_put(unit, AMDVI_DO_INTERRUPTS | id, 0);
    return amdvi_flush(unit);
}

bool amdvi_forget_interrupts(struct amdvi *unit, uint16_t id)
{
    amdvi_put(unit, AMDVI_DO_INTERRUPTS | id, 0);
    return amdvi_flush(unit);
}

/* ------------------------------------------------------------------ switching on */

void amdvi_block_all(uint64_t *devices, hpa_t empty)
{
    for (uint32_t id = 0; id < AMDVI_DEVICES; id++) {
        uint64_t *entry = devices + (size_t)id * AMDVI_DEVICE_WORDS;
        entry[0] = AMDVI_DTE_VALID | AMDVI_DTE_LEVELS | empty.v;
        entry[1] = 0;
        entry[2] = AMDVI_DTE_IRQS;
        entry[3] = 0;
    }
    regs_flush(devices, (uint64_t)AMDVI_DEVICES * AMDVI_DEVICE_WORDS * sizeof(*devices));
}

/* All but what switches something on. */
static uint64_t amdvi_control(const struct amdvi *unit)
{
    return AMDVI_COHERENT | AMDVI_TIME_OUT_1S |
           (unit->links & AMDVI_LINK_TUNNEL ? AMDVI_HT_TUNNEL : 0) |
           (unit->links & AMDVI_LINK_POSTED ? AMDVI_PASS_POSTED : 0) |
           (unit->links & AMDVI_LINK_RESPONSE ? AMDVI_RESPONSE : 0) |
           (unit->links & AMDVI_LINK_ISO ? AMDVI_ISOCHRONOUS : 0) |
           (amdvi_remaps(unit) ? AMDVI_WIDE : 0) | (amdvi_x2apic(unit) ? AMDVI_X2APIC : 0);
}

static void amdvi_set_places(struct amdvi *unit, const uint64_t *devices)
{
    regs_write64(unit->regs, AMDVI_DEVICE_TABLE, (uint64_t)(uintptr_t)devices | AMDVI_TABLE_SIZE);
    regs_write64(unit->regs, AMDVI_COMMAND_BASE, (uint64_t)(uintptr_t)unit->commands | AMDVI_RING);
    regs_write64(unit->regs, AMDVI_EVENT_BASE, (uint64_t)(uintptr_t)unit->events | AMDVI_RING);
    regs_write64(unit->regs, AMDVI_EXCLUSION, 0);
    regs_write64(unit->regs, AMDVI_EXCLUSION_END, 0);
    regs_write64(unit->regs, AMDVI_COMMAND_HEAD, 0);
    regs_write64(unit->regs, AMDVI_COMMAND_TAIL, 0);
    regs_write64(unit->regs, AMDVI_EVENT_HEAD, 0);
    regs_write64(unit->regs, AMDVI_EVENT_TAIL, 0);
}

/* Off, then on by our tables: nothing that the firmware had in force is left in between. */
const char *amdvi_start(struct amdvi *unit, const uint64_t *devices, void *pages)
{
    const uint64_t control = amdvi_control(unit);

    unit->commands = pages;
    unit->events = unit->commands + PAGE_SIZE / sizeof(*unit->commands);
    unit->done = unit->events + PAGE_SIZE / sizeof(*unit->events);
    regs_write64(unit->regs, AMDVI_CONTROL, 0);
    amdvi_set_places(unit, devices);
    regs_write64(unit->regs, AMDVI_CONTROL, control | AMDVI_EVENTS | AMDVI_COMMANDS);
    regs_write64(unit->regs, AMDVI_CONTROL, control | AMDVI_EVENTS | AMDVI_COMMANDS | AMDVI_ON);
    if (!(regs_read64(unit->regs, AMDVI_CONTROL) & AMDVI_ON))
        return "it does not go on";
    amdvi_put(unit, AMDVI_DO_ALL, 0);
    return amdvi_flush(unit) ? NULL : "it does not carry out commands";
}

/* ------------------------------------------------------------------ entries */

/* A unit may look at any time, and reads an entry's words one after the other. */
static void amdvi_store(uint64_t *word, uint64_t value)
{
    *(volatile uint64_t *)word = value;
    regs_flush(word, sizeof(*word));
}

/* The first word lets through what the others have prepared. */
void amdvi_open(uint64_t *entry, const struct amdvi_grant *grant)
{
    amdvi_store(&entry[1], grant->domain);
    amdvi_store(&entry[2], grant->table == NULL
                               ? AMDVI_DTE_IRQS
                               : (uint64_t)(uintptr_t)grant->table | AMDVI_DTE_REMAPPED |
                                     AMDVI_DTE_IRQ_256 | AMDVI_DTE_IRQS);
    amdvi_store(&entry[0], AMDVI_DTE_ACCESS | AMDVI_DTE_VALID | AMDVI_DTE_LEVELS | grant->root.v);
}

void amdvi_close(uint64_t *entry, const struct amdvi_grant *grant)
{
    amdvi_store(&entry[0], AMDVI_DTE_VALID | AMDVI_DTE_LEVELS | grant->empty.v);
    amdvi_store(&entry[2], AMDVI_DTE_IRQS);
    amdvi_store(&entry[1], grant->domain | AMDVI_DTE_SILENT);
}

void amdvi_put_interrupt(uint64_t *pair, uint32_t apic_id, uint8_t vector)
{
    if (vector == 0)
        regs_put_pair(pair, 0, 0);
    else
        regs_put_pair(pair, (uint64_t)(apic_id & 0xffffff) << 8 | BIT64(0),
                      (uint64_t)(apic_id >> 24) << 56 | vector);
}

void amdvi_message(uint32_t index, uint32_t *address, uint32_t *data)
{
    *address = 0xfee00000;
    *data = index;
}

/* ------------------------------------------------------------------ events */

static struct iommu_fault amdvi_fault(uint64_t low, uint64_t high)
{
    const uint32_t code = (uint32_t)(low >> 60);
    const bool requests = code == AMDVI_EVENT_ILLEGAL_ENTRY || code == AMDVI_EVENT_FAULT ||
                          code == AMDVI_EVENT_REQUEST;

    return (struct iommu_fault){
        .kind = !requests                     ? IOMMU_FAULT_UNIT
                : low & AMDVI_EVENT_INTERRUPT ? IOMMU_FAULT_INTERRUPT
                : low & AMDVI_EVENT_WRITE     ? IOMMU_FAULT_WRITE
                                              : IOMMU_FAULT_READ,
        .id = (uint16_t)low,
        .address = low & AMDVI_EVENT_INTERRUPT ? 0 : high,
        .reason = code,
    };
}

/* A log that ran over stands still until it is switched off and on. */
static void amdvi_restart_events(const struct amdvi *unit)
{
    const uint64_t control = regs_read64(unit->regs, AMDVI_CONTROL);
    const uint64_t start = regs_now();

    regs_write64(unit->regs, AMDVI_CONTROL, control & ~AMDVI_EVENTS);
    while (regs_read64(unit->regs, AMDVI_STATUS) & AMDVI_EVENTS_RUN &&
           ticks_since(regs_now(), start) < unit->limit)
        regs_pause();
    regs_write64(unit->regs, AMDVI_STATUS, AMDVI_EVENTS_LOST);
    regs_write64(unit->regs, AMDVI_EVENT_HEAD, 0);
    regs_write64(unit->regs, AMDVI_EVENT_TAIL, 0);
    regs_write64(unit->regs, AMDVI_CONTROL, control | AMDVI_EVENTS);
}

uint32_t amdvi_faults(struct amdvi *unit, struct iommu_fault *faults, uint32_t room)
{
    const uint64_t tail = regs_read64(unit->regs, AMDVI_EVENT_TAIL) % AMDVI_RING_BYTES;
    uint64_t head = regs_read64(unit->regs, AMDVI_EVENT_HEAD) % AMDVI_RING_BYTES;
    uint32_t found = 0;

    while (head / AMDVI_ENTRY != tail / AMDVI_ENTRY && found < room) {
        volatile uint64_t *e = unit->events + head / sizeof(*unit->events);
        faults[found++] = amdvi_fault(e[0], e[1]);
        e[0] = 0;
        head = (head + AMDVI_ENTRY) % AMDVI_RING_BYTES;
    }
    if (found > 0)
        regs_write64(unit->regs, AMDVI_EVENT_HEAD, head);
    if (found < room && regs_read64(unit->regs, AMDVI_STATUS) & AMDVI_EVENTS_LOST)
        amdvi_restart_events(unit);
    return found;
}

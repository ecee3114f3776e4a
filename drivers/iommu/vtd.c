/* SPDX-License-Identifier: MIT */
#include "drivers/iommu/vtd.h"

#include "drivers/iommu/regs.h"
#include "lib/bits.h"
#include "lib/time.h"

enum vtd_register {
    VTD_VERSION = 0x00,       /* r-  32 bits */
    VTD_CAPABILITY = 0x08,    /* r-  64 */
    VTD_EXTENDED = 0x10,      /* r-  64 */
    VTD_COMMAND = 0x18,       /* -w  32 */
    VTD_STATUS = 0x1c,        /* r-  32 */
    VTD_ROOT = 0x20,          /* rw  64 */
    VTD_FAULT_STATUS = 0x34,  /* rw  32; writing 1 clears */
    VTD_FAULT_CONTROL = 0x38, /* rw  32 */
    VTD_PROTECTED = 0x64,     /* rw  32 */
    VTD_QUEUE_TAIL = 0x88,    /* rw  64 */
    VTD_QUEUE = 0x90,         /* rw  64 */
    VTD_EVENT_CONTROL = 0xa0, /* rw  32; of the queue's own interrupt */
    VTD_INTERRUPT_TABLE = 0xb8,
};

#define VTD_CAP_DOMAINS    MASK64(2, 0)
#define VTD_CAP_WRITE_BUF  BIT64(4)
#define VTD_CAP_PROTECTED  MASK64(6, 5)
#define VTD_CAP_48_BITS    BIT64(10) /* tables of four levels */
#define VTD_CAP_2M         BIT64(34)
#define VTD_CAP_DRAIN_R    BIT64(55)
#define VTD_CAP_DRAIN_W    BIT64(54)
#define VTD_ECAP_QUEUE     BIT64(1)
#define VTD_ECAP_INTERRUPT BIT64(3)
#define VTD_ECAP_X2APIC    BIT64(4)

/* Of the command and the status register. */
#define VTD_TRANSLATE     BIT32(31)
#define VTD_SET_ROOT      BIT32(30) /* one-shot */
#define VTD_SET_FAULT_LOG BIT32(29) /* one-shot */
#define VTD_WRITE_BUFFER  BIT32(27) /* one-shot */
#define VTD_QUEUED        BIT32(26)
#define VTD_INTERRUPTS_ON BIT32(25)
#define VTD_SET_TABLE     BIT32(24) /* one-shot */
#define VTD_COMPATIBLE    BIT32(23)
/* What a write of the command register has to repeat. */
#define VTD_LASTING (~(VTD_SET_ROOT | VTD_SET_FAULT_LOG | VTD_WRITE_BUFFER | VTD_SET_TABLE))

#define VTD_MASKED         BIT32(31)      /* of _FAULT_CONTROL, _EVENT_CONTROL */
#define VTD_ROOT_MODE      MASK64(11, 10) /* not 0: tables of scalable mode */
#define VTD_PROTECTED_ON   BIT32(31)
#define VTD_PROTECTED_NOW  BIT32(0)
#define VTD_TABLE_X2APIC   BIT64(11)
#define VTD_TABLE_1024     UINT64_C(9) /* 2^(9 + 1) entries */
#define VTD_PRESENT        BIT64(0)
#define VTD_SILENT         BIT64(1) /* FPD: of context and interrupt entries */
#define VTD_FOUR_LEVELS    UINT64_C(2)
#define VTD_VERIFY_ALL     BIT64(18) /* an interrupt's id is compared, all of it */
#define VTD_FAULTS_LOST    BIT32(0)
#define VTD_FAULTS_PENDING BIT32(1)
#define VTD_QUEUE_ERRORS   (BIT32(4) | BIT32(5) | BIT32(6))

/* Descriptors. */
#define VTD_QUEUE_ENTRIES 256
/* An emulator can lose a write to a register while another core changes the machine's memory map.
 * The same value a second time tells a unit that has it nothing. */
#define VTD_ATTEMPTS        4
#define VTD_DO_CONTEXTS     UINT64_C(0x11) /* all */
#define VTD_DO_CONTEXT      UINT64_C(0x31) /* one id's */
#define VTD_DO_TLB          UINT64_C(0x12) /* all */
#define VTD_DO_TLB_DOMAIN   UINT64_C(0x22)
#define VTD_DO_TLB_DRAIN_W  BIT64(6)
#define VTD_DO_TLB_DRAIN_R  BIT64(7)
#define VTD_DO_INTERRUPTS   UINT64_C(0x04) /* all */
#define VTD_DO_INTERRUPT    UINT64_C(0x14)
#define VTD_DO_WAIT         UINT64_C(0x25) /* and write */
#define VTD_FAULT_ROUNDS    64             /* of 8: all that a unit can have kept */
#define VTD_FAULT_SIZE      16
#define VTD_FAULT_HIGH      8
#define VTD_FAULT_CLEAR     12 /* the word whose bit 31 is F */
#define VTD_FAULT_FIRST_IRQ 0x20

const char *vtd_probe(struct vtd *unit, hpa_t regs, uint64_t limit)
{
    *unit = (struct vtd){.regs = regs.v, .limit = limit};
    unit->capability = regs_read64(unit->regs, VTD_CAPABILITY);
    unit->extended = regs_read64(unit->regs, VTD_EXTENDED);
    if (regs_read32(unit->regs, VTD_VERSION) == UINT32_MAX || unit->capability == UINT64_MAX ||
        unit->capability == 0)
        return "its registers do not answer";
    if (!(unit->extended & VTD_ECAP_QUEUE))
        return "it has no invalidation queue";
    if (!(unit->capability & VTD_CAP_48_BITS))
        return "it has no tables of four levels";
    return NULL;
}

bool vtd_remaps(const struct vtd *unit)
{
    return (unit->extended & VTD_ECAP_INTERRUPT) && (unit->extended & VTD_ECAP_X2APIC);
}

uint32_t vtd_domains(const struct vtd *unit)
{
    return BIT32(4 + 2 * (uint32_t)min_u64(unit->capability & VTD_CAP_DOMAINS, 6));
}

uint32_t vtd_bits(const struct vtd *unit)
{
    return (uint32_t)bits_get(unit->capability, 21, 16) + 1;
}

bool vtd_has_large(const struct vtd *unit)
{
    return (unit->capability & VTD_CAP_2M) != 0;
}

/* ------------------------------------------------------------------ commands */

static bool vtd_wait(const struct vtd *unit, uint32_t at, uint32_t bit, uint32_t want)
{
    const uint64_t start = regs_now();

    do {
        if ((regs_read32(unit->regs, at) & bit) == want)
            return true;
        regs_pause();
    } while (ticks_since(regs_now(), start) < unit->limit);
    return (regs_read32(unit->regs, at) & bit) == want;
}

/* Changes one bit and leaves the others as they are. */
static bool vtd_command(const struct vtd *unit, uint32_t bit, bool on)
{
    const uint32_t now = regs_read32(unit->regs, VTD_STATUS) & VTD_LASTING;

    regs_write32(unit->regs, VTD_COMMAND, on ? now | bit : now & ~bit);
    return vtd_wait(unit, VTD_STATUS, bit, on && bit != VTD_WRITE_BUFFER ? bit : 0);
}

static void vtd_put(struct vtd *unit, uint64_t low, uint64_t high)
{
    volatile uint64_t *d = unit->queue + VTD_PAIR * unit->next;

    d[0] = low;
    d[1] = high;
    unit->next = (unit->next + 1) % VTD_QUEUE_ENTRIES;
}

/* What was put is done, and what the unit had under way before has arrived. No more than a few
 * descriptors are ever put before, so that the queue is not full. */
static bool vtd_flush(struct vtd *unit)
{
    if (unit->stuck)
        return false;
    unit->ticket++;
    vtd_put(unit, VTD_DO_WAIT | (uint64_t)unit->ticket << 32, (uint64_t)(uintptr_t)unit->done);
    mfence_lfence();
    for (uint32_t i = 0; i < VTD_ATTEMPTS && *unit->done != unit->ticket; i++) {
        const uint64_t start = regs_now();
        regs_write64(unit->regs, VTD_QUEUE_TAIL, (uint64_t)unit->next << 4);
        while (*unit->done != unit->ticket &&
               ticks_since(regs_now(), start) < unit->limit / VTD_ATTEMPTS)
            regs_pause();
    }
    unit->stuck = *unit->done != unit->ticket; /* it may be us who were held up */
    return !unit->stuck;
}

static uint64_t vtd_drain(const struct vtd *unit)
{
    return (unit->capability & VTD_CAP_DRAIN_W ? VTD_DO_TLB_DRAIN_W : 0) |
           (unit->capability & VTD_CAP_DRAIN_R ? VTD_DO_TLB_DRAIN_R : 0);
}

bool vtd_forget_device(struct vtd *unit, uint16_t id, uint32_t domain)
{
    if (unit->capability & VTD_CAP_WRITE_BUF && !vtd_command(unit, VTD_WRITE_BUFFER, true))
        unit->stuck = true;
    vtd_put(unit, VTD_DO_CONTEXT | (uint64_t)id << 32 | (uint64_t)domain << 16, 0);
    vtd_put(unit, VTD_DO_TLB_DOMAIN | vtd_drain(unit) | (uint64_t)domain << 16, 0);
    return vtd_flush(unit);
}

bool vtd_forget_interrupt(struct vtd *unit, uint32_t index)
{
    vtd_put(unit, VTD_DO_INTERRUPT | (uint64_t)index << 32, 0);
    return vtd_flush(unit);
}

/* ------------------------------------------------------------------ switching on */

/* An error of the queue stops it, and a fault that is not taken hides later ones. */
static void vtd_drop_faults(struct vtd *unit)
{
    struct iommu_fault faults[8];

    regs_write32(unit->regs, VTD_FAULT_CONTROL, VTD_MASKED);
    regs_write32(unit->regs, VTD_EVENT_CONTROL, VTD_MASKED);
    for (uint32_t i = 0; i < VTD_FAULT_ROUNDS && vtd_faults(unit, faults, ARRAY_SIZE(faults)); i++)
        ;
}

/* The queue can be given a new place only while it is off, and that only while interrupts are not
 * remapped. Translation stays as it is until it has our tables, but where the old ones are of a
 * mode that cannot be left otherwise. */
static const char *vtd_take_over(struct vtd *unit)
{
    const uint32_t now = regs_read32(unit->regs, VTD_STATUS);

    if (now & VTD_TRANSLATE && regs_read64(unit->regs, VTD_ROOT) & VTD_ROOT_MODE &&
        !vtd_command(unit, VTD_TRANSLATE, false))
        return "DMA remapping does not go off";
    if (now & VTD_INTERRUPTS_ON && !vtd_command(unit, VTD_INTERRUPTS_ON, false))
        return "interrupt remapping does not go off";
    if (now & VTD_QUEUED && !vtd_command(unit, VTD_QUEUED, false))
        return "its queue does not go off";
    if (unit->capability & VTD_CAP_WRITE_BUF && !vtd_command(unit, VTD_WRITE_BUFFER, true))
        return "its write buffer does not empty";
    vtd_drop_faults(unit);
    return NULL;
}

static const char *vtd_start_queue(struct vtd *unit, void *queue)
{
    unit->queue = queue;
    unit->done = (uint32_t *)(uintptr_t)((uint64_t)(uintptr_t)queue + PAGE_SIZE);
    regs_write64(unit->regs, VTD_QUEUE_TAIL, 0);
    regs_write64(unit->regs, VTD_QUEUE, (uint64_t)(uintptr_t)queue);
    return vtd_command(unit, VTD_QUEUED, true) ? NULL : "its queue does not go on";
}

/* DMA: from here on by our tables, also where the firmware had some of its own in force. */
static const char *vtd_start_dma(struct vtd *unit, const uint64_t *root)
{
    regs_write64(unit->regs, VTD_ROOT, (uint64_t)(uintptr_t)root);
    if (!vtd_command(unit, VTD_SET_ROOT, true))
        return "it does not take its tables";
    vtd_put(unit, VTD_DO_CONTEXTS, 0);
    vtd_put(unit, VTD_DO_TLB | vtd_drain(unit), 0);
    if (!vtd_flush(unit))
        return "it does not carry out commands";
    return vtd_command(unit, VTD_TRANSLATE, true) ? NULL : "DMA remapping does not go on";
}

/* Messages of the old format are blocked, which no entry stands for: EIME and CFI. */
static const char *vtd_start_interrupts(struct vtd *unit, const uint64_t *table)
{
    regs_write64(unit->regs, VTD_INTERRUPT_TABLE,
                 (uint64_t)(uintptr_t)table | VTD_TABLE_X2APIC | VTD_TABLE_1024);
    if (!vtd_command(unit, VTD_SET_TABLE, true))
        return "it does not take its table of interrupts";
    vtd_put(unit, VTD_DO_INTERRUPTS, 0);
    if (!vtd_flush(unit))
        return "it does not carry out commands";
    if (!vtd_command(unit, VTD_COMPATIBLE, false))
        return "it goes on taking interrupts of the old format";
    return vtd_command(unit, VTD_INTERRUPTS_ON, true) ? NULL : "interrupt remapping does not go on";
}

/* What the firmware protected by other means, the tables protect now. */
static const char *vtd_open_memory(const struct vtd *unit)
{
    if (!(unit->capability & VTD_CAP_PROTECTED) ||
        !(regs_read32(unit->regs, VTD_PROTECTED) & (VTD_PROTECTED_ON | VTD_PROTECTED_NOW)))
        return NULL;
    regs_write32(unit->regs, VTD_PROTECTED, 0);
    return vtd_wait(unit, VTD_PROTECTED, VTD_PROTECTED_NOW, 0)
               ? NULL
               : "its protected memory does not open";
}

const char *vtd_start(struct vtd *unit, const struct vtd_tables *tables, void *queue)
{
    const char *why = vtd_take_over(unit);

    if (why == NULL)
        why = vtd_start_queue(unit, queue);
    if (why == NULL)
        why = vtd_start_dma(unit, tables->root);
    if (why == NULL && tables->interrupts != NULL)
        why = vtd_start_interrupts(unit, tables->interrupts);
    return why == NULL ? vtd_open_memory(unit) : why;
}

/* ------------------------------------------------------------------ entries */

/* A unit may look at any time: what is written last makes the rest count. */
static void vtd_store(uint64_t *word, uint64_t value)
{
    *(volatile uint64_t *)word = value;
}

void vtd_put_bus(uint64_t *pair, const uint64_t *contexts)
{
    vtd_store(&pair[0], (uint64_t)(uintptr_t)contexts | VTD_PRESENT);
    regs_flush(pair, VTD_PAIR * sizeof(*pair));
}

void vtd_prepare(uint64_t *pair, hpa_t root, uint32_t domain)
{
    vtd_store(&pair[0], root.v);
    vtd_store(&pair[1], (uint64_t)domain << 8 | VTD_FOUR_LEVELS);
    regs_flush(pair, VTD_PAIR * sizeof(*pair));
}

void vtd_open(uint64_t *pair)
{
    vtd_store(&pair[0], (pair[0] & ~VTD_SILENT) | VTD_PRESENT);
    regs_flush(pair, VTD_PAIR * sizeof(*pair));
}

void vtd_close(uint64_t *pair)
{
    vtd_store(&pair[0], (pair[0] & ~VTD_PRESENT) | VTD_SILENT);
    regs_flush(pair, VTD_PAIR * sizeof(*pair));
}

void vtd_put_interrupt(uint64_t *pair, uint16_t id, uint32_t apic_id, uint8_t vector)
{
    if (vector == 0) {
        vtd_store(&pair[0], 0);
    } else {
        vtd_store(&pair[1], id | VTD_VERIFY_ALL);
        vtd_store(&pair[0], (uint64_t)apic_id << 32 | (uint64_t)vector << 16 | VTD_PRESENT);
    }
    regs_flush(pair, VTD_PAIR * sizeof(*pair));
}

/* SHV is set, so that data 0 is a number that is added to the handle. */
void vtd_message(uint32_t index, uint32_t *address, uint32_t *data)
{
    *address = 0xfee00000 | (index & 0x7fff) << 5 | BIT32(4) | BIT32(3) | (index >> 15 & 1) << 2;
    *data = 0;
}

/* ------------------------------------------------------------------ faults */

static struct iommu_fault vtd_fault(uint64_t low, uint64_t high)
{
    const uint32_t reason = (uint32_t)bits_get(high, 39, 32);
    const bool interrupt = reason >= VTD_FAULT_FIRST_IRQ && reason < VTD_FAULT_FIRST_IRQ + 0x10;

    return (struct iommu_fault){
        .kind = interrupt          ? IOMMU_FAULT_INTERRUPT
                : high & BIT64(62) ? IOMMU_FAULT_READ
                                   : IOMMU_FAULT_WRITE,
        .id = (uint16_t)high,
        .address = interrupt ? 0 : low & ~(PAGE_SIZE - 1),
        .reason = reason,
    };
}

/* Where the records are: in the page of registers that is mapped, or not looked at. */
static uint32_t vtd_records(const struct vtd *unit, uint32_t *count)
{
    const uint32_t at = (uint32_t)bits_get(unit->capability, 33, 24) * VTD_FAULT_SIZE;
    const uint32_t all = (uint32_t)bits_get(unit->capability, 47, 40) + 1;

    *count = at < PAGE_SIZE ? (uint32_t)min_u64(all, (PAGE_SIZE - at) / VTD_FAULT_SIZE) : 0;
    return at;
}

uint32_t vtd_faults(struct vtd *unit, struct iommu_fault *faults, uint32_t room)
{
    const uint32_t status = regs_read32(unit->regs, VTD_FAULT_STATUS);
    uint32_t count, found = 0;
    const uint32_t at = vtd_records(unit, &count);

    if (status & VTD_QUEUE_ERRORS && room > 0)
        faults[found++] =
            (struct iommu_fault){.kind = IOMMU_FAULT_UNIT, .reason = status & VTD_QUEUE_ERRORS};
    for (uint32_t i = 0; i < count && found < room && status & VTD_FAULTS_PENDING; i++) {
        const uint32_t record = at + i * VTD_FAULT_SIZE;
        const uint64_t high = regs_read64(unit->regs, record + VTD_FAULT_HIGH);
        if (!(high & BIT64(63)))
            continue;
        faults[found++] = vtd_fault(regs_read64(unit->regs, record), high);
        regs_write32(unit->regs, record + VTD_FAULT_CLEAR, BIT32(31));
    }
    if (status & (VTD_FAULTS_LOST | VTD_QUEUE_ERRORS))
        regs_write32(unit->regs, VTD_FAULT_STATUS, status & (VTD_FAULTS_LOST | VTD_QUEUE_ERRORS));
    return found;
}

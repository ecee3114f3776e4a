/* SPDX-License-Identifier: MIT */
/*
 * dma: a test build's hook (make HOOK=dma). Behind the IOMMU that was just switched on it has
 * QEMU's `edu` device, which reads, writes and interrupts on command, do what nobody may, then
 * gives it to a guest that owns two pages, and has it do what that guest may and may not. A line
 * for each; then the machine goes on without the device. QEMU "EDU device".
 */
#include "drivers/iommu/iommu_find.h"
#include "drivers/iommu/iommu_words.h"
#include "drivers/lapic.h"
#include "kernel/start/dma_block.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/time.h"
#include "lib/x86/insn.h"
#include "mm/host.h"

#define EDU_ID       0x11e81234
#define EDU_RAISE    0x60
#define EDU_ACK      0x64
#define EDU_FROM     0x80
#define EDU_TO       0x88
#define EDU_COUNT    0x90
#define EDU_COMMAND  0x98
#define EDU_GO       1
#define EDU_OUT      2       /* from its buffer to memory */
#define EDU_BUFFER   0x40000 /* where it sees that */
#define EDU_BAR_SIZE MIB
#define MSI_ENABLE   BIT32(16)
#define MSI_WIDE     BIT32(23)

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

#define VECTOR  0x91
#define GUEST   0
#define SECOND  2 /* seconds that a command may take: 0.1 of the machine's own */
#define PATTERN UINT64_C(0x5aa5c33c0ff01234)
#define EMPTY   UINT64_C(0xeeeeeeeeeeeeeeee) /* never in its buffer */

void __real_dma_block(struct start_state *start);
void __wrap_dma_block(struct start_state *start);
enum status __real_host_core_create(struct host_core *core, struct host_map *map,
                                    struct pages *pages);
enum status __wrap_host_core_create(struct host_core *core, struct host_map *map,
                                    struct pages *pages);

struct edu {
    uint32_t address; /* configuration space, as the ports want it */
    uint64_t bar;
    uint64_t hz;
    struct iommu *iommu;
    uint64_t *page; /* the "guest's" memory, two pages; a third one that is not */
};

static uint32_t config_read(uint32_t function, uint32_t at)
{
    out32(CONFIG_ADDRESS, BIT32(31) | function | at);
    return in32(CONFIG_DATA);
}

static void config_write(uint32_t function, uint32_t at, uint32_t value)
{
    out32(CONFIG_ADDRESS, BIT32(31) | function | at);
    out32(CONFIG_DATA, value);
}

/* The first one on bus 0 from this device on. */
static bool edu_find(struct edu *edu, uint32_t device)
{
    for (; device < 32; device++) {
        edu->address = device << 11;
        if (config_read(edu->address, 0) == EDU_ID) {
            edu->bar = config_read(edu->address, 0x10) & ~UINT32_C(15);
            return true;
        }
    }
    return false;
}

/* Its registers, on the boot core's tables: before these are complete. */
enum status __wrap_host_core_create(struct host_core *core, struct host_map *map,
                                    struct pages *pages)
{
    struct edu edu = {.address = 0};

    for (uint32_t from = 0; !map->complete && edu_find(&edu, from); from = (edu.address >> 11) + 1)
        ASSERT(host_map_add(map, edu.bar, EDU_BAR_SIZE, PT_R | PT_W, PT_UNCACHED) == OK);
    return __real_host_core_create(core, map, pages);
}

static volatile uint64_t *edu_register(const struct edu *edu, uint32_t at)
{
    return (volatile uint64_t *)(uintptr_t)(edu->bar + at);
}

static void edu_copy(const struct edu *edu, uint64_t from, uint64_t to, uint64_t command)
{
    const uint64_t start = rdtsc();

    *edu_register(edu, EDU_FROM) = from;
    *edu_register(edu, EDU_TO) = to;
    *edu_register(edu, EDU_COUNT) = sizeof(uint64_t);
    *edu_register(edu, EDU_COMMAND) = command | EDU_GO;
    while (*edu_register(edu, EDU_COMMAND) & EDU_GO &&
           ticks_since(rdtsc(), start) < SECOND * edu->hz)
        cpu_pause();
}

/* Up to a few; what was refused is said as the monitor would. Returns how many. */
static uint32_t faults(const struct edu *edu)
{
    struct iommu_fault got[4];
    const uint32_t count = iommu_faults(edu->iommu, got, 4);
    char text[IOMMU_TEXT_MAX];

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t guest = iommu_guest_of(edu->iommu, &got[i]);
        iommu_fault_text(&got[i], guest == GUEST ? "edu" : NULL, edu->iommu->amd, text,
                         sizeof(text));
        log_line("dma: told: %s", text);
    }
    return count;
}

/* It writes its buffer to `to`; did that arrive in `page`? */
static void check_write(const struct edu *edu, const char *what, uint64_t to, uint64_t *page,
                        bool wanted)
{
    volatile uint64_t *word = page;

    *word = EMPTY;
    edu_copy(edu, EDU_BUFFER, to, EDU_OUT);
    const bool arrived = *word != EMPTY;
    log_line("dma: %s: %s", what, arrived == wanted ? (wanted ? "arrives" : "blocked") : "WRONG");
    (void)faults(edu);
}

/* It reads `from` into its buffer and puts that to `to`, which is open. */
static void check_read(const struct edu *edu, const char *what, uint64_t from, uint64_t *secret,
                       uint64_t to, uint64_t *page, bool wanted)
{
    volatile uint64_t *word = page;

    *secret = PATTERN;
    *word = 0;
    edu_copy(edu, from, EDU_BUFFER, 0);
    edu_copy(edu, EDU_BUFFER, to, EDU_OUT);
    const bool arrived = *word == PATTERN;
    log_line("dma: %s: %s", what, arrived == wanted ? (wanted ? "arrives" : "blocked") : "WRONG");
    (void)faults(edu);
}

static uint32_t edu_msi(const struct edu *edu)
{
    uint32_t at = config_read(edu->address, 0x34) & 0xfc;

    while (at != 0 && (config_read(edu->address, at) & 0xff) != 5)
        at = config_read(edu->address, at) >> 8 & 0xfc;
    ASSERT(at != 0);
    return at;
}

static void edu_set_message(const struct edu *edu, uint32_t address, uint32_t data)
{
    const uint32_t at = edu_msi(edu), head = config_read(edu->address, at);

    config_write(edu->address, at + 4, address);
    if (head & MSI_WIDE)
        config_write(edu->address, at + 8, 0);
    config_write(edu->address, at + (head & MSI_WIDE ? 12 : 8), data);
    config_write(edu->address, at, head | MSI_ENABLE);
}

/* The boot core takes no interrupts: they wait in its IRR. */
static bool is_pending(uint8_t vector)
{
    return (rdmsr(0x820 + vector / 32u) >> vector % 32 & 1) != 0;
}

static void check_interrupt(const struct edu *edu, const char *what, uint8_t vector, bool wanted)
{
    const uint64_t start = rdtsc();

    *(volatile uint32_t *)edu_register(edu, EDU_RAISE) = 1; /* by its width only */
    while (!is_pending(vector) && ticks_since(rdtsc(), start) < edu->hz / 10)
        cpu_pause();
    *(volatile uint32_t *)edu_register(edu, EDU_ACK) = 1;
    log_line("dma: %s: %s", what,
             is_pending(vector) == wanted ? (wanted ? "arrives" : "blocked") : "WRONG");
    (void)faults(edu);
}

static void edu_nobodys(const struct edu *edu)
{
    const uint64_t at = (uint64_t)(uintptr_t)edu->page;

    check_write(edu, "nobody's device writes", at, edu->page, false);
    check_write(edu, "nobody's device writes again", at, edu->page, false);
    edu_set_message(edu, 0xfee00000 | 1 << 4, 0);
    check_interrupt(edu, "nobody's device interrupts", VECTOR, false);
}

static void edu_interrupts(const struct edu *edu, uint16_t id)
{
    uint32_t address, data;

    iommu_message(edu->iommu, id, 1, &address, &data);
    edu_set_message(edu, address, data);
    check_interrupt(edu, "an interrupt that leads nowhere", VECTOR, false);
    ASSERT(iommu_route(edu->iommu, id, 1, lapic_id(), VECTOR));
    check_interrupt(edu, "an interrupt", VECTOR, true);
    ASSERT(iommu_route(edu->iommu, id, 1, lapic_id(), VECTOR + 1));
    check_interrupt(edu, "an interrupt with another vector", VECTOR + 1, true);
    ASSERT(iommu_route(edu->iommu, id, 1, 0, 0));
    iommu_message(edu->iommu, id, 0, &address, &data);
    edu_set_message(edu, address, data);
    ASSERT(iommu_route(edu->iommu, id, 1, lapic_id(), VECTOR + 2));
    check_interrupt(edu, "another interrupt's message", VECTOR + 2, false);
}

static void edu_guests(const struct edu *edu, uint16_t id)
{
    uint64_t *second = edu->page + PAGE_SIZE / sizeof(*edu->page);
    uint64_t *third = second + PAGE_SIZE / sizeof(*edu->page);
    const uint64_t at = (uint64_t)(uintptr_t)edu->page;

    check_write(edu, "before its guest starts", 0, edu->page, false);
    ASSERT(iommu_open(edu->iommu, id));
    check_write(edu, "its guest's first page", 0, edu->page, true);
    check_write(edu, "its guest's second page", PAGE_SIZE, second, true);
    check_write(edu, "behind its guest's end", 2 * PAGE_SIZE, third, false);
    check_write(edu, "a host address", at, edu->page, false);
    check_read(edu, "reads its guest's memory", PAGE_SIZE, second, 0, edu->page, true);
    *third = PATTERN + 1;
    check_read(edu, "reads behind its guest's end", 2 * PAGE_SIZE, third, 0, edu->page, false);
    edu_interrupts(edu, id);
    ASSERT(iommu_close(edu->iommu, id));
    check_write(edu, "after its guest's end", 0, edu->page, false);
    ASSERT(iommu_open(edu->iommu, id));
    check_write(edu, "when its guest starts again", 0, edu->page, true);
    ASSERT(iommu_close(edu->iommu, id));
}

static const struct pci_entry *edu_entry(const struct pci_list *list, const struct edu *edu)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (iommu_id_of(&list->entries[i]) == edu->address >> 8)
            return &list->entries[i];
    return NULL;
}

/* One that nobody has, and a refused write that nobody has asked for yet. */
static void edu_leaves_a_fault(struct edu edu)
{
    if (!edu_find(&edu, (edu.address >> 11) + 1))
        return;
    config_write(edu.address, 4, 6);
    edu_copy(&edu, EDU_BUFFER, (uint64_t)(uintptr_t)edu.page, EDU_OUT);
    config_write(edu.address, 4, 0);
}

void __wrap_dma_block(struct start_state *start)
{
    struct guest_map map = {0};
    struct edu edu = {.hz = start->tsc.hz};

    __real_dma_block(start);
    __real_dma_block(start);
    edu.iommu = start->iommu;
    if (edu.iommu == NULL || !edu_find(&edu, 0)) {
        log_line("dma: no IOMMU, or no edu device");
        return;
    }
    const struct pci_entry *entry = edu_entry(&start->machine.devices, &edu);
    edu.page = pages_get(&start->pages, 3, PAGE_SIZE);
    ASSERT(edu.page != NULL && entry != NULL);
    config_write(edu.address, 4, 6);
    edu_nobodys(&edu);
    const char *why = iommu_refuses(edu.iommu, entry);
    log_line("dma: edu %s", why == NULL ? "can be given away" : why);
    if (why == NULL) {
        guest_map_add_ram(&map, hpa((uint64_t)(uintptr_t)edu.page), 2 * PAGE_SIZE);
        ASSERT(iommu_assign(edu.iommu, entry, 2, GUEST, &map) == OK);
        edu_guests(&edu, iommu_id_of(entry));
    }
    config_write(edu.address, 4, 0);
    log_line("dma: done");
    edu_leaves_a_fault(edu);
}

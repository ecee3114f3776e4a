/* SPDX-License-Identifier: MIT */
#include "vdev/vpass.h"

#include "lib/bits.h"
#include "lib/string.h"

enum vpass_register {
    REG_ID = 0x00,
    REG_COMMAND = 0x04, /* command in 15:0, status in 31:16 */
    REG_CLASS = 0x08,
    REG_HEADER = 0x0c,
    REG_BAR0 = 0x10,
    REG_BAR5 = 0x24,
    REG_SUBSYSTEM = 0x2c,
    REG_CAPABILITIES = 0x34,
    REG_INTERRUPT = 0x3c,
};

#define COMMAND_KEPT   0x0407u /* I/O, memory, master, interrupt pin off */
#define COMMAND_MEMORY BIT32(1)
#define COMMAND_MASTER BIT32(2)
#define STATUS_LIST    BIT32(20)
#define STATUS_ERRORS  0xf9000000u /* writing 1 clears them */
#define HEADER_LINE    0x000000ffu /* cache line size: of no effect in PCI Express */
#define INTERRUPT_LINE 0x000000ffu

#define CAP_FIRST   0x40u
#define CAP_ID      0x000000ffu
#define CAP_NEXT    0x0000ff00u
#define CAPS_MAX    48 /* as many as fit */
#define CAP_POWER   0x01u
#define CAP_MSI     0x05u
#define CAP_VENDOR  0x09u
#define CAP_EXPRESS 0x10u
#define CAP_MSIX    0x11u
#define CAP_AF      0x13u

/* Message Control, in the upper half of the capability's first doubleword. */
#define MSI_ENABLE   BIT32(16)
#define MSI_WIDE     BIT32(23)
#define MSI_MASKS    BIT32(24)
#define MSI_ADDRESS  0xfffffffcu
#define MSI_DATA     0xffffu
#define MSI_SIZE_MAX 24u
#define MSI_ONE      BIT32(0) /* mask and pending bit of the one vector */

/* "MSI-X Capability and Table Structures": Message Control, then where table and pending bits are.
 */
#define MSIX_ENABLE     BIT32(31)
#define MSIX_MASK_ALL   BIT32(30)
#define MSIX_SIZE_SHIFT 16 /* entries, less one */
#define MSIX_SIZE       12u

/* Of the PCI Express capability. */
#define EXPRESS_SIZE         0x14u /* up to the link's registers: all functions have them */
#define EXPRESS_DEVICE       0x04u
#define EXPRESS_CONTROL      0x08u /* Device Control in 15:0, Device Status in 31:16 */
#define EXPRESS_LINK         0x0cu
#define EXPRESS_LINK_NOW     0x10u /* Link Control in 15:0, Link Status in 31:16 */
#define EXPRESS_FLR          BIT32(28)
#define EXPRESS_REQUESTS     0x00007000u /* Max_Read_Request_Size */
#define EXPRESS_REQUESTS_MAX 0x00005000u /* 4 KiB; greater ones are reserved */
#define EXPRESS_SHOWN        0x000070ffu /* of Device Control: neither no-snoop nor a reset */
#define EXPRESS_ERRORS       0x000f0000u /* writing 1 clears them */
#define EXPRESS_PENDING      BIT32(21)

/* virtio's structures are found by capabilities of the vendor's kind. "Virtio Structure PCI
 * Capabilities": type 5 is a window to the device through configuration space. */
#define VENDOR_VIRTIO   0x1af4u
#define VIRTIO_WINDOW   5u
#define VIRTIO_SIZE_MAX 24u

static struct vpass_row *row_at(struct vpass_layout *l, uint32_t reg)
{
    return &l->rows[reg / 4 % VPASS_WORDS];
}

/* ------------------------------------------------------------------ capabilities */

static void build_msi(struct vpass_layout *l, const uint32_t *words, uint32_t at, uint32_t messages)
{
    const uint32_t control = words[at / 4];
    uint32_t next = at + 8;

    if (l->msi != 0 || messages != 0 || at + MSI_SIZE_MAX > 4 * VPASS_WORDS)
        return;
    l->msi = (uint8_t)at;
    l->msi_wide = (control & MSI_WIDE) != 0;
    l->msi_masks = (control & MSI_MASKS) != 0;
    row_at(l, at)->constant |= control & (MSI_WIDE | MSI_MASKS);
    row_at(l, at)->kept = row_at(l, at)->through = MSI_ENABLE;
    row_at(l, at + 4)->kept = MSI_ADDRESS;
    if (l->msi_wide) {
        row_at(l, next)->kept = UINT32_MAX;
        next += 4;
    }
    row_at(l, next)->kept = MSI_DATA;
    if (!l->msi_masks)
        return;
    row_at(l, next + 4)->kept = row_at(l, next + 4)->through = MSI_ONE;
    row_at(l, next + 8)->live = MSI_ONE;
}

static void build_msix(struct vpass_layout *l, const uint32_t *words, uint32_t at,
                       uint32_t messages)
{
    if (l->msix != 0 || messages == 0 || at + MSIX_SIZE > 4 * VPASS_WORDS)
        return;
    l->msix = (uint8_t)at;
    row_at(l, at)->constant |= (messages - 1) << MSIX_SIZE_SHIFT;
    row_at(l, at)->kept = row_at(l, at)->through = MSIX_ENABLE | MSIX_MASK_ALL;
    row_at(l, at + 4)->constant = words[(at + 4) / 4];
    row_at(l, at + 8)->constant = words[(at + 8) / 4];
}

static void build_express(struct vpass_layout *l, const uint32_t *words, uint32_t at)
{
    if (l->express != 0 || at + EXPRESS_SIZE > 4 * VPASS_WORDS)
        return;
    const uint32_t control = words[(at + EXPRESS_CONTROL) / 4];
    struct vpass_row *row = row_at(l, at + EXPRESS_CONTROL);

    l->express = (uint8_t)at;
    row_at(l, at)->constant |= words[at / 4] & 0xffff0000u;
    row_at(l, at + EXPRESS_DEVICE)->constant = words[(at + EXPRESS_DEVICE) / 4] & ~EXPRESS_FLR;
    row->constant = control & EXPRESS_SHOWN & ~EXPRESS_REQUESTS;
    row->kept = row->through = EXPRESS_REQUESTS;
    row->begin = control & EXPRESS_REQUESTS;
    row->live = EXPRESS_ERRORS | EXPRESS_PENDING;
    row->clears = EXPRESS_ERRORS;
    row_at(l, at + EXPRESS_LINK)->constant = words[(at + EXPRESS_LINK) / 4];
    row_at(l, at + EXPRESS_LINK_NOW)->constant = words[(at + EXPRESS_LINK_NOW) / 4] & 0xffff0000u;
}

static void build_virtio(struct vpass_layout *l, const uint32_t *words, uint32_t at)
{
    const uint32_t size = words[at / 4] >> 16 & 0xff, type = words[at / 4] >> 24;

    row_at(l, at)->constant |= words[at / 4] & 0xffff0000u;
    for (uint32_t i = 4; i < size && i < VIRTIO_SIZE_MAX && at + i < 4 * VPASS_WORDS; i += 4)
        if (type != VIRTIO_WINDOW)
            row_at(l, at + i)->constant = words[(at + i) / 4];
}

/* True: the guest is to see it. */
static bool build_capability(struct vpass_layout *l, const uint32_t *words, uint32_t at,
                             uint32_t messages)
{
    switch (words[at / 4] & CAP_ID) {
    case CAP_MSI:
        build_msi(l, words, at, messages);
        return l->msi == at;
    case CAP_MSIX:
        build_msix(l, words, at, messages);
        return l->msix == at;
    case CAP_EXPRESS:
        build_express(l, words, at);
        return l->express == at;
    case CAP_VENDOR:
        if ((words[0] & 0xffff) != VENDOR_VIRTIO)
            return false;
        build_virtio(l, words, at);
        return true;
    case CAP_AF:
        l->af = (uint8_t)at;
        return false;
    case CAP_POWER:
        l->power = (uint8_t)at;
        return false;
    default:
        return false;
    }
}

/* The list of those that the guest sees, in their order. A broken function's leads in a circle. */
static void build_capabilities(struct vpass_layout *l, const uint32_t *words, uint32_t messages)
{
    uint32_t at = words[REG_CAPABILITIES / 4] & 0xfc, last = REG_CAPABILITIES;
    uint64_t seen = 0;

    if (!(words[REG_COMMAND / 4] & STATUS_LIST))
        return;
    for (uint32_t i = 0; i < CAPS_MAX && at >= CAP_FIRST && !(seen & BIT64(at / 4)); i++) {
        seen |= BIT64(at / 4);
        if (build_capability(l, words, at, messages)) {
            row_at(l, at)->constant |= words[at / 4] & CAP_ID;
            row_at(l, last)->constant |= last == REG_CAPABILITIES ? at : at << 8;
            row_at(l, REG_COMMAND)->constant |= STATUS_LIST;
            last = at;
        }
        at = words[at / 4] >> 8 & 0xfc;
    }
}

/* ------------------------------------------------------------------ the whole */

static void build_bars(struct vpass_layout *l, const uint32_t *words,
                       const struct vpass_bar bars[VPASS_BARS])
{
    for (uint32_t i = 0; i < VPASS_BARS; i++) {
        const uint32_t type = words[REG_BAR0 / 4 + i] & 15;
        const uint64_t mask = ~(bars[i].size - 1);

        if (bars[i].size == 0)
            continue;
        row_at(l, REG_BAR0 + 4 * i)->constant = (uint32_t)bars[i].at | type;
        l->bar_masks[i] = (uint32_t)mask | type;
        if ((type & 6) != 4 || i + 1 == VPASS_BARS)
            continue;
        i++;
        row_at(l, REG_BAR0 + 4 * i)->constant = (uint32_t)(bars[i - 1].at >> 32);
        l->bar_masks[i] = (uint32_t)(mask >> 32);
    }
}

void vpass_build(struct vpass_layout *l, const uint32_t words[VPASS_WORDS],
                 const struct vpass_bar bars[VPASS_BARS], uint32_t messages)
{
    memset(l, 0, sizeof(*l));
    *row_at(l, REG_COMMAND) = (struct vpass_row){.live = STATUS_ERRORS,
                                                 .kept = COMMAND_KEPT,
                                                 .through = COMMAND_MASTER,
                                                 .clears = STATUS_ERRORS,
                                                 .begin = COMMAND_MEMORY};
    row_at(l, REG_ID)->constant = words[REG_ID / 4];
    row_at(l, REG_CLASS)->constant = words[REG_CLASS / 4];
    row_at(l, REG_HEADER)->kept = HEADER_LINE;
    row_at(l, REG_SUBSYSTEM)->constant = words[REG_SUBSYSTEM / 4];
    row_at(l, REG_INTERRUPT)->kept = INTERRUPT_LINE;
    build_bars(l, words, bars);
    build_capabilities(l, words, messages);
}

void vpass_reset(struct vpass *p, const struct vpass_layout *layout)
{
    p->layout = layout;
    atomic_init(&p->sized, 0);
    for (uint32_t i = 0; i < VPASS_WORDS; i++)
        atomic_init(&p->kept[i], layout->rows[i].begin);
}

/* ------------------------------------------------------------------ accesses */

static uint32_t word_of(uint32_t reg)
{
    return index_masked(reg / 4, VPASS_WORDS);
}

static bool is_bar(uint32_t reg)
{
    return reg >= REG_BAR0 && reg <= REG_BAR5;
}

bool vpass_is_live(const struct vpass *p, uint32_t reg)
{
    return p->layout->rows[word_of(reg)].live != 0;
}

uint32_t vpass_read(const struct vpass *p, uint32_t reg, uint32_t hardware)
{
    const uint32_t i = word_of(reg);
    const struct vpass_row *row = &p->layout->rows[i];

    if (is_bar(reg)) {
        const uint32_t bar = (reg - REG_BAR0) / 4 % VPASS_BARS;
        if (atomic_load_explicit(&p->sized, memory_order_relaxed) & BIT32(bar))
            return p->layout->bar_masks[bar];
    }
    return row->constant | (hardware & row->live) |
           (atomic_load_explicit(&p->kept[i], memory_order_relaxed) & row->kept);
}

static void write_bar(struct vpass *p, uint32_t bar, uint32_t value)
{
    if (value == UINT32_MAX)
        atomic_fetch_or_explicit(&p->sized, BIT32(bar), memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&p->sized, ~BIT32(bar), memory_order_relaxed);
}

static bool is_message(const struct vpass_layout *l, uint32_t reg, uint32_t value)
{
    if (l->msix != 0)
        return reg == l->msix && (value & MSIX_ENABLE);
    return l->msi != 0 && reg >= l->msi && reg < l->msi + (l->msi_wide ? 16u : 12u);
}

struct vpass_effect vpass_write(struct vpass *p, uint32_t reg, uint32_t value)
{
    const uint32_t i = word_of(reg);
    const struct vpass_row *row = &p->layout->rows[i];

    if (is_bar(reg)) {
        write_bar(p, (reg - REG_BAR0) / 4 % VPASS_BARS, value);
        return (struct vpass_effect){.to_hardware = false};
    }
    if (p->layout->express != 0 && reg == p->layout->express + EXPRESS_CONTROL &&
        (value & EXPRESS_REQUESTS) > EXPRESS_REQUESTS_MAX)
        value = (value & ~EXPRESS_REQUESTS) | EXPRESS_REQUESTS_MAX;
    atomic_store_explicit(&p->kept[i], value & row->kept, memory_order_relaxed);
    return (struct vpass_effect){.to_hardware = (row->through | row->clears) != 0,
                                 .value = value,
                                 .message = is_message(p->layout, reg & 0xfc, value)};
}

uint32_t vpass_merge(const struct vpass_row *row, uint32_t clears, uint32_t hardware,
                     uint32_t value)
{
    return (hardware & ~(row->through | row->clears | clears)) | (value & row->through & ~clears) |
           (value & row->clears);
}

uint32_t vpass_clears(const struct vpass_layout *l, uint32_t reg)
{
    if (reg == REG_COMMAND)
        return STATUS_ERRORS;
    return l->express != 0 && reg == l->express + EXPRESS_CONTROL ? EXPRESS_ERRORS : 0;
}

bool vpass_message(const struct vpass *p, uint32_t *address, uint32_t *data)
{
    const struct vpass_layout *l = p->layout;
    const uint32_t at = l->msi / 4u;

    if (l->msi == 0 || !(atomic_load_explicit(&p->kept[at], memory_order_relaxed) & MSI_ENABLE))
        return false;
    *address = atomic_load_explicit(&p->kept[at + 1], memory_order_relaxed);
    if (l->msi_wide && atomic_load_explicit(&p->kept[at + 2], memory_order_relaxed) != 0)
        return false;
    *data = atomic_load_explicit(&p->kept[at + (l->msi_wide ? 3 : 2)], memory_order_relaxed);
    return true;
}

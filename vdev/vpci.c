/* SPDX-License-Identifier: MIT */
#include "vdev/vpci.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "vdev/vuart.h"

/* AMD's processors take four of the reserved bits for bits 11-8 of the register: there are none.
 */
#define LATCH_ENABLE   BIT32(31)
#define LATCH_RESERVED 0x7f000000u
#define LATCH_BUS      0x00ff0000u
#define LATCH_FUNCTION 0x00000700u

enum vpci_register {
    REG_ID = 0x00,
    REG_COMMAND = 0x04,
    REG_CLASS = 0x08,
    REG_HEADER = 0x0c, /* type 0, one function: all zero */
    REG_BAR0 = 0x10,
    REG_BAR5 = 0x24,
    REG_SUBSYSTEM = 0x2c,
    REG_CAPABILITIES = 0x34,
    REG_INTERRUPT = 0x3c,
    REG_MSI = 0x40,
    REG_MSI_ADDRESS = 0x44,
    REG_MSI_DATA = 0x48,
};

#define COMMAND_IO       BIT32(0)
#define COMMAND_MEMORY   BIT32(1)
#define COMMAND_MASTER   BIT32(2)
#define COMMAND_INTX_OFF BIT32(10)
#define COMMAND_BITS     (COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF)
#define STATUS_LIST      BIT32(20) /* there is a list of capabilities */

#define CAPABILITY_MSI   0x05u /* and no next: one vector, a 32-bit address, no mask */
#define MSI_ENABLE       BIT32(0)
#define MSI_ADDRESS_BITS 0xfffffffcu
#define MSI_DATA_BITS    0xffffu

/*
 * The host bridge: an id for which nobody has a driver or a quirk. Without a bridge Linux takes the
 * bus for none.
 */
static const struct vpci_identity bridge = {
    .vendor = 0x1b36,
    .device = 0x0008,
    .class_code = 0x060000,
};

/*
 * A UART as a card whose ports are where COM1 is, or COM2. Linux uses MSI for very few 16550s, of
 * which this is one; the interface, the class's last byte, tells its driver how many ports the card
 * has. Class "other" of communication devices: for "serial" Linux guesses the settings a second
 * time, and complains that it knew them.
 */
#define UART_CARD(port)                                                                         \
    {                                                                                           \
        .vendor = 0x9710, .device = 0x9900, .class_code = 0x078002, .subsystem_vendor = 0xa000, \
        .subsystem = 0x1000, .has_msi = true,                                                   \
        .bars = {{.value = (port) | 1, .size = VUART_PORTS}},                                   \
    }

static const struct vpci_identity uart = UART_CARD(VUART_PORT);
const struct vpci_identity vpci_cable = UART_CARD(VUART_PORT_2);

static uint32_t get(const _Atomic uint32_t *reg)
{
    return atomic_load_explicit(reg, memory_order_relaxed);
}

static void set(_Atomic uint32_t *reg, uint32_t value)
{
    atomic_store_explicit(reg, value, memory_order_relaxed);
}

/* I/O and memory are decoded from the start: Linux then takes the addresses as they are. */
static void slot_reset(struct vpci_function *f, const struct vpci_identity *identity)
{
    f->identity = identity;
    atomic_init(&f->command, identity ? COMMAND_IO | COMMAND_MEMORY : 0);
    atomic_init(&f->sized, 0);
    atomic_init(&f->line, 0);
    atomic_init(&f->msi_control, 0);
    atomic_init(&f->msi_address, 0);
    atomic_init(&f->msi_data, 0);
}

void vpci_reset(struct vpci *p)
{
    atomic_init(&p->latch, 0);
    for (uint32_t i = 0; i < VPCI_SLOTS; i++)
        slot_reset(&p->slots[i], NULL);
    slot_reset(&p->slots[VPCI_BRIDGE], &bridge);
    slot_reset(&p->slots[VPCI_UART], &uart);
}

void vpci_plug(struct vpci *p, uint32_t slot, const struct vpci_identity *identity)
{
    ASSERT(slot < VPCI_SLOTS);
    slot_reset(&p->slots[slot], identity);
}

/* The slot that the latch names; false: there is none. */
static bool slot_of(uint32_t latch, uint32_t *slot)
{
    *slot = latch >> 11 & 31;
    if (!(latch & LATCH_ENABLE) || (latch & (LATCH_RESERVED | LATCH_BUS | LATCH_FUNCTION)) != 0 ||
        *slot >= VPCI_SLOTS)
        return false;
    *slot = index_masked(*slot, VPCI_SLOTS);
    return true;
}

bool vpci_names(const struct vpci *p, uint16_t port, uint32_t *slot, uint32_t *reg)
{
    const uint32_t latch = get(&p->latch);

    *reg = latch & 0xfc;
    return port >= VPCI_DATA && slot_of(latch, slot);
}

static uint32_t bar_read(const struct vpci_function *f, uint32_t i)
{
    const struct vpci_bar *bar = &f->identity->bars[index_masked(i, VPCI_BARS)];
    const uint32_t type = bar->value & (bar->value & 1 ? 3u : 15u);

    return get(&f->sized) >> i & 1 && bar->size ? ~(bar->size - 1) | type : bar->value;
}

static uint32_t msi_read(const struct vpci_function *f, uint32_t reg)
{
    if (!f->identity->has_msi)
        return 0;
    switch (reg) {
    case REG_MSI:
        return CAPABILITY_MSI | get(&f->msi_control) << 16;
    case REG_MSI_ADDRESS:
        return get(&f->msi_address);
    default:
        return get(&f->msi_data);
    }
}

static uint32_t function_read(const struct vpci_function *f, uint32_t reg)
{
    const struct vpci_identity *id = f->identity;

    if (reg >= REG_BAR0 && reg <= REG_BAR5)
        return bar_read(f, (reg - REG_BAR0) / 4);
    switch (reg) {
    case REG_ID:
        return (uint32_t)id->device << 16 | id->vendor;
    case REG_COMMAND:
        return get(&f->command) | (id->has_msi ? STATUS_LIST : 0);
    case REG_CLASS:
        return id->class_code << 8 | id->revision;
    case REG_SUBSYSTEM:
        return (uint32_t)id->subsystem << 16 | id->subsystem_vendor;
    case REG_CAPABILITIES:
        return id->has_msi ? REG_MSI : 0;
    case REG_INTERRUPT:
        return get(&f->line);
    case REG_MSI:
    case REG_MSI_ADDRESS:
    case REG_MSI_DATA:
        return msi_read(f, reg);
    default:
        return 0;
    }
}

static bool msi_write(struct vpci_function *f, uint32_t reg, uint32_t value)
{
    if (!f->identity->has_msi)
        return false;
    if (reg == REG_MSI)
        set(&f->msi_control, value >> 16 & MSI_ENABLE);
    else if (reg == REG_MSI_ADDRESS)
        set(&f->msi_address, value & MSI_ADDRESS_BITS);
    else
        set(&f->msi_data, value & MSI_DATA_BITS);
    return true;
}

/* True: where its messages go may have changed. */
static bool function_write(struct vpci_function *f, uint32_t reg, uint32_t value)
{
    if (reg >= REG_BAR0 && reg <= REG_BAR5) {
        const uint32_t bit = BIT32((reg - REG_BAR0) / 4);
        if (value == UINT32_MAX)
            atomic_fetch_or_explicit(&f->sized, bit, memory_order_relaxed);
        else
            atomic_fetch_and_explicit(&f->sized, ~bit, memory_order_relaxed);
        return false;
    }
    switch (reg) {
    case REG_COMMAND:
        set(&f->command, value & COMMAND_BITS);
        return true;
    case REG_INTERRUPT:
        set(&f->line, value & 0xff);
        return false;
    case REG_MSI:
    case REG_MSI_ADDRESS:
    case REG_MSI_DATA:
        return msi_write(f, reg, value);
    default:
        return false;
    }
}

static uint32_t ones(uint8_t size)
{
    return size == 4 ? UINT32_MAX : (1u << 8 * size) - 1;
}

uint32_t vpci_in(const struct vpci *p, uint16_t port, uint8_t size)
{
    const uint32_t latch = get(&p->latch);
    uint32_t slot;

    if (port == VPCI_ADDRESS && size == 4)
        return latch;
    if (port < VPCI_DATA || !slot_of(latch, &slot) || !p->slots[slot].identity)
        return ones(size);
    return function_read(&p->slots[slot], latch & 0xfc) >> 8 * (port & 3) & ones(size);
}

const struct vpci_function *vpci_out(struct vpci *p, uint16_t port, uint8_t size, uint32_t value)
{
    const uint32_t latch = get(&p->latch), reg = latch & 0xfc, shift = 8 * (port & 3);
    const uint32_t mask = ones(size) << shift;
    uint32_t slot;

    if (port == VPCI_ADDRESS && size == 4) {
        set(&p->latch, value);
        return NULL;
    }
    if (port < VPCI_DATA || !slot_of(latch, &slot) || !p->slots[slot].identity)
        return NULL;
    struct vpci_function *f = &p->slots[slot];
    const uint32_t whole = (function_read(f, reg) & ~mask) | (value << shift & mask);
    return function_write(f, reg, whole) ? f : NULL;
}

bool vpci_message(const struct vpci_function *f, uint32_t *address, uint32_t *data)
{
    if (!(get(&f->msi_control) & MSI_ENABLE) || !(get(&f->command) & COMMAND_MASTER))
        return false;
    *address = get(&f->msi_address);
    *data = get(&f->msi_data);
    return true;
}

void vpci_set_message(struct vpci_function *f, uint32_t address, uint32_t data)
{
    set(&f->msi_address, address & MSI_ADDRESS_BITS);
    set(&f->msi_data, data & MSI_DATA_BITS);
    set(&f->msi_control, data ? MSI_ENABLE : 0);
    if (data)
        atomic_fetch_or_explicit(&f->command, COMMAND_MASTER, memory_order_relaxed);
}

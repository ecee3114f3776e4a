/* SPDX-License-Identifier: MIT */
#include "kernel/vm/device.h"

#include "drivers/tsc.h"
#include "kernel/vm/table.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/time.h"
#include "vdev/vmsi.h"

/* Registers of the header, as doublewords. PCI Local Bus Specification "Configuration Space". */
enum device_word {
    WORD_ID = 0,
    WORD_COMMAND = 1,
    WORD_HEADER = 3,
    WORD_BAR0 = 4,
    WORD_BAR5 = 9,
    WORD_BRIDGE = 15
};

#define NOBODY          UINT32_MAX
#define COMMAND_BITS    0x0000ffffu
#define COMMAND_MEMORY  BIT32(1)
#define COMMAND_MASTER  BIT32(2)
#define COMMAND_PIN_OFF BIT32(10)
#define CACHE_LINE      0x000000ffu

/* "MSI Capability Structure"; the message's address and data follow. */
#define MSI_ENABLE     BIT32(16)
#define MSI_SEVERAL    0x00700000u /* more vectors than one */
#define MSI_MASK_OTHER 0xfffffffeu

/* PCI Express Base Specification "Device Control Register", "Function-Level Reset (FLR)". */
#define EXPRESS_CONTROL 2u /* doublewords behind the capability's begin */
#define EXPRESS_STATUS  0xffff0000u
#define EXPRESS_SNOOP   BIT32(11) /* no-snoop: past the caches */
#define EXPRESS_PENDING BIT32(21)
#define EXPRESS_FLR     BIT32(15)
#define EXPRESS_CAN_FLR BIT32(28)
#define AF_CONTROL      1u
#define AF_FLR          BIT32(0)
#define AF_PENDING      BIT32(8)
#define POWER_CONTROL   1u
#define POWER_STATE     3u
#define POWER_OFF       3u /* D3hot */
#define RESET_WAIT_US   100000u

/* PCI-to-PCI Bridge Architecture Specification "Bridge Control Register"; PCI Express Base
 * Specification "Conventional Reset": held for a ms at least, and 100 ms until the first request.
 */
#define BRIDGE_RESET    BIT32(22)
#define BRIDGE_EXPIRED  BIT32(26) /* the discard timer: writing 1 clears */
#define BUS_RESET_US    2000u
#define POWER_WAIT_US   10000u
#define PENDING_WAIT_MS 100u
#define RETURN_WAIT_MS  1000u

/* "MSI-X Capability and Table Structures" */
#define MSIX_ENABLE   BIT32(31)
#define MSIX_MASK_ALL BIT32(30)

/* Messages that it can send. */
static uint32_t device_messages(const struct plan_device *plan)
{
    return plan->messages != 0 ? plan->messages : 1;
}

/* ------------------------------------------------------------------ build */

static void device_build_one(struct vm *vm, struct device *d, const struct plan_device *plan,
                             hpa_t ecam)
{
    struct vpass_bar bars[VPASS_BARS] = {{0}};

    d->plan = plan;
    d->config = (volatile uint32_t *)(uintptr_t)(ecam.v + plan->entry->address);
    if (plan->bridge != NULL)
        d->bridge = (volatile uint32_t *)(uintptr_t)(ecam.v + plan->bridge->address);
    for (uint32_t i = 0; i < VPASS_WORDS; i++)
        d->found[i] = d->config[i];
    for (uint32_t b = 0; b < PCI_BARS; b++)
        if (plan->bars[b].v != 0)
            bars[b] = (struct vpass_bar){plan->bars[b].v, plan->entry->bars[b].size};
    vpass_build(&d->layout, d->found, bars, plan->messages);
    if (plan->messages != 0)
        d->table = (volatile uint32_t *)(uintptr_t)(plan->entry->bars[plan->entry->msix.bar].base +
                                                    plan->entry->msix.at);
    if (plan->entry->acs != 0)
        d->acs = d->config[plan->entry->acs / 4];
    vm->device_count++;
}

enum status device_build(struct vm *vm, uint32_t index, struct iommu *iommu, hpa_t ecam,
                         struct pages *pages)
{
    const struct plan_guest *plan = vm->plan;
    enum status s = OK;

    vm->iommu = iommu;
    if (plan->device_count == 0)
        return OK;
    vm->devices = pages_get(
        pages, (plan->device_count * sizeof(*vm->devices) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
    if (!vm->devices)
        return FAIL(E_NOMEM, "no pages for the devices of '%s'", vm->name);
    for (uint32_t i = 0; i < plan->device_count && s == OK; i++) {
        device_build_one(vm, &vm->devices[i], &plan->devices[i], ecam);
        s = iommu_assign(iommu, plan->devices[i].entry, device_messages(&plan->devices[i]), index,
                         &plan->map);
    }
    return s;
}

/* ------------------------------------------------------------------ registers */

uint32_t device_read(const struct vm *vm, uint32_t index, uint32_t reg)
{
    const struct device *d = &vm->devices[index_masked(index, GUEST_DEVICES_MAX)];

    return vpass_read(&d->pass, reg, vpass_is_live(&d->pass, reg) ? d->config[reg / 4] : 0);
}

/* The hardware's message is constant; what it leads to is what the guest has written as one. Where
 * the unit does not answer, interrupts go where they went, to a core of this guest, in what is its
 * last life. */
static void device_reroute(struct vm *vm, struct device *d)
{
    const struct vapic_peers *peers = &vm->vcpus[0].soft->peers;
    struct vmsi_target target;
    uint32_t address, data, apic_id = 0;
    uint8_t vector = 0;

    if (d->plan->messages != 0) {
        table_sync_all(vm, d);
        return;
    }

    if (vpass_message(&d->pass, &address, &data) && vmsi_route(address, data, peers, &target)) {
        apic_id = peers->apic_ids[target.vcpu];
        vector = (uint8_t)target.value;
    }
    d->is_lost = !iommu_route(vm->iommu, device_id(d), 0, apic_id, vector) || d->is_lost;
}

void device_write(struct vm *vm, uint32_t index, uint32_t reg, uint32_t mask, uint32_t value)
{
    struct device *d = &vm->devices[index_masked(index, GUEST_DEVICES_MAX)];
    const uint32_t clears = vpass_clears(&d->layout, reg);

    lock_take(&d->lock);
    /* Bytes that are not written clear nothing. */
    const uint32_t whole = (device_read(vm, index, reg) & ~mask & ~clears) | (value & mask);
    const struct vpass_effect effect = vpass_write(&d->pass, reg, whole);
    if (effect.message)
        device_reroute(vm, d);
    if (effect.to_hardware)
        d->config[reg / 4] = vpass_merge(&d->layout.rows[reg / 4 % VPASS_WORDS], clears,
                                         d->config[reg / 4], effect.value);
    lock_release(&d->lock);
}

/* ------------------------------------------------------------------ lives */

static void device_command(const struct device *d, uint32_t command)
{
    d->config[WORD_COMMAND] = command; /* and 0 to what writing 1 would clear */
}

/* The message that stands in the hardware for good, one vector, off. */
static void device_set_message(struct iommu *iommu, const struct device *d)
{
    volatile uint32_t *msi = &d->config[d->layout.msi / 4u];
    uint32_t address, data;

    if (d->layout.msix != 0)
        d->config[d->layout.msix / 4u] &= ~(MSIX_ENABLE | MSIX_MASK_ALL);
    if (d->layout.msi == 0)
        return;
    iommu_message(iommu, device_id(d), 0, &address, &data);
    msi[0] &= ~(MSI_ENABLE | MSI_SEVERAL);
    msi[1] = address;
    if (d->layout.msi_wide)
        msi[2] = 0;
    msi[d->layout.msi_wide ? 3 : 2] = data;
    if (d->layout.msi_masks)
        msi[d->layout.msi_wide ? 4 : 3] = MSI_MASK_OTHER;
}

/* BARs as the firmware gave them; memory decoded, and neither bus mastering nor an interrupt. */
static void device_restore(struct iommu *iommu, const struct device *d)
{
    device_command(d, COMMAND_PIN_OFF);
    for (uint32_t i = WORD_BAR0; i <= WORD_BAR5; i++)
        d->config[i] = d->found[i];
    d->config[WORD_HEADER] =
        (d->config[WORD_HEADER] & ~CACHE_LINE) | (d->found[WORD_HEADER] & CACHE_LINE);
    if (d->layout.express != 0) {
        volatile uint32_t *control = &d->config[d->layout.express / 4u + EXPRESS_CONTROL];
        *control = d->found[d->layout.express / 4u + EXPRESS_CONTROL] &
                   ~(EXPRESS_STATUS | EXPRESS_SNOOP | EXPRESS_FLR);
    }
    if (d->plan->entry->acs != 0) /* a reset lets it pass requests to its neighbours */
        d->config[d->plan->entry->acs / 4] = d->acs;
    device_set_message(iommu, d);
    device_command(d, COMMAND_PIN_OFF | COMMAND_MEMORY);
}

/* Its interrupts go to nobody. False: the IOMMU does not answer. */
static bool device_unroute(const struct vm *vm, const struct device *d)
{
    bool done = true;

    for (uint32_t i = 0; i < device_messages(d->plan) && done; i++)
        done = iommu_route(vm->iommu, device_id(d), i, 0, 0);
    return done;
}

const struct plan_device *device_enter(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->device_count; i++) {
        struct device *d = &vm->devices[i];

        vpass_reset(&d->pass, &d->layout);
        device_restore(vm->iommu, d);
        table_reset(vm, d);
        if (!device_unroute(vm, d) || !iommu_open(vm->iommu, device_id(d)))
            return d->plan;
    }
    return NULL;
}

/* Waits until the bits are as wanted: false after so many ms. */
static bool device_wait(const struct tsc *tsc, volatile const uint32_t *reg, uint32_t mask,
                        uint32_t unwanted, uint32_t ms)
{
    for (uint32_t i = 0; (*reg & mask) == unwanted; i++) {
        if (i == ms)
            return false;
        tsc_delay_us(tsc, NS_PER_MS / NS_PER_US);
    }
    return true;
}

/* "Transactions Pending": what it has asked for and not yet got. One that never ends is cut off by
 * the reset, and reaches nothing in between. */
static void device_drain(const struct vm *vm, const struct device *d)
{
    if (d->layout.express != 0)
        (void)device_wait(vm->tsc, &d->config[d->layout.express / 4u + EXPRESS_CONTROL],
                          EXPRESS_PENDING, EXPRESS_PENDING, PENDING_WAIT_MS);
    else if (d->layout.af != 0 && d->plan->entry->reset == PCI_RESET_AF)
        (void)device_wait(vm->tsc, &d->config[d->layout.af / 4u + AF_CONTROL], AF_PENDING,
                          AF_PENDING, PENDING_WAIT_MS);
}

static void device_reset_power(const struct vm *vm, const struct device *d)
{
    volatile uint32_t *control = &d->config[d->layout.power / 4u + POWER_CONTROL];

    *control = (*control & COMMAND_BITS & ~POWER_STATE) | POWER_OFF;
    tsc_delay_us(vm->tsc, POWER_WAIT_US);
    *control &= COMMAND_BITS & ~POWER_STATE;
    tsc_delay_us(vm->tsc, POWER_WAIT_US);
}

/* With all that is on it: once for several devices. */
static void device_reset_bus(const struct vm *vm, const struct device *d)
{
    for (const struct device *other = vm->devices; other != d; other++)
        if (other->bridge == d->bridge)
            return;
    const uint32_t control = d->bridge[WORD_BRIDGE] & ~(BRIDGE_RESET | BRIDGE_EXPIRED);
    d->bridge[WORD_BRIDGE] = control | BRIDGE_RESET;
    tsc_delay_us(vm->tsc, BUS_RESET_US);
    d->bridge[WORD_BRIDGE] = control;
    tsc_delay_us(vm->tsc, RESET_WAIT_US);
}

static void device_reset(const struct vm *vm, const struct device *d)
{
    switch (plan_device_reset(d->plan)) {
    case PCI_RESET_FLR:
        d->config[d->layout.express / 4u + EXPRESS_CONTROL] =
            (d->config[d->layout.express / 4u + EXPRESS_CONTROL] & ~EXPRESS_STATUS) | EXPRESS_FLR;
        tsc_delay_us(vm->tsc, RESET_WAIT_US);
        break;
    case PCI_RESET_AF:
        d->config[d->layout.af / 4u + AF_CONTROL] = AF_FLR;
        tsc_delay_us(vm->tsc, RESET_WAIT_US);
        break;
    case PCI_RESET_POWER:
        device_reset_power(vm, d);
        break;
    case PCI_RESET_BUS:
        device_reset_bus(vm, d);
        break;
    case PCI_RESET_NONE:
        break;
    }
}

/* Until then it reads as nobody, or as a device that wants to be asked again. */
static bool device_is_back(const struct vm *vm, const struct device *d)
{
    for (uint32_t ms = 0; d->config[WORD_ID] != d->found[WORD_ID]; ms++) {
        if (ms == RETURN_WAIT_MS)
            return false;
        tsc_delay_us(vm->tsc, NS_PER_MS / NS_PER_US);
    }
    return true;
}

/* First of all it is cut off: on this, and on nothing that the device does, rests that memory which
 * is cleared stays so. */
static void device_silence(struct vm *vm, struct device *d)
{
    const bool closed = iommu_close(vm->iommu, device_id(d)) && device_unroute(vm, d);

    d->is_lost = d->is_lost || !closed;
    device_command(d, COMMAND_PIN_OFF | COMMAND_MEMORY);
    if (d->layout.msi != 0)
        d->config[d->layout.msi / 4u] &= ~MSI_ENABLE;
    if (d->layout.msix != 0)
        d->config[d->layout.msix / 4u] &= ~MSIX_ENABLE;
    device_drain(vm, d);
}

static const char *device_return(struct vm *vm, struct device *d)
{
    if (!device_is_back(vm, d))
        return "does not come back from its reset";
    device_restore(vm->iommu, d);
    return d->is_lost ? "could not be cut off by the IOMMU" : NULL;
}

const struct plan_device *device_leave(struct vm *vm, const char **why)
{
    const struct plan_device *lost = NULL;

    for (uint32_t i = 0; i < vm->device_count; i++)
        device_silence(vm, &vm->devices[i]);
    for (uint32_t i = 0; i < vm->device_count; i++)
        device_reset(vm, &vm->devices[i]); /* which can be other devices' as well */
    for (uint32_t i = 0; i < vm->device_count; i++) {
        const char *wrong = device_return(vm, &vm->devices[i]);
        if (wrong == NULL)
            continue;
        lost = vm->devices[i].plan;
        *why = wrong;
    }
    return lost;
}

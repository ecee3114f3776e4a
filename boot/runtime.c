/* SPDX-License-Identifier: MIT */
/*
 * runtime: what the hypervisor has to map so that SetVariable can be called after ExitBootServices,
 * at its physical address. UEFI "Runtime Services", "EFI_RT_PROPERTIES_TABLE",
 * "EFI_MEMORY_ATTRIBUTES_TABLE". Of code and data it takes what that table lists, which is never
 * writable and executable at once in firmware that is built so; of registers the memory map's word.
 */
#include "boot/loader.h"

#include "lib/string.h"

#define RUNTIME_RO           UINT64_C(0x20000) /* EFI_MEMORY_RO, which gnu-efi 3.0.15 does not have */
#define RUNTIME_SET_VARIABLE 0x40              /* EFI_RT_SUPPORTED_SET_VARIABLE */

/* Beyond these it is no such table: sizes made of them would wrap. */
#define RUNTIME_ENTRIES_MAX 4096
#define RUNTIME_STEP_MAX    4096

/* More rows than there are now: ExitBootServices may change the table, as it does the memory map.
 */
#define RUNTIME_SPARE 64

/* Neither has it these. */
struct runtime_properties {
    uint16_t version;
    uint16_t length;
    uint32_t supported;
};

struct runtime_attributes {
    uint32_t version;
    uint32_t count;
    uint32_t step; /* bytes from one descriptor to the next */
    uint32_t flags;
    uint8_t descriptors[];
};

/* NULL: there is none, or it makes no sense. */
static const struct runtime_attributes *runtime_attributes_find(const struct loader *l)
{
    static const EFI_GUID guid = {
        0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}};
    const struct runtime_attributes *t = firmware_table(l, &guid);

    if (t == NULL || t->count == 0 || t->count > RUNTIME_ENTRIES_MAX ||
        t->step < sizeof(EFI_MEMORY_DESCRIPTOR) || t->step > RUNTIME_STEP_MAX)
        return NULL;
    return t;
}

const char *runtime_lacks(const struct loader *l)
{
    static const EFI_GUID guid = {
        0xeb66918a, 0x7eef, 0x402a, {0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9}};
    const struct runtime_properties *p = firmware_table(l, &guid);

    /* Without that table everything is supported. */
    if (p != NULL && p->length >= sizeof(*p) && (p->supported & RUNTIME_SET_VARIABLE) == 0)
        return "the firmware has no SetVariable at run time";
    if (runtime_attributes_find(l) == NULL)
        return "the firmware has no memory attributes table";
    return NULL;
}

EFI_STATUS runtime_prepare(struct loader *l, size_t descriptors)
{
    const struct runtime_attributes *t = runtime_attributes_find(l);

    if (l->info->set != BOOT_SET_TRIED || t == NULL)
        return EFI_SUCCESS;
    l->runtime_capacity = (uint32_t)(2 * t->count + descriptors + RUNTIME_SPARE);
    return memory_take_block(l, BLOCK_RUNTIME, l->runtime_capacity * sizeof(struct boot_runtime));
}

/* Rows that are left out make the list useless, and the hypervisor must not take it for whole. */
static void runtime_add(struct loader *l, const EFI_MEMORY_DESCRIPTOR *d, uint32_t rights)
{
    struct boot_runtime *rows = (struct boot_runtime *)l->blocks[BLOCK_RUNTIME].base;

    if (l->info->runtime_count < l->runtime_capacity)
        rows[l->info->runtime_count] = (struct boot_runtime){
            .base = d->PhysicalStart,
            .pages = d->NumberOfPages,
            .rights = rights,
        };
    l->info->runtime_count++;
}

static void runtime_add_code_and_data(struct loader *l, const struct runtime_attributes *t)
{
    for (uint32_t i = 0; i < t->count; i++) {
        EFI_MEMORY_DESCRIPTOR d;

        memcpy(&d, t->descriptors + (size_t)i * t->step, sizeof(d));
        if ((d.Attribute & EFI_MEMORY_RUNTIME) != 0)
            runtime_add(l, &d,
                        ((d.Attribute & RUNTIME_RO) != 0 ? 0u : BOOT_RUNTIME_WRITE) |
                            ((d.Attribute & EFI_MEMORY_XP) != 0 ? 0u : BOOT_RUNTIME_EXECUTE));
    }
}

/* Registers; and memory of another kind, which holds data. */
static void runtime_add_others(struct loader *l)
{
    const uint8_t *at = l->map;

    for (UINTN done = 0; l->map_size - done >= l->map_step; done += l->map_step) {
        EFI_MEMORY_DESCRIPTOR d;

        memcpy(&d, at + done, sizeof(d));
        if ((d.Attribute & EFI_MEMORY_RUNTIME) == 0 || d.Type == EfiRuntimeServicesCode ||
            d.Type == EfiRuntimeServicesData)
            continue;
        runtime_add(l, &d,
                    BOOT_RUNTIME_WRITE |
                        ((d.Attribute & EFI_MEMORY_WB) != 0 ? 0u : BOOT_RUNTIME_UNCACHED));
    }
}

void runtime_convert(struct loader *l)
{
    const struct runtime_attributes *t = runtime_attributes_find(l);

    if (l->blocks[BLOCK_RUNTIME].base == 0 || t == NULL)
        return;
    runtime_add_code_and_data(l, t);
    runtime_add_others(l);
    if (l->info->runtime_count > l->runtime_capacity)
        l->info->runtime_count = 0;
    l->info->runtime = l->blocks[BLOCK_RUNTIME].base;
    l->info->set_variable = (uint64_t)l->st->RuntimeServices->SetVariable;
}

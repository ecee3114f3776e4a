/* SPDX-License-Identifier: MIT */
/*
 * fuzz_acpi: any bytes as the firmware's tables. Whatever they say, memory is asked for in small
 * pieces and a bounded number of times, and what comes out keeps the promises of
 * drivers/acpi/acpi.h.
 *
 * Input: memory from BASE up, the RSDP first; the last byte is a mode: bit 0 has the checksums of
 * what looks like a table mended, bit 1 lets the bytes change while they are being read.
 */
#include "drivers/acpi/acpi.h"
#include "drivers/iommu/iommu_find.h"

#include "support.h"

#define BASE      UINT64_C(0xe0000)
#define CALLS_MAX 4000000

struct memory {
    uint8_t *bytes;
    size_t size;
    bool changes;
    uint32_t calls;
    uint8_t *given; /* the last piece given out: gone at the next call */
};

static const void *at(void *context, hpa_t address, uint64_t size)
{
    struct memory *m = context;
    const uint64_t offset = address.v - BASE;

    DEMAND(size >= 1 && size <= ACPI_COPY_MAX && size - 1 <= UINT64_MAX - address.v);
    DEMAND(++m->calls < CALLS_MAX);
    free(m->given);
    m->given = NULL;
    if (address.v < BASE || offset > m->size || size > m->size - offset)
        return NULL;
    if (m->changes)
        m->bytes[(m->calls * UINT64_C(2654435761)) % m->size] ^= (uint8_t)m->calls;
    m->given = malloc(size);
    DEMAND(m->given != NULL);
    memcpy(m->given, m->bytes + offset, size);
    return m->given;
}

static void mend(uint8_t *bytes, size_t where, size_t size)
{
    uint8_t sum = 0;

    bytes[where] = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[where] = (uint8_t)-sum;
}

/* A mutation hardly ever meets a checksum: without this only the frame would be tried. */
static void mend_all(struct memory *m)
{
    static const char *const names[] = {"XSDT", "RSDT", "APIC", "FACP", "SPCR", "DSDT",
                                        "SSDT", "MCFG", "DMAR", "IVRS", "SRAT"};

    for (size_t i = 0; m->size - i >= 36; i++) {
        uint32_t length;
        for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
            if (memcmp(m->bytes + i, names[k], 4) != 0)
                continue;
            memcpy(&length, m->bytes + i + 4, sizeof(length));
            if (length >= 36 && length <= m->size - i)
                mend(m->bytes + i, 9, length);
        }
    }
    if (m->size >= 36) {
        mend(m->bytes, 8, 20);
        mend(m->bytes, 32, 36);
    }
}

static void check_nodes(const struct acpi_info *info)
{
    DEMAND(info->node_count != 1 && info->node_count <= ACPI_NODES_MAX);
    DEMAND(info->near_count <= ACPI_NEAR_MAX);
    for (uint32_t i = 1; i < info->node_count; i++)
        DEMAND(info->domains[i] > info->domains[i - 1]);
    for (uint32_t i = 0; i < info->core_count; i++)
        DEMAND(info->core_nodes[i] == 0 || info->core_nodes[i] < info->node_count);
    for (uint32_t i = 0; i < info->near_count; i++) {
        const struct acpi_near *n = &info->near[i];
        DEMAND(n->node < info->node_count && n->size > 0 && n->size - 1 <= UINT64_MAX - n->base);
        DEMAND(n->base % PAGE_SIZE == 0 && n->size % PAGE_SIZE == 0);
        DEMAND(i == 0 || n->base >= n[-1].base + n[-1].size);
    }
}

static void check_iommus(const struct acpi_info *info)
{
    DEMAND(info->iommu_count <= ACPI_IOMMUS_MAX && info->reserved_count <= ACPI_RESERVED_MAX);
    DEMAND(info->scope_count <= ACPI_SCOPES_MAX);
    for (uint32_t i = 0; i < info->iommu_count; i++)
        DEMAND(info->iommus[i].address.v != 0 && info->iommus[i].address.v % PAGE_SIZE == 0);
    for (uint32_t i = 0; i < info->reserved_count; i++) {
        const struct acpi_reserved *r = &info->reserved[i];
        DEMAND(r->size > 0 && (r->base | r->size) % PAGE_SIZE == 0);
        DEMAND(r->size - 1 <= UINT64_MAX - r->base);
    }
    for (uint32_t i = 0; i < info->scope_count; i++) {
        const struct acpi_scope *s = &info->scopes[i];
        DEMAND(s->of < (s->reserved ? info->reserved_count : info->iommu_count));
        DEMAND(s->kind <= ACPI_SCOPE_HPET && s->steps <= ACPI_PATH_MAX && s->first <= s->last);
        DEMAND(s->has_alias || s->alias == 0);
    }
}

static void check(const struct acpi_info *info, bool ok)
{
    DEMAND(info->core_count <= ACPI_CORES_MAX && info->ioapic_count <= ACPI_IOAPICS_MAX);
    DEMAND(ok == (info->core_count > 0));
    for (uint32_t i = 0; i < info->core_count; i++) {
        DEMAND(info->cores[i].apic_id != UINT32_MAX);
        for (uint32_t k = 0; k < i; k++)
            DEMAND(info->cores[i].apic_id != info->cores[k].apic_id);
    }
    for (uint32_t i = 0; i < info->ioapic_count; i++)
        DEMAND(info->ioapics[i].address.v != 0);
    DEMAND(info->ecam_count <= ACPI_ECAMS_MAX);
    for (uint32_t i = 0; i < info->ecam_count; i++) {
        DEMAND(info->ecams[i].first_bus <= info->ecams[i].last_bus);
        DEMAND(info->ecams[i].address.v != 0 && info->ecams[i].address.v % ACPI_ECAM_BUS == 0);
    }
    check_iommus(info);
    check_nodes(info);
    DEMAND(!info->has_power_off || info->pm1a_control != 0);
    DEMAND(info->s5_type_a <= 7 && info->s5_type_b <= 7);
    DEMAND(!info->has_reset || info->reset_port != 0 || info->reset_memory.v != 0);
}

#define BRIDGES 4

/* What the tables say is looked up for functions on and behind bridges, one below the other. */
static void check_found(const struct acpi_info *info)
{
    static struct pci_list list;

    list.count = 0;
    for (uint8_t i = 0; i < 2 * BRIDGES; i++)
        list.entries[list.count++] = (struct pci_entry){
            .address = pci_address(i / 2, 0, i % 2, 0),
            .is_bridge = i % 2 == 0,
            .secondary = (uint8_t)(i / 2 + 1),
            .subordinate = BRIDGES,
            .port = i % 2 == 0 ? PCI_PORT_ROOT : PCI_PORT_ENDPOINT,
        };
    for (uint32_t i = 0; i < list.count; i++) {
        const struct pci_entry *e = &list.entries[i];
        const uint32_t unit = iommu_find_unit(info, &list, e);
        DEMAND(unit == IOMMU_NONE || unit < info->iommu_count);
        (void)iommu_find_alias(info, &list, e);
        uint32_t from = 0, rounds = 0;
        while ((from = iommu_find_reserved(info, &list, e, from)) != IOMMU_NONE) {
            DEMAND(from < info->reserved_count && ++rounds <= ACPI_RESERVED_MAX);
            from++;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input tail;
    struct acpi_info info;

    if (!fuzz_tail(data, &size, 1, &tail) || size == 0)
        return 0;
    const uint8_t mode = fuzz_u8(&tail);
    struct memory m = {.bytes = malloc(size), .size = size, .changes = mode & 2};
    const struct acpi_memory memory = {.at = at, .context = &m};
    DEMAND(m.bytes != NULL);
    memcpy(m.bytes, data, size);
    if (mode & 1)
        mend_all(&m);
    memset(&info, 0xa5, sizeof(info));
    const bool ok = acpi_read(&info, &memory, hpa(BASE));
    check(&info, ok);
    check_found(&info);
    free(m.given);
    free(m.bytes);
    return 0;
}

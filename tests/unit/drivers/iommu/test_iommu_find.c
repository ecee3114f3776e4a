/* SPDX-License-Identifier: MIT */
/*
 * test_iommu_find: which unit a function belongs to, under whose id it sends, and which reserved
 * memory is for it.
 */
#include "drivers/iommu/iommu_find.h"

#include "support.h"

static struct acpi_info acpi;
static struct pci_list list;

static int setup(void **state)
{
    (void)state;
    memset(&acpi, 0, sizeof(acpi));
    memset(&list, 0, sizeof(list));
    return 0;
}

static const struct pci_entry *add(uint32_t bus, uint32_t device, uint32_t function)
{
    struct pci_entry *e = &list.entries[list.count++];

    *e = (struct pci_entry){.address = pci_address(bus, device, function, 0),
                            .port = PCI_PORT_ENDPOINT};
    return e;
}

static struct pci_entry *add_bridge(uint32_t bus, uint32_t device, uint8_t port, uint8_t secondary,
                                    uint8_t subordinate)
{
    struct pci_entry *e = &list.entries[list.count];

    (void)add(bus, device, 0);
    e->is_bridge = true;
    e->port = port;
    e->secondary = secondary;
    e->subordinate = subordinate;
    return e;
}

static uint32_t unit(bool rest)
{
    acpi.iommus[acpi.iommu_count] = (struct acpi_iommu){.rest = rest};
    return acpi.iommu_count++;
}

static struct acpi_scope *scope(enum acpi_scope_kind kind, uint32_t of)
{
    acpi.scopes[acpi.scope_count] = (struct acpi_scope){.kind = kind, .of = (uint8_t)of};
    return &acpi.scopes[acpi.scope_count++];
}

static struct acpi_scope *path(enum acpi_scope_kind kind, uint32_t of, uint8_t bus, uint8_t first,
                               uint8_t second)
{
    struct acpi_scope *s = scope(kind, of);

    s->bus = bus;
    s->path[0] = (uint8_t)(first << 3);
    s->path[1] = (uint8_t)(second << 3);
    s->steps = second == UINT8_MAX ? 1 : 2;
    return s;
}

static struct acpi_scope *ids(uint32_t of, uint16_t first, uint16_t last)
{
    struct acpi_scope *s = scope(ACPI_SCOPE_IDS, of);

    s->first = first;
    s->last = last;
    return s;
}

static uint32_t unit_of(const struct pci_entry *e)
{
    return iommu_find_unit(&acpi, &list, e);
}

#define END UINT8_MAX /* of a path */

static void named_functions_and_the_rest(void **state)
{
    const struct pci_entry *display = add(0, 2, 0), *disk = add(0, 0x1f, 2);
    (void)state;
    assert_int_equal(unit_of(disk), IOMMU_NONE);
    path(ACPI_SCOPE_FUNCTION, unit(false), 0, 2, END);
    assert_int_equal(unit_of(display), 0);
    assert_int_equal(unit_of(disk), IOMMU_NONE);
    assert_int_equal(unit(true), 1);
    assert_int_equal(unit_of(display), 0);
    assert_int_equal(unit_of(disk), 1);
    acpi.iommus[1].segment = 1; /* for those of another segment */
    assert_int_equal(unit_of(disk), IOMMU_NONE);
}

static void a_path_leads_through_bridges(void **state)
{
    struct pci_entry *root = add_bridge(0, 1, PCI_PORT_ROOT, 5, 9);
    const struct pci_entry *disk = add(5, 3, 0), *deep = add(9, 0, 0), *other = add(10, 0, 0);
    (void)state;
    path(ACPI_SCOPE_FUNCTION, unit(false), 0, 1, 3);
    assert_int_equal(unit_of(disk), 0);
    assert_int_equal(unit_of(deep), IOMMU_NONE);
    root->secondary = 6; /* read now, not when the table was made */
    assert_int_equal(unit_of(disk), IOMMU_NONE);
    root->secondary = 5;
    path(ACPI_SCOPE_BRIDGE, unit(false), 0, 1, END);
    assert_int_equal(unit_of(root), 1);
    assert_int_equal(unit_of(disk), 0); /* named by itself */
    assert_int_equal(unit_of(deep), 1);
    assert_int_equal(unit_of(other), IOMMU_NONE);
    root->is_bridge = false; /* a path that leads nowhere */
    assert_int_equal(unit_of(disk), IOMMU_NONE);
}

static void the_nearest_bridge_counts(void **state)
{
    add_bridge(0, 1, PCI_PORT_ROOT, 1, 9);
    add_bridge(1, 0, PCI_PORT_UPSTREAM, 2, 9);
    const struct pci_entry *near = add(2, 0, 0), *far = add(1, 1, 0);
    (void)state;
    path(ACPI_SCOPE_BRIDGE, unit(false), 0, 1, 0);
    path(ACPI_SCOPE_BRIDGE, unit(false), 0, 1, END);
    assert_int_equal(unit_of(near), 0);
    assert_int_equal(unit_of(far), 1);
}

static void ids_of_amd(void **state)
{
    const struct pci_entry *disk = add(1, 0, 0), *net = add(1, 0, 1), *host = add(0, 0, 0);
    (void)state;
    ids(unit(false), 0, UINT16_MAX);
    ids(unit(false), 0x100, 0x1ff);
    ids(unit(false), 0x101, 0x101)->has_alias = true;
    acpi.scopes[2].alias = 0x100;
    assert_int_equal(unit_of(host), 0);
    assert_int_equal(unit_of(disk), 1);
    assert_int_equal(unit_of(net), 2);
    assert_null(iommu_find_alias(&acpi, &list, disk));
    assert_non_null(iommu_find_alias(&acpi, &list, net));
    acpi.scopes[2].alias = 0x101; /* its own */
    assert_null(iommu_find_alias(&acpi, &list, net));
    ids(0, 0x101, 0x101); /* the later of two */
    assert_int_equal(unit_of(net), 0);
    acpi.scopes[3].kind = ACPI_SCOPE_IOAPIC; /* no function's id */
    assert_int_equal(unit_of(net), 2);
}

static void bridges_that_send_for_others(void **state)
{
    static const struct {
        uint8_t port;
        bool hides;
    } cases[] = {{PCI_PORT_ROOT, false},  {PCI_PORT_UPSTREAM, false}, {PCI_PORT_DOWNSTREAM, false},
                 {PCI_PORT_TO_PCI, true}, {PCI_PORT_NONE, true},      {8, true}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        (void)setup(NULL);
        add_bridge(0, 1, cases[i].port, 1, 3);
        add_bridge(1, 0, PCI_PORT_ROOT, 2, 3);
        const struct pci_entry *e = add(2, 0, 0), *beside = add(0, 2, 0);
        assert_int_equal(iommu_find_alias(&acpi, &list, e) != NULL, cases[i].hides);
        assert_null(iommu_find_alias(&acpi, &list, beside));
    }
}

static void reserved_memory(void **state)
{
    const struct pci_entry *usb = add(0, 0x14, 0), *disk = add(0, 0x1f, 2);
    (void)state;
    acpi.reserved_count = 3;
    path(ACPI_SCOPE_FUNCTION, 2, 0, 0x14, END)->reserved = true;
    path(ACPI_SCOPE_FUNCTION, 0, 0, 0x14, END)->reserved = true;
    assert_int_equal(iommu_find_reserved(&acpi, &list, usb, 0), 0);
    assert_int_equal(iommu_find_reserved(&acpi, &list, usb, 1), 2);
    assert_int_equal(iommu_find_reserved(&acpi, &list, usb, 3), IOMMU_NONE);
    assert_int_equal(iommu_find_reserved(&acpi, &list, disk, 0), IOMMU_NONE);
    assert_int_equal(unit_of(usb), IOMMU_NONE); /* such a scope names no unit */
    acpi.reserved[0].segment = 1;
    assert_int_equal(iommu_find_reserved(&acpi, &list, usb, 0), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(named_functions_and_the_rest, setup),
        cmocka_unit_test_setup(a_path_leads_through_bridges, setup),
        cmocka_unit_test_setup(the_nearest_bridge_counts, setup),
        cmocka_unit_test_setup(ids_of_amd, setup),
        cmocka_unit_test_setup(bridges_that_send_for_others, setup),
        cmocka_unit_test_setup(reserved_memory, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * pci_groups: which functions could reach each other without passing the IOMMU. PCI Express Base
 * Specification "Access Control Services (ACS)": a multi-function device, a root port or a switch
 * may forward a request from one function to another by itself unless ACS forbids it, and a
 * conventional bus has no such thing.
 */
#include "drivers/pci/pci_list.h"

#include "drivers/pci/pci_parts.h"
#include "drivers/pci/pci_words.h"

/* "Alternative Routing-ID Interpretation (ARI)": one link leads to one device, which may have
 * functions under the numbers of others. */
static bool pci_is_of_a_link(const struct pci_list *list, const struct pci_entry *e)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pci_entry *b = &list->entries[i];
        if (pci_is_below(b, e) && b->secondary == pci_bus(e->address) &&
            (b->port == PCI_PORT_ROOT || b->port == PCI_PORT_DOWNSTREAM))
            return true;
    }
    return false;
}

/* They are told apart by the function's number only. */
static bool pci_is_same_device(const struct pci_list *list, const struct pci_entry *a,
                               const struct pci_entry *b)
{
    return a->segment == b->segment && pci_bus(a->address) == pci_bus(b->address) &&
           (pci_device(a->address) == pci_device(b->address) || pci_is_of_a_link(list, a));
}

/* `from` and all that are in its group join that of `to`. */
static void pci_join(struct pci_list *list, uint32_t to, uint32_t from)
{
    const uint32_t old = list->entries[from].group, new = list->entries[to].group;

    for (uint32_t i = 0; i < list->count; i++)
        if (list->entries[i].group == old)
            list->entries[i].group = new;
}

/* What is below it can reach its neighbours, or all of that sends under one name. */
static bool pci_mixes(const struct pci_entry *e)
{
    return e->is_bridge && e->port != PCI_PORT_UPSTREAM &&
           (!e->separates || (e->port != PCI_PORT_ROOT && e->port != PCI_PORT_DOWNSTREAM));
}

static void pci_join_below(struct pci_list *list, uint32_t bridge)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (i != bridge && pci_is_below(&list->entries[bridge], &list->entries[i]))
            pci_join(list, bridge, i);
}

/* A switch's ports may forward to each other inside it. */
static void pci_join_ports(struct pci_list *list, uint32_t port)
{
    const struct pci_entry *e = &list->entries[port];

    for (uint32_t i = 0; i < list->count && e->port == PCI_PORT_DOWNSTREAM; i++)
        if (list->entries[i].segment == e->segment &&
            pci_bus(list->entries[i].address) == pci_bus(e->address))
            pci_join(list, port, i);
}

static void pci_join_device(struct pci_list *list, uint32_t one)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (i != one && pci_is_same_device(list, &list->entries[i], &list->entries[one]) &&
            (!list->entries[i].separates || !list->entries[one].separates))
            pci_join(list, one, i);
}

/* From 0 on, in the order of the list. */
static void pci_number(struct pci_list *list)
{
    uint32_t next = list->count; /* above all that there are */

    for (uint32_t i = 0; i < list->count; i++) {
        if (list->entries[i].group >= list->count)
            continue;
        const uint32_t old = list->entries[i].group;
        for (uint32_t k = i; k < list->count; k++)
            if (list->entries[k].group == old)
                list->entries[k].group = next;
        next++;
    }
    for (uint32_t i = 0; i < list->count; i++)
        list->entries[i].group -= list->count;
}

const struct pci_entry *pci_list_bridge(const struct pci_list *list, const struct pci_entry *e)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (pci_is_below(&list->entries[i], e) && list->entries[i].secondary == pci_bus(e->address))
            return &list->entries[i];
    return NULL;
}

void pci_list_group(struct pci_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        list->entries[i].group = i;
    for (uint32_t i = 0; i < list->count; i++) {
        pci_join_device(list, i);
        if (!pci_mixes(&list->entries[i]))
            continue;
        pci_join_below(list, i);
        pci_join_ports(list, i);
    }
    pci_number(list);
    for (uint32_t i = 0; i < list->count; i++)
        if (list->entries[i].reset == PCI_RESET_NONE && !list->entries[i].is_bridge &&
            pci_list_bridge(list, &list->entries[i]) != NULL)
            list->entries[i].reset = PCI_RESET_BUS;
}

/* SPDX-License-Identifier: MIT */
/*
 * pci_list: what the machine's PCI functions are and can do: what they want for registers, how they
 * interrupt, how they can be reset, and which of them could reach each other. What a function says
 * of itself is untrusted: every walk is bounded. Pure.
 */
#pragma once

#include "drivers/pci/pci.h"
#include "lib/types.h"

#define PCI_LIST_MAX 256
#define PCI_BARS     6

enum pci_reset {
    PCI_RESET_NONE,
    PCI_RESET_FLR,   /* function-level, by the PCI Express capability */
    PCI_RESET_AF,    /* the same by that of "Advanced Features" */
    PCI_RESET_POWER, /* from D3hot to D0 */
    PCI_RESET_BUS,   /* of the bus, with all that is on it or below; nothing else can be */
};

/* PCI Express Base Specification "PCI Express Capabilities Register", "Device/Port Type". */
enum pci_port {
    PCI_PORT_ENDPOINT = 0,
    PCI_PORT_ROOT = 4,
    PCI_PORT_UPSTREAM = 5,
    PCI_PORT_DOWNSTREAM = 6,
    PCI_PORT_TO_PCI = 7,
    PCI_PORT_NONE = 0xff, /* conventional PCI */
};

/* "MSI-X Capability and Table Structures": the table of messages, in one of the function's BARs. */
struct pci_msix {
    uint16_t count; /* messages; 0: it has no MSI-X */
    uint8_t bar; /* by the register where it begins; one that there is not, of a broken function */
    uint32_t at; /* offset of the table in it, a multiple of 8 */
};

#define PCI_MSIX_MAX   2048
#define PCI_MSIX_ENTRY 16u /* bytes that a message has in the table */

struct pci_bar {
    uint64_t base, size; /* bytes; size 0: there is none here */
    bool io, wide, prefetch;
};

struct pci_entry {
    uint32_t segment;
    uint32_t address; /* pci_address(), register 0 */
    uint16_t vendor, device;
    uint32_t class; /* as of pci_class_word() */
    bool is_bridge; /* to the buses from `secondary` to `subordinate` */
    uint8_t secondary, subordinate;
    uint8_t port; /* enum pci_port or another number that the function gives */
    bool msi;
    struct pci_msix msix;
    uint16_t acs;   /* its register of ACS, with the control in 31:16; 0: it has none */
    bool separates; /* ACS keeps what it forwards or sends on the way by the IOMMU: it is on */
    enum pci_reset reset;
    uint32_t group; /* functions of the same could reach each other past an IOMMU; from 0 on */
    struct pci_bar bars[PCI_BARS];
    const char *kept; /* why no guest can have it; NULL: nothing that is known of it forbids it */
};

/* Somewhere below the bridge. */
static inline bool pci_is_below(const struct pci_entry *bridge, const struct pci_entry *e)
{
    return bridge->is_bridge && bridge->secondary != 0 && bridge->segment == e->segment &&
           pci_bus(e->address) >= bridge->secondary && pci_bus(e->address) <= bridge->subordinate;
}

struct pci_list {
    uint32_t count;
    uint32_t left_out; /* functions beyond PCI_LIST_MAX */
    struct pci_entry entries[PCI_LIST_MAX];
};

/* Appends the functions of a segment, and switches on what they have of ACS. Turns each function's
 * decoding off for a moment, to size its BARs: after pci_quiet(), and while nobody uses one. */
void pci_list_add(struct pci_list *list, const struct pci_access *access);

/* The bridge whose secondary bus the function is on; NULL: there is none, or it is not listed. */
const struct pci_entry *pci_list_bridge(const struct pci_list *list, const struct pci_entry *e);

/* After all segments: groups, and resets by bus. */
void pci_list_group(struct pci_list *list);

/* "reset flr", "no reset" */
const char *pci_reset_text(enum pci_reset reset);

/* "00:1f.2 8086:2922 sata, ..." */
#define PCI_TEXT_MAX 300
void pci_list_text(const struct pci_entry *entry, char *buf, size_t size);

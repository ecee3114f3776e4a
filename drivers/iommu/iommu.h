/* SPDX-License-Identifier: MIT */
/*
 * iommu: the machine's IOMMUs, of either vendor. Once on, they block every request of every device,
 * its interrupts too, but for what iommu_assign() prepares and iommu_open() lets through: to the
 * RAM and disks of the guest that has the device, at the guest's own addresses, and interrupts to
 * the core and vector that iommu_route() says.
 *
 * Until launch the boot core alone calls; after that any core may where it is said, and waits for
 * others. What a unit does not carry out within a second fails, and it is not asked again.
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "drivers/iommu/amdvi.h"
#include "drivers/iommu/vtd.h"
#include "drivers/pci/pci_list.h"
#include "lib/lock.h"
#include "lib/status.h"
#include "mm/guest_map.h"
#include "mm/pages.h"

#define IOMMU_DEVICES_MAX  64
#define IOMMU_GUESTS_MAX   32
#define IOMMU_MESSAGES_MAX AMDVI_INTERRUPTS /* of a device */
#define IOMMU_NOBODY       UINT32_MAX

struct iommu_unit {
    const struct acpi_iommu *told; /* by ACPI */
    const char *why;               /* it is not on; NULL: it is */
    struct vtd vtd;                /* one of the two is used */
    struct amdvi amdvi;
};

struct iommu_device {
    uint16_t id;
    uint32_t unit;
    uint32_t guest;       /* IOMMU_NOBODY: a display that Bulkhead draws on */
    uint32_t domain;      /* of the table at `root` */
    hpa_t root;           /* of what it reaches */
    uint64_t *entry;      /* its context entry, or its entry of the device table */
    uint64_t *interrupts; /* its first entry of a table of interrupts; NULL: it has none */
    uint32_t first;       /* VT-d: that one's number */
    uint32_t messages;    /* it has so many */
};

/* What units work on. Those of PCI segment 0, and those of all others, whose is always empty: an id
 * is unique in its segment only. */
struct iommu_tables {
    uint64_t *root;       /* VT-d: root table; AMD-Vi: device table */
    uint64_t *interrupts; /* VT-d */
};

struct iommu {
    struct lock lock; /* of all that changes after launch */
    const struct acpi_info *acpi;
    const struct pci_list *list;
    struct pages *pages; /* not after pages_seal() */
    bool amd;
    const char *refuses; /* why no guest can have any device; NULL: it can */
    uint32_t unit_count;
    uint32_t next_unit; /* whose faults are taken first */
    struct iommu_unit units[ACPI_IOMMUS_MAX];
    struct iommu_tables tables[2];
    hpa_t empty;                   /* AMD-Vi: a table that leads nowhere */
    uint64_t *contexts[256];       /* VT-d, by bus of segment 0; NULL: none yet */
    uint32_t interrupts_used;      /* VT-d */
    hpa_t roots[IOMMU_GUESTS_MAX]; /* by guest; 0: it has no device yet */
    uint32_t device_count;
    struct iommu_device devices[IOMMU_DEVICES_MAX];
};

/* Bytes of the pool that iommu_create() and iommu_assign() may want, for `ram` bytes of memory that
 * guests may get. 0 without an IOMMU. */
uint64_t iommu_room(const struct acpi_info *acpi, uint64_t ram);

/* Finds out what the units can do, and makes empty tables. `list` and `acpi` stay where they are.
 * NULL: there is none, or no memory for it, which is said. The units' registers are mapped. */
MUST_CHECK struct iommu *iommu_create(const struct acpi_info *acpi, const struct pci_list *list,
                                      struct pages *pages, uint64_t ticks_a_second);

/*
 * A display that draws from memory which the firmware keeps for it goes on doing so: it reaches
 * these ranges at their addresses, and no others. Before iommu_start(). Ranges in memory that
 * is anybody's are the caller's to leave out. E_NOMEM, E_UNSUPPORTED.
 */
MUST_CHECK enum status iommu_keep(struct iommu *iommu, const struct pci_entry *display,
                                  const struct range *ranges, uint32_t count);

/* Switches all units on, whatever the firmware left, when no device is active: from then on all is
 * blocked. Each unit's `why` says what came of it. */
void iommu_start(struct iommu *iommu, uint32_t highest_apic_id);

/* Of a unit that is on: interrupts are remapped, too. AMD-Vi's always are. */
bool iommu_blocks_interrupts(const struct iommu *iommu, const struct iommu_unit *unit);

/* `iommu` may be NULL. All units are on; and all block interrupts, too. */
bool iommu_blocks_dma(const struct iommu *iommu);
bool iommu_blocks_all(const struct iommu *iommu);
const char *iommu_why_open(const struct iommu *iommu); /* NULL: they are on, or there is none */

/* Why no guest can have any function; NULL: nothing forbids it. As the next. */
const char *iommu_refuses_all(const struct iommu *iommu);

/* Why a guest cannot have the function, as in "sata 00:1f.2 ..."; NULL: it can. After
 * iommu_start(); `iommu` may be NULL. */
const char *iommu_refuses(const struct iommu *iommu, const struct pci_entry *function);

/*
 * Gives a function that iommu_refuses() does not refuse, and that nobody has, to the guest with
 * this number and map: it will reach the rows of RAM and disks, with their rights, and can send
 * `messages` different interrupts. It stays blocked. Before pages_seal(). E_NOMEM; E_RANGE: more
 * devices, guests or messages than there is room for.
 */
MUST_CHECK enum status iommu_assign(struct iommu *iommu, const struct pci_entry *function,
                                    uint32_t messages, uint32_t guest, const struct guest_map *map);

/*
 * At run time, any core: lets an assigned device reach its guest's memory, or nothing any more.
 * That the device and the bridges above it master the bus is another matter: pci_quiet() takes that
 * from all. When iommu_close() says true, nothing is under way either. False: the unit does not
 * answer; the guest must not run (open), or its memory not be used again (close).
 */
MUST_CHECK bool iommu_open(struct iommu *iommu, uint16_t id);
MUST_CHECK bool iommu_close(struct iommu *iommu, uint16_t id);

/* The message that an assigned device's MSI registers get for its interrupt `index`, which never
 * changes. */
void iommu_message(const struct iommu *iommu, uint16_t id, uint32_t index, uint32_t *address,
                   uint32_t *data);

/* At run time, any core: to whom interrupt `index` goes; vector 0: to nobody. False: the unit does
 * not answer. */
MUST_CHECK bool iommu_route(struct iommu *iommu, uint16_t id, uint32_t index, uint32_t apic_id,
                            uint8_t vector);

/* At run time: takes what the units have refused since the last call, `room` of it at most. */
uint32_t iommu_faults(struct iommu *iommu, struct iommu_fault *faults, uint32_t room);

/* Number of the guest that has the device; IOMMU_NOBODY. */
uint32_t iommu_guest_of(const struct iommu *iommu, const struct iommu_fault *fault);

/* SPDX-License-Identifier: MIT */
#include "drivers/iommu/iommu_words.h"

#include "drivers/pci/pci.h"
#include "lib/fmt.h"

/* "02:00.0, which nobody has," */
static void iommu_who(const struct iommu_fault *fault, bool has, char *buf, size_t size)
{
    const uint32_t at = (uint32_t)fault->id << 12; /* pci_address() */

    if (has)
        fmt_print(buf, size, "its device " PCI_PLACE_FMT, PCI_PLACE_ARGS(at));
    else if (fault->segment != 0)
        fmt_print(buf, size, "device " PCI_PLACE_FMT " of PCI segment %u, which nobody has,",
                  PCI_PLACE_ARGS(at), fault->segment);
    else
        fmt_print(buf, size, "device " PCI_PLACE_FMT ", which nobody has,", PCI_PLACE_ARGS(at));
}

void iommu_fault_clause(const struct iommu_fault *fault, const char *place, bool amd, char *buf,
                        size_t size)
{
    const char *word = amd ? "AMD-Vi event" : "VT-d reason";
    char who[96];

    iommu_who(fault, place != NULL, who, sizeof(who));
    switch (fault->kind) {
    case IOMMU_FAULT_READ:
    case IOMMU_FAULT_WRITE:
        fmt_print(buf, size, "%s tried to %s%s0x%llx%s%s (%s 0x%x)", who,
                  fault->kind == IOMMU_FAULT_READ ? "read " : "write to ",
                  place != NULL ? "guest-physical " : "", (unsigned long long)fault->address,
                  place != NULL ? ", " : "", place != NULL ? place : "", word, fault->reason);
        return;
    case IOMMU_FAULT_INTERRUPT:
        fmt_print(buf, size, "%s sent an interrupt that it has no right to (%s 0x%x)", who, word,
                  fault->reason);
        return;
    case IOMMU_FAULT_UNIT:
        break;
    }
    fmt_print(buf, size, "an IOMMU cannot carry out what it was told (%s 0x%x)", word,
              fault->reason);
}

void iommu_fault_text(const struct iommu_fault *fault, const char *guest, bool amd, char *buf,
                      size_t size)
{
    const size_t len = guest == NULL ? 0 : fmt_print(buf, size, "guest '%s': ", guest);

    iommu_fault_clause(fault, guest != NULL ? "outside of its memory" : NULL, amd, buf + len,
                       size - len);
}

/* SPDX-License-Identifier: MIT */
#include "drivers/pci/pci_words.h"

#include "lib/bits.h"

/* A class, with a subclass or for all of them. The first row that fits is taken. */
struct pci_word {
    uint32_t code, mask;
    const char *word;
};

#define CLASS    0xff0000u
#define SUBCLASS 0xffff00u

const char *pci_class_word(uint32_t class)
{
    static const struct pci_word words[] = {
        {0x010100, SUBCLASS, "ide"},        {0x010600, SUBCLASS, "sata"},
        {0x010800, SUBCLASS, "nvme"},       {0x010000, CLASS, "storage"},
        {0x020000, SUBCLASS, "ethernet"},   {0x020000, CLASS, "network"},
        {0x030000, CLASS, "display"},       {0x040100, SUBCLASS, "audio"},
        {0x040300, SUBCLASS, "audio"},      {0x040000, CLASS, "multimedia"},
        {0x050000, CLASS, "memory"},        {0x060000, SUBCLASS, "host bridge"},
        {0x060100, SUBCLASS, "ISA bridge"}, {0x060400, SUBCLASS, "PCI bridge"},
        {0x060000, CLASS, "bridge"},        {0x070000, SUBCLASS, "serial"},
        {0x070000, CLASS, "communication"}, {0x080600, SUBCLASS, "IOMMU"},
        {0x080000, CLASS, "system"},        {0x090000, CLASS, "input"},
        {0x0c0300, SUBCLASS, "usb"},        {0x0c0500, SUBCLASS, "SMBus"},
        {0x0c0000, CLASS, "serial bus"},    {0x0d0000, CLASS, "wireless"},
        {0x100000, CLASS, "encryption"},    {0x110000, CLASS, "signal processing"},
        {0x120000, CLASS, "accelerator"},
    };

    for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
        if ((class & words[i].mask) == words[i].code)
            return words[i].word;
    }
    return "other";
}

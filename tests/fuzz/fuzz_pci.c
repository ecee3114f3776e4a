/* SPDX-License-Identifier: MIT */
/*
 * fuzz_pci: any bytes as the configuration spaces of a bus. Whatever functions say of themselves,
 * they are read a bounded number of times, and no register but the command, the BARs and what they
 * call ACS is written.
 *
 * Input: pieces of 256 bytes, each the space of a function; registers behind them repeat these.
 */
#include "drivers/pci/pci_list.h"

#include "support.h"

#define SPACE     256
#define READS_MAX 20000 /* of a function */
#define EXTENDED  0x100
#define ACS       0x000d /* id of the capability whose second word is written */

struct space {
    const uint8_t *bytes;
    size_t functions;
    uint64_t reads;
};

static uint32_t space_read(void *context, uint32_t address)
{
    struct space *s = context;
    const size_t function = address >> 12; /* bus 0 comes first */
    uint32_t value = UINT32_MAX;

    DEMAND(address % 4 == 0);
    s->reads++;
    if (function < s->functions)
        memcpy(&value, s->bytes + function * SPACE + address % SPACE, sizeof(value));
    return value;
}

static void space_write(void *context, uint32_t address, uint32_t value)
{
    struct space *s = context;
    const uint32_t offset = address & 0xfff;

    (void)value;
    DEMAND(address >> 12 < s->functions);
    if (offset > EXTENDED && (space_read(s, address - 4) & 0xffff) == ACS)
        return;
    DEMAND(offset == 4 || (offset >= 0x10 && offset < 0x28 && offset % 4 == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pci_list list;
    struct space space = {.bytes = data, .functions = size / SPACE};
    const struct pci_access access = {space_read, space_write, &space, 0, 0, 0, true};
    char text[PCI_TEXT_MAX];

    list.count = 0;
    list.left_out = 0;
    pci_list_add(&list, &access);
    pci_list_group(&list);
    DEMAND(list.count <= space.functions && list.left_out == 0);
    DEMAND(space.reads <= 256 + space.functions * READS_MAX);
    for (uint32_t i = 0; i < list.count; i++) {
        DEMAND(list.entries[i].group < list.count);
        pci_list_text(&list.entries[i], text, sizeof(text));
        DEMAND(strlen(text) < sizeof(text));
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * test_pci_list: what functions say of themselves is understood, also where it is nonsense, and
 * sizing leaves every register as it was; which functions are in a group with which.
 */
#include "drivers/pci/pci_list.h"

#include "support.h"

#include "lib/bits.h"

#define FUNCTIONS 12
#define WORDS     1024
#define COMMAND   1
#define NOBODY    UINT32_MAX
#define ACS       0x51 /* the word with its capability and control, of add_acs() */

struct function {
    uint32_t at;
    uint32_t words[WORDS];
    uint32_t sizes[6]; /* what of a BAR can be written */
    uint32_t open;     /* writes to a BAR while the function decoded */
    uint32_t fixed;    /* what of its ACS control cannot be written, as bits of the word */
};

static struct function functions[FUNCTIONS];
static uint32_t count;
static struct pci_list list;

static struct function *find(uint32_t address)
{
    for (uint32_t i = 0; i < count; i++)
        if (functions[i].at == (address & ~UINT32_C(0xfff)))
            return &functions[i];
    return NULL;
}

static uint32_t space_read(void *context, uint32_t address)
{
    const struct function *f = find(address);

    (void)context;
    assert_int_equal(address & 3, 0);
    return f == NULL ? NOBODY : f->words[(address & 0xfff) / 4];
}

static void space_write(void *context, uint32_t address, uint32_t value)
{
    struct function *f = find(address);
    const uint32_t word = (address & 0xfff) / 4;

    (void)context;
    assert_non_null(f);
    if (word == COMMAND) {
        assert_int_equal(value >> 16, 0);
        f->words[COMMAND] = (f->words[COMMAND] & 0xffff0000) | value;
        return;
    }
    if (word > 64 && (f->words[word - 1] & 0xffff) == 0x000d) {
        const uint32_t kept = 0x0000ffff | f->fixed;
        f->words[word] = (f->words[word] & kept) | (value & ~kept);
        return;
    }
    assert_in_range(word, 4, 9);
    f->open += (f->words[COMMAND] & 3) != 0;
    f->words[word] = (value & f->sizes[word - 4]) | (f->words[word] & ~f->sizes[word - 4]);
}

static struct function *add(uint32_t bus, uint32_t device, uint32_t function, uint32_t class)
{
    struct function *f = &functions[count++];

    assert_true(count <= FUNCTIONS);
    memset(f, 0, sizeof(*f));
    f->at = pci_address(bus, device, function, 0);
    f->words[0] = 0x12348086;
    f->words[COMMAND] = 0x00100503;
    f->words[2] = class << 8;
    f->words[3] = BIT32(23);
    return f;
}

static void add_capability(struct function *f, uint32_t at, uint32_t head)
{
    f->words[at / 4] = head | f->words[13] << 8;
    f->words[13] = at;
}

/* A PCI Express capability for a function of this type. */
static void add_express(struct function *f, uint32_t port, bool flr)
{
    add_capability(f, 0xe0, 0x10 | port << 20);
    f->words[0xe4 / 4] = flr ? BIT32(28) : 0;
}

static void add_acs(struct function *f, uint32_t flags)
{
    f->words[0x100 / 4] = 0x1234 | 0x140u << 20;
    f->words[0x140 / 4] = 0x000d;
    f->words[0x144 / 4] = flags;
}

#define ACS_ALL 0x1d

static struct function *add_bridge(uint32_t bus, uint32_t device, uint32_t port, uint32_t from,
                                   uint32_t to)
{
    struct function *f = add(bus, device, 0, 0x060400);

    f->words[3] = BIT32(16);
    f->words[6] = from << 8 | to << 16;
    if (port != PCI_PORT_NONE)
        add_express(f, port, false);
    return f;
}

static void read_all(bool extended)
{
    const struct pci_access access = {space_read, space_write, NULL, 0, 0, 255, extended};

    memset(&list, 0, sizeof(list));
    pci_list_add(&list, &access);
    pci_list_group(&list);
    assert_int_equal(list.count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(functions[i].open, 0);
        assert_int_equal(functions[i].words[COMMAND] & 0xffff, 0x503);
    }
}

static void expect_text(uint32_t entry, const char *text)
{
    char buf[PCI_TEXT_MAX];

    pci_list_text(&list.entries[entry], buf, sizeof(buf));
    assert_string_equal(buf, text);
}

static int setup(void **state)
{
    (void)state;
    count = 0;
    return 0;
}

static void bars_are_sized_and_left_alone(void **state)
{
    struct function *f = add(0, 3, 0, 0x010802);
    (void)state;
    f->words[4] = 0xfe000004; /* 64 bits, 16 KiB */
    f->words[5] = 0x00000001;
    f->sizes[0] = 0xffffc000, f->sizes[1] = 0xffffffff;
    f->words[6] = 0xd0000008; /* prefetchable, 256 MiB */
    f->sizes[2] = 0xf0000000;
    f->words[7] = 0x0000c001; /* 32 ports; the upper half is not there */
    f->sizes[3] = 0x0000ffe0;
    read_all(false);
    expect_text(0, "00:03.0 8086:1234 nvme, group 0, no MSI, no reset, "
                   "BAR 0 16 KiB wide at 0x1fe000000, BAR 2 256 MiB prefetchable at 0xd0000000, "
                   "BAR 3 32 ports");
    assert_int_equal(list.entries[0].bars[0].base, UINT64_C(0x1fe000000));
    assert_true(list.entries[0].bars[0].wide);
    assert_int_equal(list.entries[0].bars[3].base, 0xc000);
    assert_int_equal(f->words[4], 0xfe000004);
    assert_int_equal(f->words[5], 1);
    assert_int_equal(f->words[6], 0xd0000008);
}

static void a_huge_bar(void **state)
{
    struct function *f = add(0, 3, 0, 0x030000);
    (void)state;
    f->words[8] = 0x0000000c; /* above 4 GiB, and not one that is cut off by the last BAR */
    f->sizes[5] = 0xfffffffc;
    f->words[9] = 0x00000040;
    f->words[4] = 0x00000004; /* all of it: the last BAR cannot be wide */
    read_all(false);
    assert_int_equal(list.entries[0].bars[4].size, 16 * GIB);
    assert_int_equal(list.entries[0].bars[4].base, UINT64_C(0x4000000000));
    assert_int_equal(list.entries[0].bars[5].size, 0);
}

static void host_bridges_keep_their_bars(void **state)
{
    struct function *f = add(0, 0, 0, 0x060000);
    (void)state;
    f->sizes[0] = 0xfffff000;
    read_all(false);
    assert_int_equal(list.entries[0].bars[0].size, 0);
    expect_text(0, "00:00.0 8086:1234 host bridge, group 0");
}

static void capabilities_are_found(void **state)
{
    struct function *f = add(2, 0, 0, 0x020000);
    (void)state;
    add_capability(f, 0x50, 0x05);
    add_capability(f, 0x60, 0x11 | 0x00040000);
    f->words[0x64 / 4] = 0x00002003;
    add_express(f, PCI_PORT_ENDPOINT, true);
    add_capability(f, 0x70, 0x01);
    read_all(false);
    expect_text(0, "02:00.0 8086:1234 ethernet, group 0, PCIe, MSI, MSI-X 5 in BAR 3 at 0x2000, "
                   "reset flr");
}

static void resets_in_their_order(void **state)
{
    struct function *power = add(0, 1, 0, 0x0c0330), *af = add(0, 2, 0, 0x0c0330);
    struct function *none = add(0, 3, 0, 0x0c0330), *alone = NULL;
    (void)state;
    add_capability(power, 0x50, 0x01);
    add_capability(af, 0x50, 0x01);
    add_capability(af, 0x60, 0x13 | BIT32(24) | BIT32(25));
    add_capability(none, 0x50, 0x01);
    none->words[0x54 / 4] = BIT32(3);
    add_bridge(0, 4, PCI_PORT_NONE, 1, 1);
    alone = add(1, 0, 0, 0x020000);
    read_all(false);
    assert_int_equal(list.entries[0].reset, PCI_RESET_POWER);
    assert_int_equal(list.entries[1].reset, PCI_RESET_AF);
    assert_int_equal(list.entries[2].reset, PCI_RESET_NONE);
    assert_int_equal(list.entries[4].reset, PCI_RESET_BUS);
    count = 0;
    add_bridge(0, 4, PCI_PORT_NONE, 1, 1);
    add(1, 0, 0, 0x020000);
    add(1, 0, 1, 0x020000);
    add_bridge(1, 1, PCI_PORT_NONE, 2, 2);
    add(2, 0, 0, 0x020000);
    read_all(false);
    for (uint32_t i = 0; i < 5; i++) /* but for bridges */
        assert_int_equal(list.entries[i].reset, i % 3 == 0 ? PCI_RESET_NONE : PCI_RESET_BUS);
    assert_null(pci_list_bridge(&list, &list.entries[0]));
    assert_ptr_equal(pci_list_bridge(&list, &list.entries[1]), &list.entries[0]);
    assert_ptr_equal(pci_list_bridge(&list, &list.entries[4]), &list.entries[3]);
    (void)alone;
}

/* Lists that lead round, out of what there is, or into the header. */
static void broken_lists_end(void **state)
{
    static const uint32_t heads[] = {0x4005, 0x8005, 0xff11, 0x0405, 0xfc10, 0xfc01, 0x5013};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(heads); i++) {
        struct function *f = add(0, i, 0, 0x020000);
        f->words[13] = 0x43; /* the low bits are to be ignored */
        f->words[0x40 / 4] = heads[i];
        f->words[0xfc / 4] = heads[i];
        for (uint32_t w = 64; w < WORDS; w++)
            f->words[w] = 0xffc0000d; /* all extended ones point to the last */
        f->words[0xe0 / 4] = 0;
    }
    read_all(true);
}

static void no_list_without_the_bit(void **state)
{
    struct function *f = add(0, 1, 0, 0x020000);
    (void)state;
    add_capability(f, 0x50, 0x05);
    f->words[COMMAND] &= 0xffff;
    read_all(false);
    assert_false(list.entries[0].msi);
}

static uint32_t group(uint32_t entry)
{
    return list.entries[entry].group;
}

static void functions_of_a_device_are_together(void **state)
{
    (void)state;
    add(0, 1, 0, 0x020000);
    add(0, 1, 1, 0x020000);
    add(0, 2, 0, 0x020000);
    read_all(true);
    assert_int_equal(group(0), 0);
    assert_int_equal(group(1), 0);
    assert_int_equal(group(2), 1);
}

/* Behind a port there is one device, whatever numbers its functions have (ARI). */
static void a_link_leads_to_one_device(void **state)
{
    (void)state;
    add_acs(add_bridge(0, 1, PCI_PORT_ROOT, 1, 1), ACS_ALL);
    add(1, 0, 0, 0x020000);
    add(1, 1, 0, 0x020000);
    read_all(true);
    assert_int_not_equal(group(0), group(1));
    assert_int_equal(group(1), group(2));
}

static void acs_keeps_them_apart(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        struct function *f = add(0, 1, i, 0x020000);
        add_express(f, PCI_PORT_ENDPOINT, false);
        add_acs(f, ACS_ALL);
    }
    read_all(true);
    assert_int_not_equal(group(0), group(1));
    read_all(false); /* where its registers are not reached, nothing is promised */
    assert_int_equal(group(0), group(1));
    add_acs(&functions[1], ACS_ALL & ~UINT32_C(4));
    read_all(true);
    assert_int_equal(group(0), group(1));
}

static void bridges_mix_unless_they_separate(void **state)
{
    struct function *root;
    (void)state;
    root = add_bridge(0, 1, PCI_PORT_ROOT, 1, 1);
    add(1, 0, 0, 0x020000);
    add_bridge(0, 2, PCI_PORT_ROOT, 2, 2);
    add(2, 0, 0, 0x020000);
    add_bridge(0, 3, PCI_PORT_NONE, 3, 3);
    add(3, 0, 0, 0x020000);
    add(3, 1, 0, 0x020000);
    add_acs(root, ACS_ALL);
    read_all(true);
    assert_int_not_equal(group(0), group(3)); /* the list is in the order of the buses */
    assert_int_equal(group(1), group(4));
    assert_int_equal(group(2), group(5));
    assert_int_equal(group(2), group(6));
    assert_int_not_equal(group(3), group(4));
    assert_int_not_equal(group(4), group(5));
}

/* Firmware leaves ACS off: it is switched on, and counts where that is so. What else is on stays,
 * but for the way past it. */
static void acs_is_switched_on(void **state)
{
    struct function *root;
    (void)state;
    root = add_bridge(0, 1, PCI_PORT_ROOT, 1, 1);
    add(1, 0, 0, 0x020000);
    add_acs(root, 0x7f | (uint32_t)(BIT32(1) | BIT32(6)) << 16);
    read_all(true);
    assert_int_not_equal(group(0), group(1));
    assert_int_equal(root->words[ACS], 0x7f | 0x1f << 16);
    root->fixed = BIT32(18); /* RR does not go on */
    root->words[ACS] = 0x7f;
    read_all(true);
    assert_int_equal(group(0), group(1));
    root->fixed = BIT32(22); /* direct translated P2P does not go off */
    root->words[ACS] = 0x7f | BIT32(22);
    read_all(true);
    assert_int_equal(group(0), group(1));
}

/* A switch below a port that separates: its downstream ports do, or all behind them are one. */
static void a_switch(void **state)
{
    (void)state;
    for (uint32_t good = 0; good < 2; good++) {
        count = 0;
        add_acs(add_bridge(0, 1, PCI_PORT_ROOT, 1, 4), ACS_ALL);
        add_bridge(1, 0, PCI_PORT_UPSTREAM, 2, 4);
        for (uint32_t i = 0; i < 2; i++) {
            struct function *port = add_bridge(2, i, PCI_PORT_DOWNSTREAM, 3 + i, 3 + i);
            add(3 + i, 0, 0, 0x020000);
            if (good)
                add_acs(port, ACS_ALL);
        }
        read_all(true);
        assert_int_equal(good, group(4) != group(5));
        assert_int_not_equal(group(0), group(4));
    }
}

/* A bridge that nobody set up names bus 0. */
static void bridges_without_a_bus(void **state)
{
    (void)state;
    add_bridge(0, 1, PCI_PORT_NONE, 0, 255);
    add(0, 2, 0, 0x020000);
    add(5, 0, 0, 0x020000);
    read_all(false);
    assert_int_not_equal(group(0), group(1));
    assert_int_not_equal(group(0), group(2));
}

static void more_than_fit(void **state)
{
    const struct pci_access access = {space_read, space_write, NULL, 0, 0, 255, false};
    (void)state;
    add(0, 1, 0, 0x020000);
    memset(&list, 0, sizeof(list));
    list.count = PCI_LIST_MAX;
    pci_list_add(&list, &access);
    assert_int_equal(list.count, PCI_LIST_MAX);
    assert_int_equal(list.left_out, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bars_are_sized_and_left_alone, setup),
        cmocka_unit_test_setup(a_huge_bar, setup),
        cmocka_unit_test_setup(host_bridges_keep_their_bars, setup),
        cmocka_unit_test_setup(capabilities_are_found, setup),
        cmocka_unit_test_setup(resets_in_their_order, setup),
        cmocka_unit_test_setup(broken_lists_end, setup),
        cmocka_unit_test_setup(no_list_without_the_bit, setup),
        cmocka_unit_test_setup(functions_of_a_device_are_together, setup),
        cmocka_unit_test_setup(a_link_leads_to_one_device, setup),
        cmocka_unit_test_setup(acs_keeps_them_apart, setup),
        cmocka_unit_test_setup(acs_is_switched_on, setup),
        cmocka_unit_test_setup(bridges_mix_unless_they_separate, setup),
        cmocka_unit_test_setup(a_switch, setup),
        cmocka_unit_test_setup(bridges_without_a_bus, setup),
        cmocka_unit_test_setup(more_than_fit, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

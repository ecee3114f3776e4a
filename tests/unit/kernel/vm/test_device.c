/* SPDX-License-Identifier: MIT */
/*
 * test_device: a guest's device over its lives: what its registers hold before the guest runs, that
 * it is cut off before anything else happens, how it is reset, and where its interrupts go.
 */
#include "kernel/vm/device.h"

#include <stdio.h>

#include "mm/host.h"
#include "support.h"

#define PLACE   pci_address(0, 3, 0, 0)
#define MSI     0x50u
#define EXPRESS 0x60u
#define POWER   0x80u
#define AF      0x90u
#define FLR     BIT32(15)
#define ACS     0x144u

static uint32_t words[1024]; /* the device's configuration space */
static uint32_t bridge_words[1024], held[1024];
static struct vm vm;
static struct vcpu vcpus[2];
static struct vcpu_soft softs[2];
static struct plan_guest plan;
static struct pci_entry entry;
static struct iommu iommu;
static char told[400]; /* what the IOMMU was told, and what was waited for */
static bool closes, vanishes, answers;
static uint32_t returns_after; /* so many waits */
static uint32_t command_at_close;

static void tell(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void tell(const char *fmt, ...)
{
    const size_t len = strlen(told);
    va_list args;

    va_start(args, fmt);
    vsnprintf(told + len, sizeof(told) - len, fmt, args);
    va_end(args);
}

enum status iommu_assign(struct iommu *i, const struct pci_entry *function, uint32_t messages,
                         uint32_t guest, const struct guest_map *map)
{
    assert_ptr_equal(i, &iommu);
    assert_ptr_equal(function, &entry);
    assert_ptr_equal(map, &plan.map);
    tell("assign %u %u;", messages, guest);
    return OK;
}

bool iommu_open(struct iommu *i, uint16_t id)
{
    (void)i;
    assert_int_equal(words[1] & 4, 0); /* it masters nothing yet */
    tell("open %x;", id);
    return answers;
}

bool iommu_close(struct iommu *i, uint16_t id)
{
    (void)i;
    command_at_close = words[1];
    tell("close %x;", id);
    return closes;
}

void iommu_message(const struct iommu *i, uint16_t id, uint32_t index, uint32_t *address,
                   uint32_t *data)
{
    (void)i;
    *address = 0xfee00018 | (uint32_t)id << 5;
    *data = index;
}

bool iommu_route(struct iommu *i, uint16_t id, uint32_t index, uint32_t apic_id, uint8_t vector)
{
    (void)i;
    assert_int_equal(index, 0);
    tell("route %x %u %x;", id, apic_id, vector);
    return answers;
}

void tsc_delay_us(const struct tsc *tsc, uint32_t us)
{
    (void)tsc;
    assert_int_equal(words[1] & 4, 0); /* what is waited for masters nothing any more */
    if (bridge_words[15] & BIT32(22) && us >= 1000)
        held[0] += us;
    if (us != 1000)
        tell("wait %u %s%x;", us, words[(EXPRESS + 8) / 4] & FLR ? "flr " : "",
             words[(POWER + 4) / 4] & 3);
    words[(EXPRESS + 8) / 4] &= ~FLR; /* reads as 0 */
    if (us == 100000 || us == 10000)
        words[4] = words[ACS / 4] = 0; /* the reset took its BAR */
    if (vanishes)
        words[0] = UINT32_MAX;
    if (returns_after > 0 && --returns_after == 0)
        words[0] = 0x11e81234;
}

/* Of tables; test_table.c. */
void *host_window(const struct host_core *core, hpa_t address)
{
    (void)core;
    return (void *)(uintptr_t)address.v;
}

void host_window_close(const struct host_core *core)
{
    (void)core;
}

const struct guest_region *guest_map_find(const struct guest_map *map, gpa_t address)
{
    (void)map;
    (void)address;
    return NULL;
}

bool virt_write_once(struct vcpu *v)
{
    (void)v;
    return false;
}

void *pages_get(struct pages *pages, uint64_t count, uint64_t align)
{
    static ALIGNED(64) uint8_t memory[8 * PAGE_SIZE];

    (void)align;
    assert_true(count * PAGE_SIZE <= sizeof(memory));
    memset(memory, 0, sizeof(memory));
    return pages ? memory : NULL;
}

static int setup(void **state)
{
    static struct pages some;

    (void)state;
    memset(words, 0, sizeof(words));
    memset(&vm, 0, sizeof(vm));
    memset(&plan, 0, sizeof(plan));
    told[0] = '\0';
    closes = answers = true;
    vanishes = false;
    returns_after = 0;
    words[0] = 0x11e81234;
    words[1] = 0x00100507;
    words[3] = 0x00000010;
    words[4] = 0xfea00000;
    words[0x34 / 4] = MSI;
    words[MSI / 4] = 0x01b26005; /* 64 bits, masks, several vectors, on */
    words[EXPRESS / 4] = 0x00018010;
    words[EXPRESS / 4 + 1] = 0x10000000;
    words[EXPRESS / 4 + 2] = 0x000f2910;
    words[POWER / 4] = 0x00039001;
    words[ACS / 4] = 0x001d001d;
    words[AF / 4] = 0x03060013;
    entry = (struct pci_entry){.address = PLACE,
                               .acs = ACS,
                               .reset = PCI_RESET_FLR,
                               .bars = {{.base = 0xfea00000, .size = 0x100000}}};
    plan.device_count = 1;
    plan.devices[0].entry = &entry;
    plan.devices[0].bars[0] = gpa(0xc0000000);
    vm.name = "a";
    vm.plan = &plan;
    vm.vcpus = vcpus;
    vm.vcpu_count = 2;
    vcpus[0].soft = &softs[0];
    softs[0].peers = (struct vapic_peers){.count = 2, .apic_ids = {4, 9}};
    assert_int_equal(device_build(&vm, 2, &iommu, hpa((uintptr_t)words - PLACE), &some), OK);
    assert_string_equal(told, "assign 1 2;");
    told[0] = '\0';
    return 0;
}

static void expect_told(const char *text)
{
    assert_string_equal(told, text);
    told[0] = '\0';
}

static void set(uint32_t reg, uint32_t mask, uint32_t value)
{
    device_write(&vm, 0, reg, mask, value);
}

static void a_life_begins(void **state)
{
    (void)state;
    assert_null(device_enter(&vm));
    expect_told("route 18 0 0;open 18;");
    assert_int_equal(words[1] & 0xffff, 0x0402); /* decodes memory, has no pin, masters nothing */
    assert_int_equal(words[MSI / 4], 0x01826005);
    assert_int_equal(words[MSI / 4 + 1], 0xfee00018 | 0x18 << 5);
    assert_int_equal(words[MSI / 4 + 2], 0);
    assert_int_equal(words[MSI / 4 + 3], 0);
    assert_int_equal(words[MSI / 4 + 4], 0xfffffffe);
    assert_int_equal(words[EXPRESS / 4 + 2], 0x00002110); /* snoops; no error is cleared */
    assert_int_equal(device_read(&vm, 0, 0x10), 0xc0000000);
}

static void interrupts(void **state)
{
    (void)state;
    assert_null(device_enter(&vm));
    told[0] = '\0';
    set(MSI + 4, UINT32_MAX, 0xfee09000); /* to APIC id 9 */
    set(MSI + 12, 0xffff, 0x61);
    expect_told("route 18 0 0;route 18 0 0;"); /* not enabled yet */
    set(MSI, 0xffff0000, 0x00010000);
    expect_told("route 18 9 61;");
    assert_int_equal(words[MSI / 4], 0x01836005);
    assert_int_equal(words[MSI / 4 + 1], 0xfee00018 | 0x18 << 5);
    set(MSI + 12, 0xffff, 0x1f); /* an exception's */
    expect_told("route 18 0 0;");
    set(MSI + 12, 0xff, 0x62);
    expect_told("route 18 9 62;");
    set(MSI + 4, UINT32_MAX, 0xfee05000); /* nobody of the guest's */
    expect_told("route 18 0 0;");
    set(MSI, 0xffff0000, 0);
    expect_told("route 18 0 0;");
    assert_int_equal(words[MSI / 4], 0x01826005);
    set(MSI + 16, UINT32_MAX, 1);
    expect_told("");
    assert_int_equal(words[MSI / 4 + 4], 0xffffffff);
}

static void mastering(void **state)
{
    (void)state;
    assert_null(device_enter(&vm));
    words[1] = 0x20100402;
    set(4, 0xffff, 0x0406);
    assert_int_equal(words[1], 0x00100406); /* an error that is not written 1 stays */
    set(4, 0xff, 0);
    assert_int_equal(words[1] & 0xffff, 0x0402);
    set(6, 0, 0);
    words[1] |= 0x20000000;
    set(4, 0xff000000, 0x20000000);
    assert_int_equal(words[1] >> 24, 0x20); /* written 1: cleared */
}

static void a_life_ends(void **state)
{
    const char *why = NULL;

    (void)state;
    assert_null(device_enter(&vm));
    set(4, 0xffff, 6);
    set(MSI, 0xffff0000, 0x00010000);
    words[EXPRESS / 4 + 2] |= 0x200000; /* transactions are pending, for ever */
    told[0] = '\0';
    assert_null(device_leave(&vm, &why));
    assert_int_equal(command_at_close & 4, 4); /* nothing came before that */
    expect_told("close 18;route 18 0 0;wait 100000 flr 0;");
    assert_int_equal(words[1] & 0xffff, 0x0402);
    assert_int_equal(words[MSI / 4], 0x01826005);
    assert_int_equal(words[4], 0xfea00000);
    assert_int_equal(words[ACS / 4], 0x001d001d);
    assert_null(device_enter(&vm));
    assert_int_equal(device_read(&vm, 0, 4) & 0xffff, 2); /* as after a reset */
}

static void other_resets(void **state)
{
    const char *why = NULL;

    (void)state;
    entry.reset = PCI_RESET_POWER;
    assert_null(device_leave(&vm, &why));
    expect_told("close 18;route 18 0 0;wait 10000 3;wait 10000 0;");
    entry.reset = PCI_RESET_NONE;
    assert_null(device_leave(&vm, &why));
    expect_told("close 18;route 18 0 0;");
}

/* By its bridge; two of its functions at once, after both are silent. */
static void reset_by_the_bus(void **state)
{
    struct device two[2];
    const char *why = NULL;

    (void)state;
    entry.reset = PCI_RESET_BUS;
    assert_null(device_leave(&vm, &why)); /* there is no bridge */
    expect_told("close 18;route 18 0 0;");
    bridge_words[15] = 0x04050100; /* its timer has expired */
    vm.devices[0].bridge = bridge_words;
    plan.devices[0].bridge = &entry;
    two[0] = two[1] = vm.devices[0];
    vm.devices = two;
    vm.device_count = 2;
    memset(held, 0, sizeof(held));
    assert_null(device_leave(&vm, &why));
    expect_told("close 18;route 18 0 0;close 18;route 18 0 0;wait 2000 0;wait 100000 0;");
    assert_int_equal(held[0], 2000);
    assert_int_equal(bridge_words[15], 0x00050100); /* and writes no 1 to what that would clear */
    assert_int_equal(words[4], 0xfea00000);
    vanishes = true;
    assert_ptr_equal(device_leave(&vm, &why), &plan.devices[0]);
    assert_string_equal(why, "does not come back from its reset");
}

/* A device that wants to be asked again is not back yet. */
static void slow_to_return(void **state)
{
    const char *why = NULL;

    (void)state;
    entry.reset = PCI_RESET_NONE;
    words[0] = 0xffff0001;
    assert_ptr_equal(device_leave(&vm, &why), &plan.devices[0]);
    returns_after = 500;
    assert_null(device_leave(&vm, &why));
}

static void af_reset(void **state)
{
    static struct pages some;
    const char *why = NULL;

    (void)state;
    words[0x34 / 4] = AF;
    words[AF / 4] = 0x03060013;
    entry.reset = PCI_RESET_AF;
    vm.device_count = 0;
    assert_int_equal(device_build(&vm, 2, &iommu, hpa((uintptr_t)words - PLACE), &some), OK);
    told[0] = '\0';
    assert_null(device_leave(&vm, &why));
    expect_told("close 18;route 18 0 0;wait 100000 0;");
    assert_int_equal(words[AF / 4 + 1], 1);
}

static void lost(void **state)
{
    const char *why = NULL;

    (void)state;
    assert_null(device_enter(&vm));
    answers = false;
    set(MSI + 12, 0xffff, 0x61);
    assert_ptr_equal(device_enter(&vm), &plan.devices[0]);
    answers = true;
    assert_ptr_equal(device_leave(&vm, &why), &plan.devices[0]);
    assert_string_equal(why, "could not be cut off by the IOMMU");
    vm.devices[0].is_lost = false;
    assert_null(device_leave(&vm, &why));
    closes = false;
    assert_ptr_equal(device_leave(&vm, &why), &plan.devices[0]);
    assert_string_equal(why, "could not be cut off by the IOMMU");
    closes = vanishes = true;
    assert_ptr_equal(device_leave(&vm, &why), &plan.devices[0]);
    assert_string_equal(why, "does not come back from its reset");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_life_begins, setup),
        cmocka_unit_test_setup(interrupts, setup),
        cmocka_unit_test_setup(mastering, setup),
        cmocka_unit_test_setup(a_life_ends, setup),
        cmocka_unit_test_setup(other_resets, setup),
        cmocka_unit_test_setup(af_reset, setup),
        cmocka_unit_test_setup(lost, setup),
        cmocka_unit_test_setup(reset_by_the_bus, setup),
        cmocka_unit_test_setup(slow_to_return, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

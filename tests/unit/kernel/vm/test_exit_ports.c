/* SPDX-License-Identifier: MIT */
/*
 * test_exit_ports: to whom an access of a rare port goes: configuration space of virtual functions
 * and of real devices, the cable's UART, registers of links; and what stays of RAX.
 */
#include "kernel/vm/exit_ports.h"

#include <stdio.h>

#include "kernel/vm/cable.h"
#include "kernel/vm/device.h"
#include "kernel/vm/link.h"
#include "kernel/vm/serial.h"
#include "support.h"

static struct vm vm;
static struct vcpu v;
static struct device devices[2];
static struct cable cable;
static char told[80];

static void tell(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void tell(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(told, sizeof(told), fmt, args);
    va_end(args);
}

uint32_t device_read(const struct vm *of, uint32_t d, uint32_t reg)
{
    assert_ptr_equal(of, &vm);
    tell("read %u %x", d, reg);
    return 0x44332211;
}

void device_write(struct vm *of, uint32_t d, uint32_t reg, uint32_t mask, uint32_t value)
{
    assert_ptr_equal(of, &vm);
    tell("write %u %x %x %x", d, reg, mask, value & mask);
}

void serial_reroute(struct vm *of)
{
    assert_ptr_equal(of, &vm);
    tell("serial");
}

void cable_reroute(struct cable *c)
{
    assert_ptr_equal(c, &cable);
    tell("cable");
}

uint8_t cable_in(struct cable *c, uint32_t reg)
{
    assert_ptr_equal(c, &cable);
    tell("cable in %u", reg);
    return 0x5a;
}

void cable_out(struct cable *c, uint32_t reg, uint8_t value)
{
    assert_ptr_equal(c, &cable);
    tell("cable out %u %x", reg, value);
}

void link_ring(struct vm *of, uint32_t end, uint32_t side)
{
    assert_ptr_equal(of, &vm);
    tell("ring %u %u", end, side);
}

static int setup(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof(vm));
    memset(&v, 0, sizeof(v));
    told[0] = '\0';
    v.vm = &vm;
    vm.cable = &cable;
    vm.devices = devices;
    vm.device_count = 2;
    vpci_reset(&vm.pci);
    vpci_plug(&vm.pci, VPCI_CABLE, &vpci_cable);
    return 0;
}

static bool out(uint16_t port, uint8_t size, uint32_t value)
{
    v.regs.gpr[REG_RAX] = value;
    return exit_ports_rare(&v, (uint32_t)port << 16, size);
}

static bool in(uint16_t port, uint8_t size)
{
    v.regs.gpr[REG_RAX] = UINT64_C(0xaaaaaaaabbbbbbbb);
    return exit_ports_rare(&v, (uint32_t)port << 16 | PIO_IN, size);
}

static void latch(uint32_t slot, uint32_t reg)
{
    assert_true(out(VPCI_ADDRESS, 4, 0x80000000 | slot << 11 | reg));
}

static void real_devices(void **state)
{
    (void)state;
    latch(VPCI_DEVICE + 1, 0x40);
    assert_true(in(VPCI_DATA, 4));
    assert_string_equal(told, "read 1 40");
    assert_int_equal(v.regs.gpr[REG_RAX], 0x44332211);
    assert_true(in(VPCI_DATA + 2, 2));
    assert_int_equal(v.regs.gpr[REG_RAX], UINT64_C(0xaaaaaaaabbbb4433));
    assert_true(in(VPCI_DATA + 1, 1));
    assert_int_equal(v.regs.gpr[REG_RAX], UINT64_C(0xaaaaaaaabbbbbb22));
    assert_true(out(VPCI_DATA, 4, 0x12345678));
    assert_string_equal(told, "write 1 40 ffffffff 12345678");
    assert_true(out(VPCI_DATA + 2, 2, 0x99995678));
    assert_string_equal(told, "write 1 40 ffff0000 56780000");
    assert_true(out(VPCI_DATA + 3, 1, 0x9978));
    assert_string_equal(told, "write 1 40 ff000000 78000000");
    told[0] = '\0';
    latch(VPCI_DEVICE + 2, 0); /* the guest has no third one */
    assert_true(in(VPCI_DATA, 4));
    assert_int_equal(v.regs.gpr[REG_RAX], UINT32_MAX);
    assert_string_equal(told, "");
}

static void virtual_functions(void **state)
{
    (void)state;
    latch(VPCI_BRIDGE, 0);
    assert_true(in(VPCI_DATA, 4));
    assert_int_equal(v.regs.gpr[REG_RAX], 0x00081b36);
    assert_true(out(VPCI_DATA, 4, 0));
    assert_string_equal(told, "");
    latch(VPCI_UART, 4);
    assert_true(out(VPCI_DATA, 2, 7));
    assert_string_equal(told, "serial");
    latch(VPCI_CABLE, 4);
    assert_true(out(VPCI_DATA, 2, 7));
    assert_string_equal(told, "cable");
}

static void the_cable(void **state)
{
    (void)state;
    assert_true(in(0x2f9, 1));
    assert_string_equal(told, "cable in 1");
    assert_int_equal(v.regs.gpr[REG_RAX] & 0xff, 0x5a);
    assert_true(out(0x2ff, 1, 0x33));
    assert_string_equal(told, "cable out 7 33");
    assert_false(out(0x2f8, 2, 0));
    assert_false(out(0x4f8, 1, 0));
    vm.cable = NULL;
    assert_false(out(0x2f8, 1, 0));
}

static void links(void **state)
{
    struct vlink *device = &vm.ends[0].device;
    static _Atomic uint32_t alive = 2;

    (void)state;
    device->side_count = 2;
    device->alive = &alive;
    vlink_init(device, 0, 0, 0);
    vlink_reset(device);
    assert_false(exit_ports_link(&v, VLINK_PORT << 16 | PIO_IN));
    vm.end_count = 1;
    v.regs.gpr[REG_RAX] = UINT64_MAX;
    assert_true(exit_ports_link(&v, VLINK_PORT << 16 | PIO_IN));
    assert_int_equal(v.regs.gpr[REG_RAX], 0);
    v.regs.gpr[REG_RAX] = 1u << 16;
    assert_true(exit_ports_link(&v, (VLINK_PORT + 8) << 16));
    assert_string_equal(told, "ring 0 1");
    told[0] = '\0';
    v.regs.gpr[REG_RAX] = 1;
    assert_true(exit_ports_link(&v, (VLINK_PORT + 12) << 16));
    assert_string_equal(told, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(real_devices, setup),
        cmocka_unit_test_setup(virtual_functions, setup),
        cmocka_unit_test_setup(the_cable, setup),
        cmocka_unit_test_setup(links, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

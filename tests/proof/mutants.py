# SPDX-License-Identifier: MIT
"""
Mistakes that the proofs have to notice (tests/proof/run --mutants): source, the function whose
contract breaks ("table": what Eva says of the MSR table), what stands there, what is put there.
"""

MUTANTS = [
    # A guest's RAM may be the hypervisor's by one byte.
    ("kernel/plan/plan_valid.c", "plan_apart", "return a.base + a.size <= b.base ||",
     "return a.base + a.size <= b.base + 1 ||"),
    # The last guest is not looked at.
    ("kernel/plan/plan_valid.c", "plan_valid_apart", "other < plan->guest_count; other++",
     "other + 1 < plan->guest_count; other++"),
    # RAM that is in no free range is taken.
    ("kernel/plan/plan_valid.c", "plan_valid_ram", "!is_aligned(ram.base, PAGE_SIZE_2M) ||", ""),
    # A core can be held twice.
    ("kernel/plan/plan_valid.c", "plan_holds", "if (k != but && guest->cores[k] == core)",
     "if (k > but && guest->cores[k] == core)"),
    # A leaf may end beyond the guest's memory.
    ("vmx/ept_valid.c", "ept_is_leaf_of", "from + span <= part->from + part->size",
     "from <= part->from + part->size"),
    # A table may lie in somebody's RAM.
    ("vmx/ept_valid.c", "ept_valid_entry", " || !ept_is_table(map, entry - TABLE_BITS))", ")"),
    # The memory type goes where the rights are.
    ("vmx/ept.c", "ept_kind", "return type | EPT_LARGE;", "return type >> 1 | EPT_LARGE;"),
    # A row too many, or the wrong one.
    ("vdev/vmsr.c", "vmsr_row", "if (low == policy->count || index < rows[low].first) {",
     "if (low == policy->count) {"),
    # What has a row may be written though the row says no.
    ("vdev/vmsr.c", "vmsr_write", "if (row->write != MSR_EMULATE)\n        return false;", ""),
    # The clock may be written.
    ("vdev/msr_intel.c", "table", "{MSR_TSC, MSR_TSC, DIRECT, IGNORE,",
     "{MSR_TSC, MSR_TSC, DIRECT, DIRECT,"),
    # An IPI reaches whom the guest names, its own or not.
    ("vdev/vapic.c", "targets_of", "addressed_by_logical_id(peers, count, destination) & all",
     "addressed_by_logical_id(peers, count, destination)"),
    # The destination goes to the hardware as the guest wrote it.
    ("vdev/vapic.c", "vapic_write_icr", "action->value = ICR_ASSERT | (value & ICR_VECTOR);",
     "action->value = value;"),
    # A pin's LVT entry reaches the hardware.
    ("vdev/vapic.c", "write_lvt", "entry == VAPIC_LVT_ERROR)", "entry == VAPIC_LVT_LINT0)"),
    # Time wraps instead of stopping at its end.
    ("lib/time.c", "wide_shift", "if (v.high >> shift != 0)\n        return UINT64_MAX;", ""),
    # A closed port reads as zero.
    ("vdev/bus.c", "bus_in", "uint8_t byte = NO_DEVICE;\n    /*@", "uint8_t byte = 0;\n    /*@"),
    # What is refused is not counted.
    ("vdev/bus.c", "bus_in", "if (!known)\n        refused_count(refused, port);\n    return byte;",
     "return byte;"),
    # The UART answers at one port more.
    ("vdev/bus.c", "is_uart", "port < VUART_PORT + VUART_PORTS", "port <= VUART_PORT + VUART_PORTS"),
    # The clock is reached as a register that it does not have.
    ("vdev/bus.c", "device_in", "vrtc_in(&b->rtc, port - VRTC_PORT, now)",
     "vrtc_in(&b->rtc, port - VRTC_PORT + 1, now)"),
    # A write to nobody's port reaches the UART.
    ("vdev/bus.c", "device_out", "        return vpower_out(",
     "        vuart_out(&b->uart, port % VUART_PORTS, value);\n        return vpower_out("),
    # The bytes of a word go to the wrong ports.
    ("vdev/bus.c", "bus_out_wide", "device_out(b, (uint16_t)(port + i)",
     "device_out(b, (uint16_t)(port | i)"),
    # A word resets the machine at a port that takes bytes.
    ("vdev/bus.c", "bus_out_wide", "false, &event);", "true, &event);"),
    # Any sleep is a power-off.
    ("vdev/vpower.c", "is_power_off", "SLEEP_TYPE_SHIFT == VPOWER_S5_TYPE",
     "SLEEP_TYPE_SHIFT != 0"),
    # Any value resets.
    ("vdev/vpower.c", "vpower_out", "if (value == VPOWER_RESET_VALUE)", "if (value != 0)"),
    # Nothing is counted.
    ("vdev/refused.c", "refused_count", "r->total++;", ""),
    # One number too many is a call.
    ("kernel/vm/hypercall.c", "call_look_up", "return *number < BULKHEAD_CALL_COUNT;",
     "return *number <= BULKHEAD_CALL_COUNT;"),
    # A byte from behind the ring.
    ("lib/ring.c", "rx_get", "atomic_load_explicit(&r->bytes[tail & RX_MASK]",
     "atomic_load_explicit(&r->bytes[tail & (2 * RX_MASK)]"),
]

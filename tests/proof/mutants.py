# SPDX-License-Identifier: MIT
"""
Mistakes that the proofs have to notice (tests/proof/run --mutants): source, the function whose
contract breaks ("table": what Eva says of the MSR table), what stands there, what is put there.
"""

MUTANTS = [
    # A guest's RAM may be the hypervisor's by one byte.
    ("kernel/plan/plan_valid_map.c", "plan_valid_off", "!plan_apart(machine->own[i], plan_host(r)))",
     "machine->own[i].base + machine->own[i].size > r->to.v + 1)"),
    # The last guest is not looked at.
    ("kernel/plan/plan_valid_map.c", "plan_valid_owner", "o < plan->guest_count; o++",
     "o + 1 < plan->guest_count; o++"),
    # RAM that begins anywhere is taken.
    ("kernel/plan/plan_valid_map.c", "plan_valid_map",
     " ||\n        !is_aligned(map->rows[0].to.v, PAGE_SIZE_2M))", ")"),
    # A guest's RAM is in pieces that a scrub of it would not meet.
    ("kernel/plan/plan_valid_map.c", "plan_valid_map",
     "if (r->to.v != map->rows[0].to.v + ram)\n            return false;", ""),
    # A row on top of another, as the guest sees them.
    ("kernel/plan/plan_valid_map.c", "plan_valid_map",
     "r->at.v < map->rows[i - 1].at.v + map->rows[i - 1].size", "r->at.v < map->rows[i - 1].at.v"),
    # A shared row that only one side names: the other's RAM.
    ("kernel/plan/plan_valid_map.c", "plan_is_same_shared", " && b->kind == REGION_SHARED", ""),
    # A shared row that only one side names: nobody else has it.
    ("kernel/plan/plan_valid_map.c", "plan_valid_owner",
     "return named || plan->guests[g].map.rows[i].kind != REGION_SHARED;", "return true;"),
    # Shared with itself: one guest has it twice.
    ("kernel/plan/plan_valid_map.c", "plan_valid_against", "(o == g || !plan_is_same_shared",
     "(!plan_is_same_shared"),
    # A device with two owners.
    ("kernel/plan/plan_valid_map.c", "plan_is_same_shared",
     "return a->kind == REGION_SHARED && b->kind == REGION_SHARED",
     "return a->kind != REGION_RAM && a->kind == b->kind"),
    # A device's registers are somebody's memory, or anybody's.
    ("kernel/plan/plan_valid_map.c", "plan_valid_place",
     "return inside || r->kind == REGION_DEVICE;",
     "return inside || r->kind == REGION_DEVICE || r->kind == REGION_SHARED;"),
    # Memory that guests share is cached by one and not by the other.
    ("kernel/plan/plan_valid_map.c", "plan_valid_row", "memory ? r->type == PT_WRITE_BACK",
     "memory ? true"),
    # A guest on two sides of a link, of which one may only read.
    ("kernel/plan/plan_valid_links.c", "plan_valid_sides", "s < link->side_count; s++",
     "s + 1 < link->side_count; s++"),
    # A guest that has one side twice.
    ("kernel/plan/plan_valid_links.c", "plan_valid_ends",
     " || !plan_is_linked_once(guest, e)", ""),
    # A disk is copied from what a guest may have changed.
    ("kernel/plan/plan_valid_disks.c", "plan_valid_disk", "!plan_is_kept(machine, module->place)",
     "false"),
    # A file's pages are two disks.
    ("kernel/plan/plan_valid_disks.c", "plan_is_sole", "module == module && (o != g || k != d)",
     "module == module && (o != g && k != d)"),
    # A disk that nobody loads: what was there before can be read.
    ("kernel/plan/plan_valid_disks.c", "plan_is_named_row",
     "return guest->map.rows[i].kind != REGION_DISK;", "return true;"),
    # A disk that may only be read is written.
    ("kernel/plan/plan_valid_disks.c", "plan_is_disk", "r->rights != (PT_R | PT_X)",
     "r->rights != (PT_R | PT_W)"),
    # An image whose file a guest may change.
    ("kernel/plan/plan_valid_disks.c", "plan_valid_files", " && !guest->image_module->given", ""),
    # A core can be held twice.
    ("kernel/plan/plan_valid.c", "plan_holds", "if (k != but && guest->cores[k] == core)",
     "if (k > but && guest->cores[k] == core)"),
    # A leaf may end beyond the guest's memory.
    ("vmx/ept_valid.c", "ept_is_leaf_of", "from + span <= row->at.v + row->size",
     "from <= row->at.v + row->size"),
    # A guest may write what its row lets it read.
    ("vmx/ept_valid.c", "ept_is_leaf_of", "row->rights + ept_type_bits",
     "RIGHTS_BITS + ept_type_bits"),
    # Rights that carry into the address.
    ("vmx/ept_valid.c", "ept_is_leaf_of", " || row->rights > RIGHTS_BITS", ""),
    # A device's registers are cached.
    ("vmx/ept_valid.c", "ept_type_bits", "return type == PT_WRITE_COMBINING ? 0x08 : 0;",
     "return type == PT_WRITE_COMBINING ? 0x08 : 0x70;"),
    # A guest's PAT makes its RAM uncached.
    ("vmx/ept_valid.c", "ept_type_bits", "return 0x70;", "return 0x30;"),
    # A table may lie in somebody's RAM.
    ("vmx/ept_valid.c", "ept_valid_entry", " || !ept_is_table(tables, entry - TABLE_BITS))", ")"),
    # The memory type goes where the rights are.
    ("vmx/ept.c", "ept_kind", "return type | EPT_LARGE;", "return type >> 1 | EPT_LARGE;"),
    # The same of AMD's tables: a leaf may end beyond the guest's memory, ...
    ("svm/npt_valid.c", "npt_is_leaf_of", "from + span > row->at.v + row->size",
     "from > row->at.v + row->size"),
    # ... a large page may begin in the middle of one, ...
    ("svm/npt_valid.c", "npt_is_leaf_of", "host % span == 0 && ", ""),
    # ... a row that may not even be read has a leaf, ...
    ("svm/npt_valid.c", "npt_is_leaf_of", " || row->rights % 2 == 0", ""),
    # ... a guest may write what its row lets it read, ...
    ("svm/npt_valid.c", "npt_leaf_bits", "(row->rights / 2 % 2 == 1 ? WRITE_BITS : 0)",
     "WRITE_BITS"),
    # ... or execute it, ...
    ("svm/npt_valid.c", "npt_leaf_bits", "(row->rights < 4 ? EXECUTE_NOT : 0)",
     "(row->rights < 2 ? EXECUTE_NOT : 0)"),
    # ... a device's registers are cached, ...
    ("svm/npt_valid.c", "npt_type_bits", "? 0x08 : 0x18;", "? 0x08 : 0;"),
    # ... or a table may lie in somebody's RAM.
    ("svm/npt_valid.c", "npt_valid_entry", " || !npt_is_table(tables, entry - TABLE_BITS))", ")"),
    # What must not be executed can be.
    ("svm/npt.c", "npt_grant", "low + NPT_NX;", "low;"),
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
    # The timer has one channel more.
    ("vdev/vpit.c", "vpit_in", "port >= VPIT_PORT + VPIT_CHANNELS)",
     "port > VPIT_PORT + VPIT_CHANNELS)"),
    # A write to nobody's port reaches the UART.
    ("vdev/bus.c", "device_out", "        return vpower_out(",
     "        vuart_out(&b->uart, port % VUART_PORTS, value);\n        return vpower_out("),
    # The bytes of a word go to the wrong ports.
    ("vdev/bus.c", "bus_out_wide", "device_out(b, (uint16_t)(port + i)",
     "device_out(b, (uint16_t)(port | i)"),
    # A word resets the machine at a port that takes bytes.
    ("vdev/bus.c", "bus_out_wide", "false, now, &event);", "true, now, &event);"),
    # Any sleep is a power-off.
    ("vdev/vpower.c", "is_power_off", "SLEEP_TYPE_SHIFT == VPOWER_S5_TYPE",
     "SLEEP_TYPE_SHIFT != 0"),
    # Any value resets.
    ("vdev/vpower.c", "vpower_out", "if (value == VPOWER_RESET_VALUE)", "if (value != 0)"),
    # Nothing is counted.
    ("vdev/refused.c", "refused_count", "r->total++;", ""),
    # One number too many is a call.
    ("kernel/vm/hypercall.c", "call_look_up", "&& eax < BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT;",
     "&& eax <= BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT;"),
    # A byte from behind the ring.
    ("lib/ring.c", "rx_get", "atomic_load_explicit(&r->bytes[tail & RX_MASK]",
     "atomic_load_explicit(&r->bytes[tail & (2 * RX_MASK)]"),
]

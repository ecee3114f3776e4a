# SPDX-License-Identifier: MIT
"""
Mistakes that the proofs have to notice (tests/proof/run --mutants): source, the function whose
contract breaks ("table": what Eva says of the MSR table), what stands there, what is put there.
"""

MUTANTS = [
    # A guest's RAM may be the hypervisor's by one byte.
    ("kernel/plan_valid.c", "plan_apart", "return a.base + a.size <= b.base ||",
     "return a.base + a.size <= b.base + 1 ||"),
    # The last guest is not looked at.
    ("kernel/plan_valid.c", "plan_valid_apart", "other < plan->guest_count; other++",
     "other + 1 < plan->guest_count; other++"),
    # RAM that is in no free range is taken.
    ("kernel/plan_valid.c", "plan_valid_ram", "!is_aligned(ram.base, PAGE_SIZE_2M) ||", ""),
    # A core can be held twice.
    ("kernel/plan_valid.c", "plan_holds", "if (k != but && guest->cores[k] == core)",
     "if (k > but && guest->cores[k] == core)"),
    # A leaf may end beyond the guest's memory.
    ("mm/ept_valid.c", "ept_is_leaf_of", "from + span <= part->from + part->size",
     "from <= part->from + part->size"),
    # A table may lie in somebody's RAM.
    ("mm/ept_valid.c", "ept_valid_entry", " || !ept_is_table(map, entry - TABLE_BITS))", ")"),
    # The memory type goes where the rights are.
    ("mm/ept.c", "ept_kind", "return type | EPT_LARGE;", "return type >> 1 | EPT_LARGE;"),
    # A row too many, or the wrong one.
    ("vdev/vmsr.c", "vmsr_row", "if (low == ROWS || index < vmsr_rows[low].first) {",
     "if (low == ROWS) {"),
    # What has a row may be written though the row says no.
    ("vdev/vmsr.c", "vmsr_write", "if (row->write != MSR_EMULATE)\n        return false;", ""),
    # The clock may be written.
    ("vdev/vmsr.c", "table", "{MSR_TSC, MSR_TSC, DIRECT, IGNORE,",
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
]

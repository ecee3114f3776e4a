/* SPDX-License-Identifier: MIT */
/*
 * armour_tables: what the page tables of all cores say, as the processor would walk them.
 */
#include "drivers/lapic.h"
#include "kernel/core/cores.h"
#include "kernel/vm/vm.h"
#include "lib/bits.h"
#include "lib/x86/desc.h"
#include "lib/x86/insn.h"
#include "tests/hook/armour.h"

#define LOW_48 (PT_INPUT_MAX - 1)

/* linker.ld */
extern const uint8_t image_start[], image_text_end[], image_rodata_end[], image_sealed[],
    image_sealed_end[], image_end[];

bool armour_next_core(uint32_t *id, struct pagetable *pt)
{
    for (; *id < cores_made; (*id)++) {
        if (atomic_load(&cpus[*id]->stage) == CPU_ABSENT)
            continue;
        *pt = host_core_table(&cpus[(*id)++]->host);
        return true;
    }
    return false;
}

void armour_w_xor_x(struct vcpu *v)
{
    struct pagetable pt;

    armour_expect(read_cr3() == v->cpu->host.root.v, read_cr3());
    FOR_EACH_CORE(id, pt)
    {
        const struct host_audit audit = host_audit(&pt);
        armour_expect(audit.leaves > 0 && audit.write_execute == 0 && audit.user == 0, pt.root.v);
    }
}

static void expect_rights(const struct pagetable *pt, const uint8_t *from, const uint8_t *to,
                          uint32_t rights)
{
    struct pt_leaf leaf;

    for (uint64_t at = (uintptr_t)from; at < (uintptr_t)to; at += PAGE_SIZE)
        armour_expect(pt_look(pt, at, &leaf) && leaf.rights == rights && leaf.address.v <= at, at);
}

void armour_image(struct vcpu *v)
{
    struct pagetable pt;

    (void)v;
    FOR_EACH_CORE(id, pt)
    {
        expect_rights(&pt, image_start, image_text_end, PT_R | PT_X);
        expect_rights(&pt, image_text_end, image_rodata_end, PT_R);
        expect_rights(&pt, image_rodata_end, image_sealed, PT_R | PT_W);
        expect_rights(&pt, image_sealed, image_sealed_end, PT_R);
        expect_rights(&pt, image_sealed_end, image_end, PT_R | PT_W);
    }
    armour_expect((uintptr_t)image_sealed < (uintptr_t)image_sealed_end, 0);
}

void armour_guard_pages(struct vcpu *v)
{
    struct pagetable pt;
    struct pt_leaf leaf;

    (void)v;
    FOR_EACH_CORE(id, pt)
    {
        for (uint32_t s = 0; s < STACK_COUNT; s++) {
            const uint64_t top = host_stack_top((enum host_stack)s) & LOW_48;
            const uint64_t bottom = top - HOST_STACK_PAGES * PAGE_SIZE;

            armour_expect(pt_look(&pt, top - 1, &leaf) && leaf.rights == (PT_R | PT_W), top);
            armour_expect(pt_look(&pt, bottom, &leaf) && leaf.rights == (PT_R | PT_W), bottom);
            armour_expect(!pt_look(&pt, top, &leaf), top);
            armour_expect(!pt_look(&pt, bottom - 1, &leaf), bottom - 1);
        }
        armour_expect(!pt_look(&pt, (HOST_WINDOW & LOW_48) - 1, &leaf), HOST_WINDOW - 1);
        armour_expect(!pt_look(&pt, (HOST_WINDOW & LOW_48) + HOST_WINDOW_SIZE, &leaf), HOST_WINDOW);
    }
}

static struct {
    uint64_t base; /* of the physical page */
    uint64_t root; /* of the core whose stack it is part of */
} stack_pages[CORES_MAX * STACK_COUNT * HOST_STACK_PAGES];
static uint32_t stack_page_count;

static void collect_stack_pages(const struct pagetable *own)
{
    struct pt_leaf leaf;

    for (uint32_t s = 0; s < STACK_COUNT; s++) {
        const uint64_t top = host_stack_top((enum host_stack)s) & LOW_48;
        for (uint64_t i = 1; i <= HOST_STACK_PAGES; i++) {
            const bool mapped = pt_look(own, top - i * PAGE_SIZE, &leaf);
            armour_expect(mapped && leaf.size == PAGE_SIZE, top);
            stack_pages[stack_page_count].base = leaf.address.v;
            stack_pages[stack_page_count++].root = own->root.v;
        }
    }
}

/* The physical pages of each core's stacks are in no other core's tables, and once in its own. */
void armour_private(struct vcpu *v)
{
    struct pagetable pt;
    struct pt_leaf leaf;

    (void)v;
    stack_page_count = 0;
    FOR_EACH_CORE(id, pt)
    collect_stack_pages(&pt);
    FOR_EACH_CORE(id, pt)
    {
        uint32_t own = 0;
        for (uint64_t at = 0; pt_next(&pt, at, &leaf); at = leaf.from + leaf.size) {
            for (uint32_t i = 0; i < stack_page_count; i++) {
                if (stack_pages[i].base - leaf.address.v >= leaf.size)
                    continue;
                own++;
                armour_expect(stack_pages[i].root == pt.root.v, stack_pages[i].base);
            }
        }
        armour_expect(own == STACK_COUNT * HOST_STACK_PAGES, own);
    }
}

static void expect_unmapped(const struct pagetable *pt, const struct guest_map *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct range host = {map->rows[i].to.v, map->rows[i].size};
        armour_expect(!pt_maps_physical(pt, host), host.base);
    }
}

void armour_no_guest_memory(struct vcpu *v)
{
    struct pagetable pt;
    struct pt_leaf leaf;

    (void)v;
    FOR_EACH_CORE(id, pt)
    {
        for (uint32_t i = 0; i < cores_made; i++) {
            if (cpus[i]->vcpu)
                expect_unmapped(&pt, &cpus[i]->vcpu->vm->plan->map);
        }
        armour_expect(!pt_look(&pt, HOST_WINDOW & LOW_48, &leaf), HOST_WINDOW);
    }
}

/* kernel/start/trampoline.asm */
extern const uint8_t trampoline_start[], trampoline_end[];

/* The page below 1 MiB with the trampoline in it begins with a CLI and a HLT. */
static void expect_parked_trampoline(struct vcpu *v)
{
    const uint8_t *memory = host_window(&v->cpu->host, hpa(0));
    const size_t kept = 4, size = (size_t)(trampoline_end - trampoline_start);
    uint32_t found = 0;

    for (uint64_t at = PAGE_SIZE; at < MIB; at += PAGE_SIZE) {
        bool is_it = memory[at] == 0xfa;
        for (size_t i = kept; i < 32 && i < size; i++)
            is_it = is_it && memory[at + i] == trampoline_start[i];
        if (is_it)
            armour_expect(memory[at + 1] == 0xf4, at);
        found += is_it;
    }
    armour_expect(found == 1, found);
    host_window_close(&v->cpu->host);
}

void armour_unmapped(struct vcpu *v)
{
    struct pagetable pt;
    struct pt_leaf leaf = {0};

    FOR_EACH_CORE(id, pt)
    {
        armour_expect(pt_next(&pt, 0, &leaf) && leaf.from >= MIB, leaf.from);
        armour_expect(!pt_look(&pt, LAPIC_MMIO, &leaf), LAPIC_MMIO);
    }
    expect_parked_trampoline(v);
}

void armour_expect_constant(const struct vcpu *v, const void *what, size_t size)
{
    const struct pagetable map = host_core_table(&v->cpu->host);
    struct pt_leaf leaf;

    for (uint64_t at = (uintptr_t)what & ~(PAGE_SIZE - 1); at < (uintptr_t)what + size;
         at += PAGE_SIZE)
        armour_expect(pt_look(&map, at, &leaf) && leaf.rights == PT_R, at);
}

static void expect_constant(const struct pagetable *map, uint64_t at)
{
    struct pt_leaf leaf;

    armour_expect(pt_look(map, at, &leaf) && leaf.rights == PT_R, at);
}

/* All tables below `table`, as `map` has them; the window's is the one that changes. */
static void expect_tables_constant(const struct pagetable *map, const struct pagetable *walked,
                                   hpa_t table, uint32_t level, const volatile uint64_t *window)
{
    const struct pt_format *f = walked->format;
    const uint64_t *entries = (const uint64_t *)(uintptr_t)table.v;

    if (entries != window)
        expect_constant(map, table.v);
    for (uint32_t i = 0; i < PT_ENTRIES && level > 1; i++) {
        if (f->is_present(entries[i]) && !f->is_leaf(entries[i], level))
            expect_tables_constant(map, walked, f->address(entries[i], level), level - 1, window);
    }
}

/* Page tables, those of guests too, bitmaps, GDT, TSS, IDT. */
void armour_tables(struct vcpu *v)
{
    const struct pagetable map = host_core_table(&v->cpu->host);
    const struct table_register gdtr = read_gdtr();
    struct pagetable pt;

    FOR_EACH_CORE(id, pt)
    expect_tables_constant(&map, &pt, pt.root, PT_LEVELS, cpus[id - 1]->host.window_entry);
    for (uint32_t i = 0; i < cores_made; i++) {
        if (cpus[i]->vcpu)
            expect_tables_constant(&map, &cpus[i]->vcpu->vm->map, cpus[i]->vcpu->vm->map.root,
                                   PT_LEVELS, NULL);
    }
    armour_backend->constants(v);
    expect_constant(&map, gdtr.base);
    expect_constant(&map, descriptor_base(&gdtr, read_tr()));
    expect_constant(&map, read_idtr().base);
    expect_constant(&map, armour_wait_idtr().base);
    expect_constant(&map, (uintptr_t)v->vm->plan);
    expect_constant(&map, (uintptr_t)v->vm->plan->config);
}

static void expect_zero_entries(const struct pt_format *f, hpa_t table, uint32_t level)
{
    const uint64_t *entries = (const uint64_t *)(uintptr_t)table.v;

    for (uint32_t i = 0; i < PT_ENTRIES; i++) {
        if (!f->is_present(entries[i]))
            armour_expect(entries[i] == 0, (uintptr_t)&entries[i]);
        else if (level > 1 && !f->is_leaf(entries[i], level))
            expect_zero_entries(f, f->address(entries[i], level), level - 1);
    }
}

/* What is not present names no address that speculation could follow (L1TF). abuse: EP-23 */
void armour_zero_entries(struct vcpu *v)
{
    struct pagetable pt;

    (void)v;
    FOR_EACH_CORE(id, pt)
    expect_zero_entries(pt.format, pt.root, PT_LEVELS);
    for (uint32_t i = 0; i < cores_made; i++) {
        if (cpus[i]->vcpu)
            expect_zero_entries(cpus[i]->vcpu->vm->map.format, cpus[i]->vcpu->vm->map.root,
                                PT_LEVELS);
    }
}

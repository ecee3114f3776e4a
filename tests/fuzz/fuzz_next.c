/* SPDX-License-Identifier: MIT */
/*
 * fuzz_next: what the firmware says of two variables and of its runtime memory, in any bytes →
 * which set of files is taken, and what the hypervisor would map to call the firmware. What is
 * mapped is memory that nobody else has; a set is confirmed or tried only where a variable says
 * exactly that.
 *
 * Input: for each variable 25 bytes: found, attributes, size, record; then the place of
 * SetVariable, 8; then alternately a range of the memory map, 9 bytes, and a row of runtime
 * memory, 17.
 */
#include "kernel/config/next.h"
#include "kernel/start/runtime_map.h"

#include "lib/bits.h"
#include "support.h"

#define ROWS_MAX    16
#define RANGE_BYTES 9
#define ROW_BYTES   17
#define ID          UINT64_C(0x4242424242424242)

static struct boot_range ranges[ROWS_MAX];
static struct boot_runtime rows[ROWS_MAX];

static struct next_variable take_variable(struct fuzz_input *in)
{
    struct next_variable v = {.found = fuzz_u8(in) & 1};

    v.attributes = (uint32_t)fuzz_take(in, 4);
    v.size = fuzz_take(in, 4);
    v.record.magic = (uint32_t)fuzz_take(in, 4);
    v.record.version = (uint32_t)fuzz_take(in, 4);
    v.record.id = fuzz_take(in, 8);
    return v;
}

static bool names_id(const struct next_variable *v)
{
    return v->found && v->attributes == NEXT_ATTRIBUTES && v->size == 16 &&
           v->record.magic == NEXT_MAGIC && v->record.version == NEXT_VERSION && v->record.id == ID;
}

static void check_decision(struct fuzz_input *in)
{
    const struct next_variable tried = take_variable(in), confirmed = take_variable(in);
    uint64_t tried_id, confirmed_id;
    const char *flaw = next_flaw(&tried, &tried_id);

    DEMAND(flaw == NULL || tried_id == 0);
    flaw = next_flaw(&confirmed, &confirmed_id);
    DEMAND(flaw == NULL || confirmed_id == 0);
    const enum next_verdict verdict = next_decide(tried_id, confirmed_id, ID);
    DEMAND((verdict == NEXT_IS_CONFIRMED) == names_id(&confirmed));
    DEMAND((verdict == NEXT_IS_UNCONFIRMED) == (names_id(&tried) && !names_id(&confirmed)));
}

/* Sorted and apart, as the loader makes it; with gaps. */
static uint32_t take_ranges(struct fuzz_input *in, uint32_t count)
{
    uint64_t at = 0;
    uint32_t made = 0;

    for (; made < count && in->left >= RANGE_BYTES; made++) {
        const uint64_t gap = fuzz_take(in, 4), pages = 1 + fuzz_take(in, 4);
        at += gap * PAGE_SIZE;
        ranges[made] = (struct boot_range){at, pages * PAGE_SIZE, 1 + fuzz_u8(in) % 6, 0};
        at += pages * PAGE_SIZE;
    }
    return made;
}

static void check_row(const struct boot_runtime *r, uint32_t range_count)
{
    const uint64_t last = r->base + r->pages * PAGE_SIZE - 1;

    DEMAND(r->pages > 0 && r->pages <= BIT64(35) && r->base % PAGE_SIZE == 0);
    DEMAND(r->base >= MIB && last > r->base && last < BIT64(47));
    DEMAND(!(r->rights & BOOT_RUNTIME_WRITE) || !(r->rights & BOOT_RUNTIME_EXECUTE));
    for (uint32_t i = 0; i < range_count; i++)
        DEMAND(ranges[i].kind == BOOT_RAM_FIRMWARE || ranges[i].kind == BOOT_RAM_MMIO ||
               last < ranges[i].base || r->base > ranges[i].base + ranges[i].size - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct boot_info info = {.runtime = (uintptr_t)rows};
    bool is_code = false;

    check_decision(&in);
    info.set_variable = fuzz_take(&in, 8);
    const uint32_t range_count = take_ranges(&in, fuzz_u8(&in) % ROWS_MAX);
    for (; info.runtime_count < ROWS_MAX && in.left >= ROW_BYTES; info.runtime_count++)
        rows[info.runtime_count] = (struct boot_runtime){
            .base = fuzz_take(&in, 8), .pages = fuzz_take(&in, 8), .rights = fuzz_u8(&in)};
    const struct ram_list list = {ranges, range_count, 48};
    if (runtime_map_flaw(&info, &list) != NULL)
        return 0;
    DEMAND(info.runtime_count > 0);
    for (uint32_t i = 0; i < info.runtime_count; i++) {
        check_row(&rows[i], range_count);
        is_code |= (rows[i].rights & BOOT_RUNTIME_EXECUTE) &&
                   info.set_variable - rows[i].base < rows[i].pages * PAGE_SIZE;
    }
    DEMAND(is_code);
    return 0;
}

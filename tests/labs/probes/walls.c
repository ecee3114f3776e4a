/* SPDX-License-Identifier: MIT */
/*
 * walls: what guest_map_fill() maps, row by row, against a walker that only writes down what it is
 * asked for; and the permission maps against the real tree's.
 */
#include "probe.h"

#include "mm/guest_map.h"
#include "svm/bitmaps.h"
#include "vdev/vendor.h"

#define ROWS  4
#define CALLS 16

void bitmaps_before(struct svm_bitmaps *b, const struct msr_policy *policy);

enum { MAPPED, RIGHTS, FAILS, PORTS, MSRS, CHECKS };

static struct probe_check checks[CHECKS] = {
    [MAPPED] = {.what = "each region is mapped: all of it, once, and nothing beside it"},
    [RIGHTS] = {.what = "each region has its own rights and memory type"},
    [FAILS] = {.what = "when a region cannot be mapped, that is returned and no further one is"},
    [PORTS] = {.what = "every I/O port exits"},
    [MSRS] = {.what = "an access to an MSR exits unless its row says DIRECT for it"},
};

static struct {
    uint64_t from, to, size;
    uint32_t rights;
    enum pt_memory memory;
} calls[CALLS];
static uint32_t call_count, fails_at;

enum status pt_map(struct pagetable *pt, uint64_t from, hpa_t to, uint64_t size, uint32_t rights,
                   enum pt_memory memory)
{
    const uint32_t i = call_count++;

    (void)pt;
    if (i < CALLS) {
        calls[i].from = from;
        calls[i].to = to.v;
        calls[i].size = size;
        calls[i].rights = rights;
        calls[i].memory = memory;
    }
    return call_count == fails_at ? E_NOMEM : OK;
}

static const struct guest_map map = {
    .count = ROWS,
    .rows = {
        {.to = {0x40000000}, .size = 0x1000000, .rights = PT_R | PT_W | PT_X},
        {.at = {0x8000000},
         .to = {0x60000000},
         .size = 0x3000,
         .rights = PT_R | PT_X,
         .kind = REGION_DISK},
        {.at = {0xc0000000},
         .to = {0x50000000},
         .size = 0x2000,
         .rights = PT_R,
         .kind = REGION_SHARED},
        {.at = {0xc0100000},
         .to = {0xfe000000},
         .size = 0x1000,
         .rights = PT_R | PT_W,
         .type = PT_UNCACHED,
         .kind = REGION_DEVICE},
    }};

static void look_map(void)
{
    struct pagetable pt = {0};

    call_count = 0;
    fails_at = 0;
    const enum status s = guest_map_fill(&map, &pt);
    probe_case(&checks[MAPPED], s == OK, "an error", "OK");
    probe_case(&checks[MAPPED], call_count == ROWS, TEXT("%u calls of pt_map()", call_count),
               TEXT("%u", ROWS));
    for (uint32_t i = 0; i < ROWS && i < call_count; i++) {
        const struct guest_region *r = &map.rows[i];
        probe_case(&checks[MAPPED],
                   calls[i].from == r->at.v && calls[i].to == r->to.v && calls[i].size == r->size,
                   TEXT("0x%llx bytes at 0x%llx, from 0x%llx in the host",
                        (unsigned long long)calls[i].size, (unsigned long long)calls[i].from,
                        (unsigned long long)calls[i].to),
                   TEXT("0x%llx bytes at 0x%llx, from 0x%llx in the host",
                        (unsigned long long)r->size, (unsigned long long)r->at.v,
                        (unsigned long long)r->to.v));
        probe_case(&checks[RIGHTS], calls[i].rights == r->rights && calls[i].memory == r->type,
                   TEXT("rights %u, type %d for region %u", calls[i].rights, calls[i].memory, i),
                   TEXT("rights %u, type %d", r->rights, r->type));
    }
}

static void look_failures(void)
{
    struct pagetable pt = {0};

    for (fails_at = 1; fails_at <= ROWS; fails_at++) {
        call_count = 0;
        const enum status s = guest_map_fill(&map, &pt);
        probe_case(&checks[FAILS], s == E_NOMEM && call_count == fails_at,
                   TEXT("%s, after %u calls, of which call %u failed", s == OK ? "OK" : "an error",
                        call_count, fails_at),
                   TEXT("E_NOMEM, after %u", fails_at));
    }
}

static uint32_t first_open(const uint8_t *is, const uint8_t *should, uint32_t bits)
{
    uint32_t i = 0;

    while (i < bits && ((is[i / 8] ^ should[i / 8]) >> i % 8 & 1) == 0)
        i++;
    return i;
}

static void look_maps(void)
{
    static const uint32_t ranges[] = {0, 0xc0000000, 0xc0010000, 0, 0}; /* and what lies behind */
    static struct svm_bitmaps is, should;

    svm_bitmaps_build(&is, &msr_amd);
    bitmaps_before(&should, &msr_amd);
    const uint32_t port = first_open(is.io, should.io, 0x10000);
    probe_case(&checks[PORTS], port == 0x10000, TEXT("port 0x%x does not", port), "an exit");
    const uint32_t bit = first_open(is.msr, should.msr, 8 * sizeof(is.msr));
    const bool exits = bit < 8 * sizeof(is.msr) && (is.msr[bit / 8] >> bit % 8 & 1) != 0;
    probe_case(&checks[MSRS], bit == 8 * sizeof(is.msr),
               TEXT("%s of 0x%x %s", bit % 2 ? "WRMSR" : "RDMSR",
                    ranges[bit / 2 / 0x2000] + bit / 2 % 0x2000, exits ? "exits" : "does not exit"),
               exits ? "no exit: its row says DIRECT" : "an exit");
}

int main(void)
{
    look_map();
    look_failures();
    look_maps();
    probe_end(checks, CHECKS);
    return 0;
}

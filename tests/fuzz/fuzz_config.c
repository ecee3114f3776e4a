/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config: any text → config → plan. What is accepted must be a valid plan, judged by
 * plan_valid() and once more here; what is refused must have a reason, and everything printable.
 *
 * Input: the text; where its last byte is 0xff, the 24 bytes before that describe the machine.
 */
#include "kernel/config/config.h"
#include "kernel/plan/plan.h"
#include "lib/fmt.h"

#include "support.h"

#include "../unit/pvh_file.h"

#define MACHINE_BYTES 24

static struct config config;
static struct plan plan;
static struct errors report;
static struct machine machine;
static struct pvh_file pvh;

static void machine_add_module(const char *name, const void *bytes, uint64_t size)
{
    struct machine_module *m = &machine.modules[machine.module_count++];

    memcpy(m->name, name, strlen(name) + 1);
    m->bytes = bytes;
    m->size = size;
}

/* Free RAM as boot_info's ranges become it: sorted, apart, whole pages. */
static void machine_make(struct fuzz_input *in)
{
    static const uint8_t initrd[5000];
    uint64_t at = MIB;

    machine = (struct machine){.core_count = 4, .has_screen = true, .has_serial2 = true};
    machine.ranges[machine.range_count++] = (struct range){MIB, 511 * MIB};
    if (in != NULL) {
        machine.core_count = 1 + fuzz_u8(in) % CORES_MAX;
        machine.has_screen = fuzz_u8(in) & 1;
        machine.range_count = 0;
        while (in->left > 0 && machine.range_count < MACHINE_RANGES_MAX) {
            const uint64_t gap = (1 + fuzz_take(in, 2)) * PAGE_SIZE;
            const uint64_t pages = 1 + fuzz_take(in, 3);
            machine.ranges[machine.range_count++] = (struct range){at + gap, pages * PAGE_SIZE};
            at += gap + pages * PAGE_SIZE;
        }
    }
    for (uint32_t i = 0; i < machine.core_count; i++)
        machine.apic_ids[i] = 2 * i;
    pvh_file_simple(&pvh);
    machine_add_module("hello.elf", pvh_file_bytes(&pvh), PVH_FILE_SIZE);
    machine_add_module("initrd.img", initrd, sizeof(initrd));
    machine_add_module("empty", initrd, 0);
    machine_add_module("text.elf", "no program", 10);
}

static void check_report(void)
{
    char line[512];
    uint32_t index = 0;

    while (errors_print(&report, index, "bulkhead.conf", line, sizeof(line))) {
        DEMAND(strlen(line) < sizeof(line) && ++index <= ERRORS_MAX + 1);
    }
    DEMAND((index > 0) == (report.count > 0));
    for (uint32_t i = 1; i < index && i < ERRORS_MAX; i++)
        DEMAND(report.rows[i - 1].line <= report.rows[i].line);
}

static void check_config(void)
{
    DEMAND(config.guest_count >= 1 && config.guest_count <= GUESTS_MAX);
    for (uint32_t g = 0; g < config.guest_count; g++) {
        const struct config_guest *guest = &config.guests[g];
        DEMAND(strnlen(guest->name, GUEST_NAME_MAX) < GUEST_NAME_MAX && guest->name[0]);
        DEMAND(strnlen(guest->image, FILE_NAME_MAX) < FILE_NAME_MAX && guest->image[0]);
        DEMAND(strnlen(guest->initrd, FILE_NAME_MAX) < FILE_NAME_MAX);
        DEMAND(strnlen(guest->cmdline, CMDLINE_MAX) < CMDLINE_MAX);
        DEMAND(guest->cores.count >= 1 && guest->cores.count <= GUEST_CORES_MAX);
        DEMAND(guest->memory >= GUEST_MEMORY_MIN && guest->memory <= GUEST_MEMORY_MAX);
        DEMAND(guest->memory % PAGE_SIZE == 0);
        for (uint32_t other = 0; other < g; other++)
            DEMAND(strcmp(guest->name, config.guests[other].name) != 0);
    }
}

/* Fits on a terminal. */
PRINTF_LIKE(1, 2) static void demand_short(const char *fmt, ...)
{
    char line[256];
    va_list args;

    va_start(args, fmt);
    DEMAND(fmt_vprint(line, sizeof(line), fmt, args) <= 104);
    va_end(args);
}

/* By bytes and by cores, in other words than plan_valid()'s. */
static void check_plan(void)
{
    bool held[CORES_MAX] = {false};

    for (uint32_t g = 0; g < plan.guest_count; g++) {
        const struct plan_guest *guest = &plan.guests[g];
        for (uint32_t i = 0; i < guest->core_count; i++) {
            DEMAND(guest->cores[i] < machine.core_count && guest->cores[i] >= plan.reserved_cores);
            DEMAND(!held[guest->cores[i]]);
            held[guest->cores[i]] = true;
        }
        for (uint32_t other = 0; other < g; other++)
            DEMAND(!range_overlaps(guest_map_ram(&guest->map),
                                   guest_map_ram(&plan.guests[other].map)));
    }
    plan_print(&plan, &machine, demand_short);
    DEMAND(plan_valid(&plan, &machine));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input tail;
    const bool described = size > MACHINE_BYTES && data[size - 1] == 0xff;

    if (described)
        size--;
    if (described && !fuzz_tail(data, &size, MACHINE_BYTES, &tail))
        return 0;
    /* Of its own, so that a byte read beyond the text is seen. */
    char *text = malloc(size);
    DEMAND(text != NULL || size == 0);
    if (size > 0)
        memcpy(text, data, size);
    memset(&config, 0xa5, sizeof(config));
    memset(&report, 0, sizeof(report));
    const bool parsed = config_parse(&config, text, size, &report);
    free(text); /* no pointer into it is kept */

    DEMAND(parsed == (report.count == 0));
    if (parsed) {
        check_config();
        machine_make(described ? &tail : NULL);
        if (plan_make(&plan, &config, &machine, &report))
            check_plan();
        else
            DEMAND(report.count > 0);
    }
    check_report();
    return 0;
}

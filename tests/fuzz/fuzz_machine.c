/* SPDX-License-Identifier: MIT */
/*
 * fuzz_machine: any bytes as a boot log for plancheck. A machine that is accepted is one that a
 * plan can be made for, and its lines are read back as the same machine.
 */
#include "kernel/plan/machine_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "support.h"

static char text[65536];
static size_t length;

static void PRINTF_LIKE(1, 2) say(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    length += (size_t)vsnprintf(text + length, sizeof(text) - length, fmt, args);
    va_end(args);
    DEMAND(length + 1 < sizeof(text));
    text[length++] = '\n';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine machine, back;
    char *copy = malloc(size + 1);

    DEMAND(copy != NULL);
    memcpy(copy, data, size);
    const char *wrong = machine_text_read(&machine, copy, size);
    free(copy);
    if (wrong != NULL)
        return 0;
    DEMAND(machine.core_count >= 1 && machine.core_count <= CORES_MAX);
    DEMAND(machine.range_count >= 1 && machine.range_count <= MACHINE_RANGES_MAX);
    for (uint32_t i = 0; i < machine.range_count; i++) {
        const struct range r = machine.ranges[i];
        DEMAND(r.size > 0 && range_valid(r) && r.base % PAGE_SIZE == 0 && r.size % PAGE_SIZE == 0);
        DEMAND(i == 0 || r.base >= machine.ranges[i - 1].base + machine.ranges[i - 1].size);
    }
    DEMAND(machine.near_count <= MACHINE_NEAR_MAX);
    length = 0;
    machine_text_print(&machine, say);
    wrong = machine_text_read(&back, text, length);
    DEMAND(back.core_count == machine.core_count);
    DEMAND(memcmp(back.apic_ids, machine.apic_ids, sizeof(back.apic_ids)) == 0);
    DEMAND(memcmp(back.kinds, machine.kinds, sizeof(back.kinds)) == 0);
    DEMAND(back.range_count <= machine.range_count);
    return 0;
}

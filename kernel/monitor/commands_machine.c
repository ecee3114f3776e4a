/* SPDX-License-Identifier: MIT */
/*
 * commands_machine: the monitor's commands about the machine and not about guests.
 */
#include "kernel/console/answer.h"
#include "kernel/core/machine_lines.h"
#include "kernel/monitor/commands_look.h"
#include "lib/fmt.h"
#include "mm/pages.h"

typedef unsigned long long ull;

void commands_on_memory(struct commands *c, struct vm *vm)
{
    const struct pages *pages = c->view.pages;
    const struct machine *machine = c->view.machine;
    char size[24];

    (void)vm;
    answer_line("page pool: %llu of %llu pages used, sealed",
                (ull)(pages->pool.size / PAGE_SIZE - pages_left(pages)),
                (ull)(pages->pool.size / PAGE_SIZE));
    for (uint32_t i = 0; i < machine->range_count; i++) {
        const struct range r = machine->ranges[i];
        fmt_size(size, sizeof(size), r.size);
        answer_line("for guests: 0x%llx-0x%llx %s", (ull)r.base, (ull)(r.base + r.size - 1), size);
    }
}

void commands_on_machine(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    machine_lines_show(false, answer_line);
}

void commands_on_pci(struct commands *c, struct vm *vm)
{
    (void)c, (void)vm;
    machine_lines_show(true, answer_line);
}

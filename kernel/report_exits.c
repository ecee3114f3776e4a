/* SPDX-License-Identifier: MIT */
#include "kernel/report_exits.h"

#include "kernel/partition.h"
#include "kernel/vcpu.h"
#include "lib/fmt.h"

const char *exit_kind_name(enum exit_kind kind)
{
    static const char *const names[EXIT_KIND_COUNT] = {
        [EXIT_CPUID] = "cpuid",
        [EXIT_HYPERCALL] = "hypercall",
        [EXIT_PIO] = "port",
        [EXIT_RDMSR] = "rdmsr",
        [EXIT_WRMSR] = "wrmsr",
        [EXIT_CR_WRITE] = "cr",
        [EXIT_XSETBV] = "xsetbv",
        [EXIT_NESTED_FAULT] = "memory",
        [EXIT_EXCEPTION] = "exception",
        [EXIT_KICK] = "kick",
        [EXIT_TIMER] = "timer",
        [EXIT_WINDOW] = "window",
        [EXIT_FORBIDDEN] = "forbidden",
        [EXIT_RDPMC] = "rdpmc",
        [EXIT_CACHE] = "cache",
        [EXIT_INIT] = "init",
        [EXIT_TRIPLE_FAULT] = "triple-fault",
        [EXIT_TASK_SWITCH] = "task-switch",
        [EXIT_MACHINE_CHECK] = "machine-check",
        [EXIT_ENTRY_FAILED] = "entry-failed",
        [EXIT_UNKNOWN] = "unknown",
    };
    return kind < EXIT_KIND_COUNT ? names[kind] : "?";
}

void report_exits(const struct vm *vm, char *buf, size_t size)
{
    uint64_t sums[EXIT_KIND_COUNT] = {0}, total = 0;

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
            sums[k] += vm->vcpus[i].soft->exits[k];
    }
    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
        total += sums[k];
    size_t len = fmt_print(buf, size, "%llu exits", (unsigned long long)total);
    const char *separator = ": ";
    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++) {
        if (sums[k] == 0)
            continue;
        len += fmt_print(buf + len, size - len, "%s%llu %s", separator, (unsigned long long)sums[k],
                         exit_kind_name((enum exit_kind)k));
        separator = ", ";
    }
}

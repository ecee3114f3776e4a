/* SPDX-License-Identifier: MIT */
#include "kernel/vm/exit_counts.h"

#include "kernel/vm/diagnosis.h"
#include "kernel/vm/vm.h"
#include "lib/fmt.h"

void exit_counts_report(const struct vm *vm, char *buf, size_t size)
{
    uint64_t sums[EXIT_KIND_COUNT] = {0}, total = 0;

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
            sums[k] += vm->vcpus[i].soft->stats.trace.exits[k];
    }
    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++)
        total += sums[k];
    size_t len = fmt_print(buf, size, "%llu exit%s", (unsigned long long)total, fmt_plural(total));
    const char *separator = ": ";
    for (uint32_t k = 0; k < EXIT_KIND_COUNT; k++) {
        if (sums[k] == 0)
            continue;
        len += fmt_print(buf + len, size - len, "%s%llu %s", separator, (unsigned long long)sums[k],
                         diagnosis_exit_kind((enum exit_kind)k));
        separator = ", ";
    }
}

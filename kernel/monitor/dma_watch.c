/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/dma_watch.h"

#include "drivers/iommu/iommu_words.h"
#include "kernel/vm/life.h"
#include "lib/log.h"

static void dma_watch_tell_stray(struct faults *faults)
{
    struct iommu_fault fault;
    char text[IOMMU_TEXT_MAX];
    uint32_t number;

    while ((number = faults_next_stray(faults, &fault)) != 0) {
        iommu_fault_text(&fault, NULL, faults->iommu->amd, text, sizeof(text));
        log_line("%s", text);
        if (number == FAULTS_STRAY)
            log_line("what else devices that nobody has try is counted only: `isolation`");
    }
}

/* Under the lock no life can begin in between, which would have done nothing yet. */
static bool dma_watch_end(struct faults *faults, struct vm *vm)
{
    bool has_ended = false;

    lock_take(&faults->lock);
    if (faults_end(vm))
        has_ended = life_end(vm, (struct vm_end){.kind = VM_END_CRASH,
                                                 .by_device = true,
                                                 .is_storm = vm->faults.is_storm,
                                                 .fault = vm->faults.first[0]});
    lock_release(&faults->lock);
    return has_ended;
}

bool dma_watch_look(const struct monitor_view *view, uint64_t now)
{
    const bool more = faults_take(view->faults, now);

    for (uint32_t i = 0; i < view->vm_count; i++)
        if (view->vms[i]->device_count > 0 && !dma_watch_end(view->faults, view->vms[i]))
            life_tell_faults(view->vms[i]);
    dma_watch_tell_stray(view->faults);
    return more;
}

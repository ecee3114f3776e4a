/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/dma_watch.h"

#include "drivers/iommu/iommu_words.h"
#include "lib/log.h"

#define TOLD_MAX 8  /* since boot; a device in a loop makes thousands */
#define AT_ONCE  16 /* taken out of the IOMMUs in one look */

static void dma_watch_tell(const struct monitor_view *view, const struct iommu_fault *fault)
{
    const uint32_t guest = iommu_guest_of(view->iommu, fault);
    const char *name =
        guest < view->plan->guest_count ? view->plan->guests[guest].config->name : NULL;
    char text[IOMMU_TEXT_MAX];

    iommu_fault_text(fault, name, view->iommu->amd, text, sizeof(text));
    log_line("%s", text);
}

void dma_watch_look(struct dma_watch *watch, const struct monitor_view *view)
{
    struct iommu_fault faults[AT_ONCE];

    if (view->iommu == NULL)
        return;
    const uint32_t count = iommu_faults(view->iommu, faults, AT_ONCE);
    for (uint32_t i = 0; i < count; i++) {
        watch->counted++;
        if (watch->told == TOLD_MAX)
            continue;
        dma_watch_tell(view, &faults[i]);
        if (++watch->told == TOLD_MAX)
            log_line("what else the IOMMU refuses is counted only: `isolation`");
    }
}

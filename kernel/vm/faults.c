/* SPDX-License-Identifier: MIT */
#include "kernel/vm/faults.h"

#include "drivers/iommu/iommu_words.h"
#include "lib/time.h"

#define AT_ONCE     16 /* taken out of the units in one go */
#define LAST_ROUNDS 64

void faults_build(struct faults *faults, struct iommu *iommu, struct vm **vms, uint32_t vm_count)
{
    faults->iommu = iommu;
    faults->vms = vms;
    faults->vm_count = vm_count;
    for (uint32_t i = 0; i < vm_count; i++)
        vms[i]->all_faults = faults;
}

/* A life whose beginning was not worth a line has none about its devices either. */
void faults_begin(struct vm *vm)
{
    lock_take(&vm->all_faults->lock);
    vm->faults = (struct vm_faults){.tell = vm->next.is_told ? VM_FAULTS_TOLD : 0};
    lock_release(&vm->all_faults->lock);
}

static void faults_note(struct vm *vm, const struct iommu_fault *fault, uint64_t now)
{
    struct vm_faults *f = &vm->faults;

    if (f->counted < VM_FAULTS_TOLD)
        f->first[f->counted] = *fault;
    if (f->counted == 0 || ticks_since(now, f->since) >= vm->tsc->hz) {
        f->since = now;
        f->recent = 0;
    }
    f->counted++;
    if (++f->recent >= FAULTS_STORM)
        f->is_storm = true;
}

bool faults_take(struct faults *faults, uint64_t now)
{
    struct iommu_fault got[AT_ONCE];

    if (faults->iommu == NULL)
        return false;
    lock_take(&faults->lock);
    const uint32_t count = iommu_faults(faults->iommu, got, AT_ONCE);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t guest = iommu_guest_of(faults->iommu, &got[i]);
        if (guest < faults->vm_count)
            faults_note(faults->vms[guest], &got[i], now);
        else if (faults->stray_count < FAULTS_STRAY)
            faults->stray[faults->stray_count++] = got[i];
    }
    faults->counted += count;
    lock_release(&faults->lock);
    return count > 0;
}

void faults_take_last(struct vm *vm, uint64_t now)
{
    for (uint32_t i = 0; vm->device_count > 0 && i < LAST_ROUNDS; i++)
        if (!faults_take(vm->all_faults, now))
            return;
}

uint32_t faults_next(struct vm *vm, struct iommu_fault *fault)
{
    struct vm_faults *f = &vm->faults;
    uint32_t number = 0;

    lock_take(&vm->all_faults->lock);
    if (f->told < f->tell && f->told < f->counted) {
        *fault = f->first[f->told];
        number = ++f->told;
    }
    lock_release(&vm->all_faults->lock);
    return number;
}

uint32_t faults_next_stray(struct faults *faults, struct iommu_fault *fault)
{
    uint32_t number = 0;

    lock_take(&faults->lock);
    if (faults->stray_told < faults->stray_count) {
        *fault = faults->stray[faults->stray_told];
        number = ++faults->stray_told;
    }
    lock_release(&faults->lock);
    return number;
}

/* Devices reach RAM and disks, with the guest's own rights. */
static const char *faults_place(const struct guest_map *map, const struct iommu_fault *fault)
{
    const struct guest_region *row = guest_map_find(map, gpa(fault->address));

    if (row == NULL)
        return "outside of its memory";
    switch (row->kind) {
    case REGION_DISK:
        return row->rights & PT_W ? "on a disk" : "on a disk that can only be read";
    case REGION_SHARED:
        return "in the window of a link, which no device reaches";
    case REGION_DEVICE:
    case REGION_TABLE:
        return "among a device's registers, which no device reaches";
    case REGION_RAM:
        break;
    }
    return "in its memory";
}

void faults_text(const struct vm *vm, const struct iommu_fault *fault, char *buf, size_t size)
{
    iommu_fault_clause(fault, faults_place(&vm->plan->map, fault), vm->iommu->amd, buf, size);
}

bool faults_end(const struct vm *vm)
{
    const bool is_wanted = vm->plan->config->on_dma_fault == DMA_FAULT_STOP;

    return vm->faults.is_storm || (is_wanted && vm->faults.counted > 0);
}

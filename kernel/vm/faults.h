/* SPDX-License-Identifier: MIT */
/*
 * faults: what devices tried and the IOMMUs refused: taken out of the units, and counted for the
 * life of the guest that has the device. Who is told, and what follows, is for others to decide.
 */
#pragma once

#include "drivers/iommu/iommu.h"
#include "kernel/vm/vm.h"
#include "lib/lock.h"

#define FAULTS_STRAY 8 /* kept, of devices that nobody has, since boot */
/* Of one guest's devices, within a second. A unit may keep one fault at a time, and is looked at no
 * more often than PUMPS_PER_SECOND. */
#define FAULTS_STORM 300

struct faults {
    struct lock lock;    /* guards all below, and vm->faults; before the console's */
    struct iommu *iommu; /* NULL: there is none that is used */
    struct vm **vms;     /* [vm_count] */
    uint32_t vm_count;
    uint64_t counted; /* since boot, whoever's */
    uint32_t stray_count, stray_told;
    struct iommu_fault stray[FAULTS_STRAY]; /* the first, of devices that nobody has */
};

/* Boot core, when all guests are built. `vms` stays where it is. */
void faults_build(struct faults *faults, struct iommu *iommu, struct vm **vms, uint32_t vm_count);

/* When a life begins, and before the guest can be seen to run. */
void faults_begin(struct vm *vm);

/* Takes a few at most, seen at TSC `now`; true: there may be more. Any core, as the next two. */
bool faults_take(struct faults *faults, uint64_t now);

/* When a guest's devices reach nothing any more: all there are, or as many as bounded time allows.
 * What comes later is counted for the guest's next life. */
void faults_take_last(struct vm *vm, uint64_t now);

/* The next of the guest's first ones that is to be told; returns its number in this life, from 1;
 * 0: there is none. */
uint32_t faults_next(struct vm *vm, struct iommu_fault *fault);

/* The same of devices that nobody has, since boot. */
uint32_t faults_next_stray(struct faults *faults, struct iommu_fault *fault);

/* What a device of the guest's tried, as a sentence. */
void faults_text(const struct vm *vm, const struct iommu_fault *fault, char *buf, size_t size);

/* With the lock held: the guest's devices have done what is to end its life. */
bool faults_end(const struct vm *vm);

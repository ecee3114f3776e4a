/* SPDX-License-Identifier: MIT */
/*
 * table: MSI-X tables of devices that a guest has. In the guest's memory a page of ours stands in
 * the place of the device's (REGION_TABLE): reads are reads of memory, and a write faults, is done
 * by the guest itself with the page open to it for one instruction, and is then carried over into
 * the device and the IOMMU. The device's own table holds messages that never change; of what the
 * guest writes it gets the mask bits. Nothing that the guest writes is run or followed.
 * PCI Local Bus Specification "MSI-X Capability and Table Structures".
 */
#pragma once

#include "kernel/vm/vm.h"

/* When a life begins: all messages of the device masked, in both tables. On the lead
 * vCPU's core; the device decodes memory. Nothing, for a device without a table. */
void table_reset(const struct vm *vm, struct device *d);

/* The guest switches its messages on: all of the table counts. With the device's lock. */
void table_sync_all(const struct vm *vm, struct device *d);

/* `x` is a fault by which the guest is to write to a table: true: it goes on, and does. On the
 * vCPU's core, as the next. */
MUST_CHECK bool table_write(struct vcpu *v, const struct vcpu_exit *x);

/* After any exit since: what the guest may have written counts now. */
void table_written(struct vcpu *v);

/* SPDX-License-Identifier: MIT */
/*
 * plan_valid_disks: judges which memory is whose disk, and that what disks are copied from stays
 * what it is. As little as kernel/plan/plan_valid.c it knows how a plan is made. Pure.
 *
 * Proved as kernel/plan/plan_valid.c is.
 */
#include "kernel/plan/plan_valid_map.h"

/* The hypervisor keeps all of it, so no guest has a byte of it: plan_valid_map(). */
/*@ requires \valid_read(machine) && bounded_machine(machine);
  @ assigns \nothing;
  @ ensures \result ==> is_kept(machine, place);
  @*/
static bool plan_is_kept(const struct machine *machine, struct range place)
{
    /*@ loop invariant 0 <= i <= machine->own_count;
      @ loop assigns i;
      @ loop variant machine->own_count - i;
      @*/
    for (uint32_t i = 0; i < machine->own_count; i++)
        if (plan_within(machine->own[i], place))
            return true;
    return false;
}

/* Row i is disk d: there, large enough, not writable where the file says so, and the pages of the
 * file where these are no longer the hypervisor's. */
/*@ requires \valid_read(guest) && \valid_read(guest->config) && d < DISKS_MAX;
  @ requires i < GUEST_REGIONS_MAX && \valid_read(guest->disks[d].module);
  @ assigns \nothing;
  @ ensures \result <==> is_disk(guest, d, i);
  @*/
static bool plan_is_disk(const struct plan_guest *guest, uint32_t d, uint32_t i)
{
    const struct machine_module *module = guest->disks[d].module;
    const struct guest_region *r = &guest->map.rows[i];

    if (r->kind != REGION_DISK || r->at.v != guest->disks[d].at.v || r->size < module->size)
        return false;
    if (guest->config->disks[d].read_only && r->rights != PT_R && r->rights != (PT_R | PT_X))
        return false;
    return !module->given || (r->to.v == module->place.base && r->size == module->place.size);
}

/* Guest g's disk d is the only one of the plan that has this file. */
/*@ requires readable_guests(plan) && plan->guest_count <= GUESTS_MAX;
  @ requires g < plan->guest_count && d < DISKS_MAX;
  @ assigns \nothing;
  @ ensures \result ==> is_sole(plan, g, d);
  @*/
static bool plan_is_sole(const struct plan *plan, uint32_t g, uint32_t d)
{
    const struct machine_module *module = plan->guests[g].disks[d].module;

    /*@ loop invariant 0 <= o <= plan->guest_count;
      @ loop invariant \forall integer p, k; 0 <= p < o && 0 <= k < DISKS_MAX ==>
      @   is_other(plan, g, d, p, k);
      @ loop assigns o;
      @ loop variant plan->guest_count - o;
      @*/
    for (uint32_t o = 0; o < plan->guest_count; o++) {
        /*@ loop invariant 0 <= k <= DISKS_MAX;
          @ loop invariant \forall integer q; 0 <= q < k ==> is_other(plan, g, d, o, q);
          @ loop assigns k;
          @ loop variant DISKS_MAX - k;
          @*/
        for (uint32_t k = 0; k < DISKS_MAX; k++)
            if (plan->guests[o].disks[k].module == module && (o != g || k != d))
                return false;
    }
    return true;
}

/*@ requires readable(plan, machine) && bounded(plan, machine) && g < plan->guest_count;
  @ requires d < plan->guests[g].config->disk_count <= DISKS_MAX;
  @ assigns \nothing;
  @ ensures \result ==> disk_ok(plan, machine, g, d);
  @*/
static bool plan_valid_disk(const struct plan *plan, const struct machine *machine, uint32_t g,
                            uint32_t d)
{
    const struct plan_guest *guest = &plan->guests[g];
    const struct machine_module *module = guest->disks[d].module;
    bool found = false;

    if (module == NULL)
        return false;
    if (module->given ? !plan_is_sole(plan, g, d) : !plan_is_kept(machine, module->place))
        return false;
    if (d > 0 && guest->disks[d].at.v <= guest->disks[d - 1].at.v)
        return false;
    /*@ loop invariant 0 <= i <= guest->map.count;
      @ loop invariant found ==> has_disk(guest, d);
      @ loop assigns i, found;
      @ loop variant guest->map.count - i;
      @*/
    for (uint32_t i = 0; i < guest->map.count; i++)
        found = found || plan_is_disk(guest, d, i);
    return found;
}

/* A row that were no disk's would never be loaded: whoever had the memory before could be read. */
/*@ requires \valid_read(guest) && \valid_read(guest->config) && i < GUEST_REGIONS_MAX;
  @ requires guest->config->disk_count <= DISKS_MAX;
  @ assigns \nothing;
  @ ensures \result ==> row_named(guest, i);
  @*/
static bool plan_is_named_row(const struct plan_guest *guest, uint32_t i)
{
    /*@ loop invariant 0 <= d <= guest->config->disk_count;
      @ loop assigns d;
      @ loop variant guest->config->disk_count - d;
      @*/
    for (uint32_t d = 0; d < guest->config->disk_count; d++)
        if (guest->disks[d].at.v == guest->map.rows[i].at.v)
            return true;
    return guest->map.rows[i].kind != REGION_DISK;
}

/* What images are copied from is no guest's. */
/*@ requires \valid_read(guest) && readable_modules(guest);
  @ assigns \nothing;
  @ ensures \result ==> files_ok(guest);
  @*/
static bool plan_valid_files(const struct plan_guest *guest)
{
    return guest->image_module != NULL && !guest->image_module->given &&
           (guest->initrd_module == NULL || !guest->initrd_module->given);
}

bool plan_valid_disks(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    const struct plan_guest *guest = &plan->guests[g];

    if (guest->config->disk_count > DISKS_MAX || !plan_valid_files(guest))
        return false;
    /*@ loop invariant 0 <= d <= guest->config->disk_count;
      @ loop invariant \forall integer k; 0 <= k < d ==> disk_ok(plan, machine, g, k);
      @ loop assigns d;
      @ loop variant guest->config->disk_count - d;
      @*/
    for (uint32_t d = 0; d < guest->config->disk_count; d++)
        if (!plan_valid_disk(plan, machine, g, d))
            return false;
    /*@ loop invariant 0 <= i <= guest->map.count;
      @ loop invariant \forall integer k; 0 <= k < i ==> row_named(guest, k);
      @ loop assigns i;
      @ loop variant guest->map.count - i;
      @*/
    for (uint32_t i = 0; i < guest->map.count; i++)
        if (!plan_is_named_row(guest, i))
            return false;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * plan_valid_map: the parts of the judge that are about memory. Nobody but
 * kernel/plan/plan_valid*.c includes it. Contracts are in the words of tests/proof/plan_valid.h.
 */
#pragma once

#include "kernel/plan/plan.h"

/* The two have no byte in common. */
/*@ requires no_wrap(a) && no_wrap(b);
  @ assigns \nothing;
  @ ensures \result <==> apart(a, b);
  @*/
static inline bool plan_apart(struct range a, struct range b)
{
    return a.base + a.size <= b.base || b.base + b.size <= a.base;
}

/* Ends at the latest at 2^64 - 1, so that sums hold. */
/*@ assigns \nothing;
  @ ensures \result <==> no_wrap(r);
  @*/
static inline bool plan_no_wrap(struct range r)
{
    return r.size <= UINT64_MAX - r.base;
}

/*@ assigns \nothing;
  @ ensures \result <==> no_wrap(outer) && no_wrap(inner) && within(outer, inner);
  @*/
static inline bool plan_within(struct range outer, struct range inner)
{
    return plan_no_wrap(outer) && plan_no_wrap(inner) && inner.base >= outer.base &&
           inner.base + inner.size <= outer.base + outer.size;
}

/* Rows are right in themselves, in order, and those of RAM one after another in the host. */
/*@ requires readable(plan, machine) && bounded(plan, machine) && g < plan->guest_count;
  @ assigns \nothing;
  @ ensures \result ==> map_ok(machine, &plan->guests[g]);
  @*/
MUST_CHECK bool plan_valid_map(const struct plan *plan, const struct machine *machine, uint32_t g);

/* Each row is apart from all others of the plan, but for what both sides name as shared. */
/*@ requires rows_plan(plan) && g < plan->guest_count;
  @ assigns \nothing;
  @ ensures \result ==> owners_ok(plan, g);
  @*/
MUST_CHECK bool plan_valid_owners(const struct plan *plan, uint32_t g);

/* No memory is in two links, and no guest on two sides of one. */
/*@ requires readable_links(plan);
  @ assigns \nothing;
  @ ensures \result ==> plan->link_count <= LINKS_MAX &&
  @   \forall integer l; 0 <= l < plan->link_count ==> link_ok(plan, l);
  @*/
MUST_CHECK bool plan_valid_links(const struct plan *plan);

/* What a guest shares is the window of a link that names it, and only read where it says so. */
/*@ requires readable_guests(plan) && g < plan->guest_count;
  @ requires plan->guests[g].map.count <= GUEST_REGIONS_MAX;
  @ requires readable_links(plan) && plan->link_count <= LINKS_MAX;
  @ requires \forall integer l; 0 <= l < plan->link_count ==> link_ok(plan, l);
  @ assigns \nothing;
  @ ensures \result ==> links_ok(plan, g);
  @*/
MUST_CHECK bool plan_valid_ends(const struct plan *plan, uint32_t g);

/* Each disk has a row, and each such row a disk; files that are copied stay the hypervisor's. */
/*@ requires readable(plan, machine) && bounded(plan, machine) && g < plan->guest_count;
  @ assigns \nothing;
  @ ensures \result ==> disks_ok(plan, machine, g);
  @*/
MUST_CHECK bool plan_valid_disks(const struct plan *plan, const struct machine *machine,
                                 uint32_t g);

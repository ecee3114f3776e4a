/* SPDX-License-Identifier: MIT */
/*
 * plan_valid_map: judges where guests' addresses lead: each row by itself and in the machine, the
 * rows of a guest in their order, and all rows of all guests against each other. As little as
 * kernel/plan/plan_valid.c it knows how a plan is made. Pure.
 *
 * Proved as kernel/plan/plan_valid.c is.
 */
#include "kernel/plan/plan_valid_map.h"

#include "lib/bits.h"

/* Where a row lies in the host. */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @ ensures \result.base == r->to.v && \result.size == r->size;
  @*/
static struct range plan_host(const struct guest_region *r)
{
    return (struct range){.base = r->to.v, .size = r->size};
}

/* Memory lies whole in one free range of the machine, and a device's registers in none. */
/*@ requires \valid_read(machine) && bounded_machine(machine) && \valid_read(r) && spans_ok(r);
  @ assigns \nothing;
  @ ensures \result ==> place_ok(machine, r);
  @*/
static bool plan_valid_place(const struct machine *machine, const struct guest_region *r)
{
    const struct range host = plan_host(r);
    bool inside = false;

    /*@ loop invariant 0 <= i <= machine->range_count;
      @ loop invariant inside ==> in_range(machine, r);
      @ loop invariant r->kind == REGION_DEVICE ==> \forall integer k; 0 <= k < i ==>
      @   no_wrap(machine->ranges[k]) && host_off(r, machine->ranges[k]);
      @ loop assigns i, inside;
      @ loop variant machine->range_count - i;
      @*/
    for (uint32_t i = 0; i < machine->range_count; i++) {
        inside = inside || plan_within(machine->ranges[i], host);
        if (r->kind == REGION_DEVICE &&
            (!plan_no_wrap(machine->ranges[i]) || !plan_apart(machine->ranges[i], host)))
            return false;
    }
    return inside || r->kind == REGION_DEVICE;
}

/* None of it is the hypervisor's. */
/*@ requires \valid_read(machine) && bounded_machine(machine) && \valid_read(r) && spans_ok(r);
  @ assigns \nothing;
  @ ensures \result <==> off_ok(machine, r);
  @*/
static bool plan_valid_off(const struct machine *machine, const struct guest_region *r)
{
    /*@ loop invariant 0 <= i <= machine->own_count;
      @ loop invariant \forall integer k; 0 <= k < i ==>
      @   no_wrap(machine->own[k]) && host_off(r, machine->own[k]);
      @ loop assigns i;
      @ loop variant machine->own_count - i;
      @*/
    for (uint32_t i = 0; i < machine->own_count; i++)
        if (!plan_no_wrap(machine->own[i]) || !plan_apart(machine->own[i], plan_host(r)))
            return false;
    return true;
}

/* A row's own numbers: whole pages that a table can name, readable, of the type that its kind has.
 */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @ ensures \result ==> spans_ok(r) && type_ok(r);
  @*/
static bool plan_valid_row(const struct guest_region *r)
{
    const bool memory = r->kind == REGION_RAM || r->kind == REGION_SHARED ||
                        r->kind == REGION_DISK || r->kind == REGION_TABLE;

    if (r->size == 0 || r->size > PT_INPUT_MAX || r->at.v > PT_INPUT_MAX - r->size ||
        r->to.v > PT_OUTPUT_MAX - r->size || !is_aligned(r->at.v, PAGE_SIZE) ||
        !is_aligned(r->to.v, PAGE_SIZE) || !is_aligned(r->size, PAGE_SIZE))
        return false;
    if (r->rights > (PT_R | PT_W | PT_X) || r->rights % 2 != PT_R ||
        (r->kind == REGION_TABLE && r->rights != PT_R))
        return false;
    return memory ? r->type == PT_WRITE_BACK
                  : r->kind == REGION_DEVICE &&
                        (r->type == PT_UNCACHED || r->type == PT_WRITE_COMBINING);
}

bool plan_valid_map(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    const struct guest_map *map = &plan->guests[g].map;
    uint64_t ram = 0;

    if (map->rows[0].kind != REGION_RAM || map->rows[0].at.v != 0 ||
        !is_aligned(map->rows[0].to.v, PAGE_SIZE_2M))
        return false;
    /*@ loop invariant 0 <= i <= map->count;
      @ loop invariant ram == ram_size(map, i) && 0 <= ram <= i * PT_INPUT_MAX;
      @ loop invariant rows_ok(machine, map, i);
      @ loop assigns i, ram;
      @ loop variant map->count - i;
      @*/
    for (uint32_t i = 0; i < map->count; i++) {
        const struct guest_region *r = &map->rows[i];
        if (!plan_valid_row(r) || !plan_valid_place(machine, r) || !plan_valid_off(machine, r))
            return false;
        if (i > 0 && r->at.v < map->rows[i - 1].at.v + map->rows[i - 1].size)
            return false;
        if (r->kind != REGION_RAM)
            continue;
        if (r->to.v != map->rows[0].to.v + ram)
            return false;
        ram += r->size;
    }
    return ram == plan->guests[g].config->memory;
}

/* Both are what guests share, and the same of it. */
/*@ requires \valid_read(a) && \valid_read(b);
  @ assigns \nothing;
  @ ensures \result <==> same_shared(a, b);
  @*/
static bool plan_is_same_shared(const struct guest_region *a, const struct guest_region *b)
{
    return a->kind == REGION_SHARED && b->kind == REGION_SHARED && a->to.v == b->to.v &&
           a->size == b->size;
}

/* Guest g's row i has no byte of what guest o has, but where both name it as shared. */
/*@ requires rows_plan(plan) && g < plan->guest_count && o < plan->guest_count;
  @ requires i < plan->guests[g].map.count;
  @ assigns \nothing;
  @ ensures \result ==> apart_from(plan, g, i, o);
  @*/
static bool plan_valid_against(const struct plan *plan, uint32_t g, uint32_t i, uint32_t o)
{
    const struct guest_region *r = &plan->guests[g].map.rows[i];
    const struct guest_map *other = &plan->guests[o].map;

    /*@ loop invariant 0 <= k <= other->count;
      @ loop invariant \forall integer q; 0 <= q < k ==> pair_ok(plan, g, i, o, q);
      @ loop assigns k;
      @ loop variant other->count - k;
      @*/
    for (uint32_t k = 0; k < other->count; k++) {
        if (o == g && k == i)
            continue;
        if (!plan_apart(plan_host(r), plan_host(&other->rows[k])) &&
            (o == g || !plan_is_same_shared(r, &other->rows[k])))
            return false;
    }
    return true;
}

/* Guest o names the row as shared, too. */
/*@ requires rows_plan(plan) && g < plan->guest_count && o < plan->guest_count;
  @ requires i < plan->guests[g].map.count;
  @ assigns \nothing;
  @ ensures \result ==> named_by(plan, g, i, o);
  @*/
static bool plan_is_named_by(const struct plan *plan, uint32_t g, uint32_t i, uint32_t o)
{
    const struct guest_map *other = &plan->guests[o].map;

    /*@ loop invariant 0 <= k <= other->count;
      @ loop assigns k;
      @ loop variant other->count - k;
      @*/
    for (uint32_t k = 0; k < other->count; k++)
        if (plan_is_same_shared(&plan->guests[g].map.rows[i], &other->rows[k]))
            return true;
    return false;
}

/* Guest g's row i against all others of the plan; what it shares has another side. */
/*@ requires rows_plan(plan) && g < plan->guest_count && i < plan->guests[g].map.count;
  @ assigns \nothing;
  @ ensures \result ==> owner_ok(plan, g, i);
  @*/
static bool plan_valid_owner(const struct plan *plan, uint32_t g, uint32_t i)
{
    bool named = false;

    /*@ loop invariant 0 <= o <= plan->guest_count;
      @ loop invariant \forall integer p; 0 <= p < o ==> apart_from(plan, g, i, p);
      @ loop invariant named ==> named_elsewhere(plan, g, i);
      @ loop assigns o, named;
      @ loop variant plan->guest_count - o;
      @*/
    for (uint32_t o = 0; o < plan->guest_count; o++) {
        if (!plan_valid_against(plan, g, i, o))
            return false;
        named = named || (o != g && plan_is_named_by(plan, g, i, o));
    }
    return named || plan->guests[g].map.rows[i].kind != REGION_SHARED;
}

bool plan_valid_owners(const struct plan *plan, uint32_t g)
{
    /*@ loop invariant 0 <= i <= plan->guests[g].map.count;
      @ loop invariant \forall integer k; 0 <= k < i ==> owner_ok(plan, g, k);
      @ loop assigns i;
      @ loop variant plan->guests[g].map.count - i;
      @*/
    for (uint32_t i = 0; i < plan->guests[g].map.count; i++)
        if (!plan_valid_owner(plan, g, i))
            return false;
    return true;
}

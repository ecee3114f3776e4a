/* SPDX-License-Identifier: MIT */
/*
 * plan_valid_links: judges which guests have which memory in common, and what they may do there. As
 * little as kernel/plan/plan_valid.c it knows how a plan is made. Pure.
 *
 * Proved as kernel/plan/plan_valid.c is.
 */
#include "kernel/plan/plan_valid_map.h"

/*@ requires \valid_read(link) && \valid_read(link->config);
  @ assigns \nothing;
  @ ensures \result.base == link->to.v && \result.size == link->config->memory;
  @*/
static struct range plan_window(const struct plan_link *link)
{
    return (struct range){.base = link->to.v, .size = link->config->memory};
}

/* The guest of side s is on none of the sides before it. */
/*@ requires \valid_read(link) && s < link->side_count <= LINK_SIDES_MAX;
  @ assigns \nothing;
  @ ensures \result <==> side_ok(link, s);
  @*/
static bool plan_is_named_once(const struct config_link *link, uint32_t s)
{
    /*@ loop invariant 0 <= k <= s;
      @ loop invariant \forall integer q; 0 <= q < k ==>
      @   link->sides[q].guest != link->sides[s].guest;
      @ loop assigns k;
      @ loop variant s - k;
      @*/
    for (uint32_t k = 0; k < s; k++)
        if (link->sides[k].guest == link->sides[s].guest)
            return false;
    return true;
}

/*@ requires \valid_read(link);
  @ assigns \nothing;
  @ ensures \result <==> sides_ok(link);
  @*/
static bool plan_valid_sides(const struct config_link *link)
{
    if (link->side_count > LINK_SIDES_MAX)
        return false;
    /*@ loop invariant 0 <= s <= link->side_count;
      @ loop invariant \forall integer q; 0 <= q < s ==> side_ok(link, q);
      @ loop assigns s;
      @ loop variant link->side_count - s;
      @*/
    for (uint32_t s = 0; s < link->side_count; s++)
        if (!plan_is_named_once(link, s))
            return false;
    return true;
}

/* Each side is another guest's. Its window, if there is one, has no byte of another's. */
/*@ requires readable_links(plan) && l < plan->link_count <= LINKS_MAX;
  @ assigns \nothing;
  @ ensures \result ==> link_ok(plan, l);
  @*/
static bool plan_valid_link(const struct plan *plan, uint32_t l)
{
    const struct range own = plan_window(&plan->links[l]);

    if (!plan_valid_sides(plan->links[l].config) || !plan_no_wrap(own))
        return false;
    if (own.size == 0)
        return true;
    /*@ loop invariant 0 <= k <= plan->link_count;
      @ loop invariant \forall integer q; 0 <= q < k && q != l &&
      @   plan->links[q].config->memory > 0 ==>
      @   plan->links[l].to.v + plan->links[l].config->memory <= plan->links[q].to.v ||
      @   plan->links[q].to.v + plan->links[q].config->memory <= plan->links[l].to.v;
      @ loop assigns k;
      @ loop variant plan->link_count - k;
      @*/
    for (uint32_t k = 0; k < plan->link_count; k++) {
        const struct range other = plan_window(&plan->links[k]);
        if (k != l && other.size > 0 && (!plan_no_wrap(other) || !plan_apart(own, other)))
            return false;
    }
    return true;
}

bool plan_valid_links(const struct plan *plan)
{
    if (plan->link_count > LINKS_MAX)
        return false;
    /*@ loop invariant 0 <= l <= plan->link_count;
      @ loop invariant \forall integer k; 0 <= k < l ==> link_ok(plan, k);
      @ loop assigns l;
      @ loop variant plan->link_count - l;
      @*/
    for (uint32_t l = 0; l < plan->link_count; l++)
        if (!plan_valid_link(plan, l))
            return false;
    return true;
}

/* A side of a link, and that side is guest g's. */
/*@ requires readable_links(plan) && plan->link_count <= LINKS_MAX && \valid_read(end);
  @ requires \forall integer l; 0 <= l < plan->link_count ==> link_ok(plan, l);
  @ assigns \nothing;
  @ ensures \result <==> is_end(plan, g, end);
  @*/
static bool plan_is_end(const struct plan *plan, uint32_t g, const struct plan_end *end)
{
    if (end->link >= plan->link_count)
        return false;
    /*@ assert link_ok(plan, end->link); */
    const struct config_link *link = plan->links[end->link].config;

    return end->side < link->side_count && link->sides[end->side].guest == g;
}

/* Guest g's row i is the window of this end. */
/*@ requires readable_links(plan) && plan->link_count <= LINKS_MAX && \valid_read(end);
  @ requires \forall integer l; 0 <= l < plan->link_count ==> link_ok(plan, l);
  @ requires \valid_read(&plan->guests[g]) && i < GUEST_REGIONS_MAX && is_end(plan, g, end);
  @ assigns \nothing;
  @ ensures \result <==> is_window(plan, g, i, end);
  @*/
static bool plan_is_window(const struct plan *plan, uint32_t g, uint32_t i,
                           const struct plan_end *end)
{
    const struct plan_link *link = &plan->links[end->link];
    const struct guest_region *r = &plan->guests[g].map.rows[i];

    /*@ assert link_ok(plan, end->link); */
    if (r->at.v != end->at.v || r->to.v != link->to.v || r->size != link->config->memory)
        return false;
    return r->rights == PT_R ||
           (r->rights == (PT_R | PT_W) && !link->config->sides[end->side].read_only);
}

/*@ requires readable_links(plan) && plan->link_count <= LINKS_MAX;
  @ requires \forall integer l; 0 <= l < plan->link_count ==> link_ok(plan, l);
  @ requires \valid_read(&plan->guests[g]) && i < GUEST_REGIONS_MAX;
  @ requires plan->guests[g].end_count <= GUEST_LINKS_MAX;
  @ requires \forall integer e; 0 <= e < plan->guests[g].end_count ==>
  @   is_end(plan, g, &plan->guests[g].ends[e]);
  @ assigns \nothing;
  @ ensures \result ==> row_linked(plan, g, i);
  @*/
static bool plan_is_linked_row(const struct plan *plan, uint32_t g, uint32_t i)
{
    const struct plan_guest *guest = &plan->guests[g];

    bool found = false;

    /*@ loop invariant 0 <= e <= guest->end_count;
      @ loop invariant found ==> \exists integer k; 0 <= k < e &&
      @   is_window(plan, g, i, &plan->guests[g].ends[k]);
      @ loop assigns e, found;
      @ loop variant guest->end_count - e;
      @*/
    for (uint32_t e = 0; e < guest->end_count; e++)
        found = found || plan_is_window(plan, g, i, &guest->ends[e]);
    return found || guest->map.rows[i].kind != REGION_SHARED;
}

/* No end before end e is of the same link. */
/*@ requires \valid_read(guest) && e < guest->end_count <= GUEST_LINKS_MAX;
  @ assigns \nothing;
  @ ensures \result <==> end_once(guest, e);
  @*/
static bool plan_is_linked_once(const struct plan_guest *guest, uint32_t e)
{
    /*@ loop invariant 0 <= k <= e;
      @ loop invariant \forall integer q; 0 <= q < k ==>
      @   guest->ends[q].link != guest->ends[e].link;
      @ loop assigns k;
      @ loop variant e - k;
      @*/
    for (uint32_t k = 0; k < e; k++)
        if (guest->ends[k].link == guest->ends[e].link)
            return false;
    return true;
}

bool plan_valid_ends(const struct plan *plan, uint32_t g)
{
    const struct plan_guest *guest = &plan->guests[g];

    if (guest->end_count > GUEST_LINKS_MAX)
        return false;
    /*@ loop invariant 0 <= e <= guest->end_count;
      @ loop invariant \forall integer k; 0 <= k < e ==>
      @   is_end(plan, g, &plan->guests[g].ends[k]) && end_once(&plan->guests[g], k);
      @ loop assigns e;
      @ loop variant guest->end_count - e;
      @*/
    for (uint32_t e = 0; e < guest->end_count; e++)
        if (!plan_is_end(plan, g, &guest->ends[e]) || !plan_is_linked_once(guest, e))
            return false;
    /*@ loop invariant 0 <= i <= guest->map.count;
      @ loop invariant \forall integer k; 0 <= k < i ==> row_linked(plan, g, k);
      @ loop assigns i;
      @ loop variant guest->map.count - i;
      @*/
    for (uint32_t i = 0; i < guest->map.count; i++)
        if (!plan_is_linked_row(plan, g, i))
            return false;
    return true;
}

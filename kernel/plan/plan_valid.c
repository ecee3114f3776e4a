/* SPDX-License-Identifier: MIT */
/*
 * plan_valid: judges a finished plan without knowing how it was made. It shares no code with
 * plan_make(), compares everything with everything, and its loops are bounded by constants: it is
 * meant to be obviously right, not fast. Pure.
 *
 * And it is proved right (`make proof`, docs/proofs.md): the comments that begin with an at sign
 * are what is proved of the function, loop or file below them. Numbers there are mathematical, so
 * nothing in them wraps.
 */
#include "kernel/plan/plan.h"

#include "lib/bits.h"

/*@ predicate no_wrap(struct range r) = r.base + r.size <= UINT64_MAX;
  @ predicate apart(struct range a, struct range b) =
  @   a.base + a.size <= b.base || b.base + b.size <= a.base;
  @ predicate within(struct range outer, struct range inner) =
  @   outer.base <= inner.base && inner.base + inner.size <= outer.base + outer.size;
  @
  @ predicate lacks{L}(struct plan_guest *g, integer core, integer but) =
  @   \forall integer k; 0 <= k < g->core_count && k != but ==> g->cores[k] != core;
  @ predicate core_ok{L}(struct plan *p, struct machine *m, integer g, integer i) =
  @   p->reserved_cores <= p->guests[g].cores[i] < m->core_count &&
  @   \forall integer o; 0 <= o < p->guest_count ==>
  @     lacks(&p->guests[o], p->guests[g].cores[i], o == g ? i : CORES_MAX);
  @ predicate cores_ok{L}(struct plan *p, struct machine *m, integer g) =
  @   p->guests[g].core_count == p->guests[g].config->cores.count &&
  @   \forall integer i; 0 <= i < p->guests[g].core_count ==> core_ok(p, m, g, i);
  @
  @ predicate ram_free{L}(struct plan *p, struct machine *m, integer g) =
  @   p->guests[g].ram.size == p->guests[g].config->memory && p->guests[g].ram.size > 0 &&
  @   (p->guests[g].ram.base & (PAGE_SIZE_2M - 1)) == 0 &&
  @   (p->guests[g].ram.size & (PAGE_SIZE - 1)) == 0 && no_wrap(p->guests[g].ram) &&
  @   \exists integer i; 0 <= i < m->range_count && no_wrap(m->ranges[i]) &&
  @     within(m->ranges[i], p->guests[g].ram);
  @ predicate ram_off{L}(struct plan *p, struct machine *m, integer g) =
  @   \forall integer i; 0 <= i < m->own_count ==>
  @     no_wrap(m->own[i]) && apart(p->guests[g].ram, m->own[i]);
  @ predicate ram_apart{L}(struct plan *p, integer g) =
  @   \forall integer o; 0 <= o < p->guest_count && o != g ==>
  @     apart(p->guests[g].ram, p->guests[o].ram);
  @
  @ predicate piece_ok{L}(struct plan_guest *g, integer i) =
  @   g->image.pieces[i].size > 0 &&
  @   g->image.pieces[i].to.v + g->image.pieces[i].size <= UINT64_MAX &&
  @   (g->image.pieces[i].to.v + g->image.pieces[i].size <= \min(g->ram.size, GUEST_LOW_MAX) ||
  @    (GUEST_HIGH_BASE <= g->image.pieces[i].to.v && g->ram.size > GUEST_LOW_MAX &&
  @     g->image.pieces[i].to.v + g->image.pieces[i].size <=
  @       GUEST_HIGH_BASE + (g->ram.size - GUEST_LOW_MAX)));
  @ predicate pieces_apart{L}(struct plan_guest *g, integer i, integer k) =
  @   g->image.pieces[i].to.v + g->image.pieces[i].size <= g->image.pieces[k].to.v ||
  @   g->image.pieces[k].to.v + g->image.pieces[k].size <= g->image.pieces[i].to.v;
  @ predicate image_ok{L}(struct plan_guest *g) =
  @   g->image.piece_count <= IMAGE_PIECES_MAX &&
  @   (\forall integer i; 0 <= i < g->image.piece_count ==> piece_ok(g, i)) &&
  @   (\forall integer i, k; 0 <= k < i < g->image.piece_count ==> pieces_apart(g, i, k));
  @
  @ predicate readable_guests{L}(struct plan *p) = \valid_read(&p->guest_count) &&
  @   \forall integer g; 0 <= g < p->guest_count ==> \valid_read(&p->guests[g]);
  @ predicate readable{L}(struct plan *p, struct machine *m) =
  @   readable_guests(p) && \valid_read(&p->config) && \valid_read(&p->reserved_cores) &&
  @   \valid_read(m) && \valid_read(p->config) &&
  @   \forall integer g; 0 <= g < p->guest_count ==> \valid_read(p->guests[g].config);
  @ predicate bounded{L}(struct plan *p, struct machine *m) =
  @   1 <= p->guest_count <= GUESTS_MAX && m->core_count <= CORES_MAX &&
  @   m->range_count <= MACHINE_RANGES_MAX && m->own_count <= MACHINE_OWN_MAX &&
  @   \forall integer g; 0 <= g < p->guest_count ==> 1 <= p->guests[g].core_count <= CORES_MAX;
  @*/

/* The two have no byte in common. */
/*@ requires no_wrap(a) && no_wrap(b);
  @ assigns \nothing;
  @ ensures \result <==> apart(a, b);
  @*/
static bool plan_apart(struct range a, struct range b)
{
    return a.base + a.size <= b.base || b.base + b.size <= a.base;
}

/* Ends at the latest at 2^64 - 1, so that the sums in this file hold. */
/*@ assigns \nothing;
  @ ensures \result <==> no_wrap(r);
  @*/
static bool plan_no_wrap(struct range r)
{
    return r.size <= UINT64_MAX - r.base;
}

/*@ assigns \nothing;
  @ ensures \result <==> no_wrap(outer) && no_wrap(inner) && within(outer, inner);
  @*/
static bool plan_within(struct range outer, struct range inner)
{
    return plan_no_wrap(outer) && plan_no_wrap(inner) && inner.base >= outer.base &&
           inner.base + inner.size <= outer.base + outer.size;
}

/* The guest holds the core, in another place than the one at `but`. */
/*@ requires \valid_read(guest) && guest->core_count <= CORES_MAX;
  @ assigns \nothing;
  @ ensures \result <==> !lacks(guest, core, but);
  @*/
static bool plan_holds(const struct plan_guest *guest, uint32_t core, uint32_t but)
{
    /*@ loop invariant 0 <= k <= guest->core_count;
      @ loop invariant \forall integer q; 0 <= q < k && q != but ==> guest->cores[q] != core;
      @ loop assigns k;
      @ loop variant guest->core_count - k;
      @*/
    for (uint32_t k = 0; k < guest->core_count; k++)
        if (k != but && guest->cores[k] == core)
            return true;
    return false;
}

/* Guest g's core i exists, is not the monitor's, and is held nowhere else in the plan. */
/*@ requires readable(plan, machine) && bounded(plan, machine);
  @ requires g < plan->guest_count && i < plan->guests[g].core_count;
  @ assigns \nothing;
  @ ensures \result ==> core_ok(plan, machine, g, i);
  @*/
static bool plan_valid_core(const struct plan *plan, const struct machine *machine, uint32_t g,
                            uint32_t i)
{
    const uint32_t core = plan->guests[g].cores[i];

    /*@ loop invariant 0 <= o <= plan->guest_count;
      @ loop invariant \forall integer p; 0 <= p < o ==>
      @   lacks(&plan->guests[p], core, p == g ? i : CORES_MAX);
      @ loop assigns o;
      @ loop variant plan->guest_count - o;
      @*/
    for (uint32_t o = 0; o < plan->guest_count; o++)
        if (plan_holds(&plan->guests[o], core, o == g ? i : CORES_MAX))
            return false;
    return core >= plan->reserved_cores && core < machine->core_count;
}

/*@ requires readable(plan, machine) && bounded(plan, machine) && g < plan->guest_count;
  @ assigns \nothing;
  @ ensures \result ==> cores_ok(plan, machine, g);
  @*/
static bool plan_valid_cores(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    const struct plan_guest *guest = &plan->guests[g];
    const struct config_cores *wish = &guest->config->cores;

    if (guest->core_count != wish->count)
        return false;
    /*@ loop invariant 0 <= i <= plan->guests[g].core_count;
      @ loop invariant \forall integer k; 0 <= k < i ==> core_ok(plan, machine, g, k);
      @ loop assigns i;
      @ loop variant plan->guests[g].core_count - i;
      @*/
    for (uint32_t i = 0; i < guest->core_count; i++) {
        if (!plan_valid_core(plan, machine, g, i))
            return false;
        if (wish->exact && guest->cores[i] != wish->list[i])
            return false;
    }
    return true;
}

/* All of a guest's RAM is in one free range of the machine. */
/*@ requires readable(plan, machine) && bounded(plan, machine) && g < plan->guest_count;
  @ assigns \nothing;
  @ ensures \result ==> ram_free(plan, machine, g);
  @*/
static bool plan_valid_ram(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    const struct range ram = plan->guests[g].ram;

    if (ram.size != plan->guests[g].config->memory || ram.size == 0 ||
        !is_aligned(ram.base, PAGE_SIZE_2M) || !is_aligned(ram.size, PAGE_SIZE))
        return false;
    /*@ loop invariant 0 <= i <= machine->range_count;
      @ loop assigns i;
      @ loop variant machine->range_count - i;
      @*/
    for (uint32_t i = 0; i < machine->range_count; i++)
        if (plan_within(machine->ranges[i], ram))
            return true;
    return false;
}

/* None of it is the hypervisor's. */
/*@ requires readable(plan, machine) && bounded(plan, machine) && g < plan->guest_count;
  @ requires no_wrap(plan->guests[g].ram);
  @ assigns \nothing;
  @ ensures \result <==> ram_off(plan, machine, g);
  @*/
static bool plan_valid_off(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    /*@ loop invariant 0 <= i <= machine->own_count;
      @ loop invariant \forall integer k; 0 <= k < i ==>
      @   no_wrap(machine->own[k]) && apart(plan->guests[g].ram, machine->own[k]);
      @ loop assigns i;
      @ loop variant machine->own_count - i;
      @*/
    for (uint32_t i = 0; i < machine->own_count; i++)
        if (!plan_no_wrap(machine->own[i]) || !plan_apart(plan->guests[g].ram, machine->own[i]))
            return false;
    return true;
}

/* No other guest has any of its RAM. */
/*@ requires readable_guests(plan) && g < plan->guest_count <= GUESTS_MAX;
  @ requires \forall integer o; 0 <= o < plan->guest_count ==> no_wrap(plan->guests[o].ram);
  @ assigns \nothing;
  @ ensures \result <==> ram_apart(plan, g);
  @*/
static bool plan_valid_apart(const struct plan *plan, uint32_t g)
{
    /*@ loop invariant 0 <= other <= plan->guest_count;
      @ loop invariant \forall integer o; 0 <= o < other && o != g ==>
      @   apart(plan->guests[g].ram, plan->guests[o].ram);
      @ loop assigns other;
      @ loop variant plan->guest_count - other;
      @*/
    for (uint32_t other = 0; other < plan->guest_count; other++)
        if (other != g && !plan_apart(plan->guests[g].ram, plan->guests[other].ram))
            return false;
    return true;
}

/*@ requires \valid_read(image) && i < IMAGE_PIECES_MAX;
  @ assigns \nothing;
  @ ensures \result.base == image->pieces[i].to.v && \result.size == image->pieces[i].size;
  @*/
static struct range plan_piece(const struct image *image, uint32_t i)
{
    return (struct range){.base = image->pieces[i].to.v, .size = image->pieces[i].size};
}

/* Each piece is in the guest's memory and on top of no other. */
/*@ requires \valid_read(guest);
  @ assigns \nothing;
  @ ensures \result ==> image_ok(guest);
  @*/
static bool plan_valid_image(const struct plan_guest *guest)
{
    const struct image *image = &guest->image;
    const struct range low = {.base = 0, .size = min_u64(guest->ram.size, GUEST_LOW_MAX)};
    const struct range high = {.base = GUEST_HIGH_BASE, .size = guest->ram.size - low.size};

    if (guest->image_module == NULL || image->piece_count > IMAGE_PIECES_MAX)
        return false;
    /*@ loop invariant 0 <= i <= guest->image.piece_count;
      @ loop invariant \forall integer p; 0 <= p < i ==> piece_ok(guest, p);
      @ loop invariant \forall integer p, q; 0 <= q < p < i ==> pieces_apart(guest, p, q);
      @ loop assigns i;
      @ loop variant guest->image.piece_count - i;
      @*/
    for (uint32_t i = 0; i < image->piece_count; i++) {
        const struct range piece = plan_piece(image, i);
        if (image->pieces[i].source == NULL || piece.size == 0 ||
            (!plan_within(low, piece) && !plan_within(high, piece)))
            return false;
        /*@ loop invariant 0 <= other <= i;
          @ loop invariant \forall integer q; 0 <= q < other ==> pieces_apart(guest, i, q);
          @ loop assigns other;
          @ loop variant i - other;
          @*/
        for (uint32_t other = 0; other < i; other++)
            if (!plan_apart(piece, plan_piece(image, other)))
                return false;
    }
    return true;
}

/*@ requires readable(plan, machine);
  @ assigns \nothing;
  @ ensures \result ==> bounded(plan, machine);
  @*/
static bool plan_valid_counts(const struct plan *plan, const struct machine *machine)
{
    if (plan->guest_count == 0 || plan->guest_count > GUESTS_MAX ||
        plan->guest_count != plan->config->guest_count || machine->core_count > CORES_MAX ||
        machine->range_count > MACHINE_RANGES_MAX || machine->own_count > MACHINE_OWN_MAX)
        return false;
    /*@ loop invariant 0 <= g <= plan->guest_count;
      @ loop invariant \forall integer o; 0 <= o < g ==>
      @   1 <= plan->guests[o].core_count <= CORES_MAX;
      @ loop assigns g;
      @ loop variant plan->guest_count - g;
      @*/
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (plan->guests[g].core_count == 0 || plan->guests[g].core_count > CORES_MAX)
            return false;
    return true;
}

/*@ requires readable(plan, machine);
  @ assigns \nothing;
  @ ensures \result ==> bounded(plan, machine);
  @ ensures \result ==> \forall integer g; 0 <= g < plan->guest_count ==>
  @   cores_ok(plan, machine, g) && ram_free(plan, machine, g) && ram_off(plan, machine, g) &&
  @   ram_apart(plan, g) && image_ok(&plan->guests[g]);
  @*/
bool plan_valid(const struct plan *plan, const struct machine *machine)
{
    if (!plan_valid_counts(plan, machine))
        return false;
    /*@ loop invariant 0 <= g <= plan->guest_count;
      @ loop invariant \forall integer o; 0 <= o < g ==> cores_ok(plan, machine, o) &&
      @   ram_free(plan, machine, o) && ram_off(plan, machine, o) && image_ok(&plan->guests[o]);
      @ loop assigns g;
      @ loop variant plan->guest_count - g;
      @*/
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (!plan_valid_cores(plan, machine, g) || !plan_valid_ram(plan, machine, g) ||
            !plan_valid_off(plan, machine, g) || !plan_valid_image(&plan->guests[g]))
            return false;
    /*@ loop invariant 0 <= g <= plan->guest_count;
      @ loop invariant \forall integer o; 0 <= o < g ==> ram_apart(plan, o);
      @ loop assigns g;
      @ loop variant plan->guest_count - g;
      @*/
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (!plan_valid_apart(plan, g))
            return false;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * plan_valid: judges a finished plan without knowing how it was made. It shares no code with
 * plan_make(), compares everything with everything, and its loops are bounded by constants: it is
 * meant to be obviously right, not fast. Pure.
 *
 * And it is proved right (`make proof`, docs/proofs.md): the comments that begin with an at sign
 * are what is proved of the function or loop below them, in the words of tests/proof/plan_valid.h.
 */
#include "kernel/plan/plan_valid_map.h"

/* The guest holds the core, in another place than the one at `but`. */
/*@ requires \valid_read(guest) && guest->core_count <= GUEST_CORES_MAX;
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
      @   lacks(&plan->guests[p], core, p == g ? i : GUEST_CORES_MAX);
      @ loop assigns o;
      @ loop variant plan->guest_count - o;
      @*/
    for (uint32_t o = 0; o < plan->guest_count; o++)
        if (plan_holds(&plan->guests[o], core, o == g ? i : GUEST_CORES_MAX))
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

/*@ requires \valid_read(image) && i < IMAGE_PIECES_MAX;
  @ assigns \nothing;
  @ ensures \result.base == image->pieces[i].to.v && \result.size == image->pieces[i].size;
  @*/
static struct range plan_piece(const struct image *image, uint32_t i)
{
    return (struct range){.base = image->pieces[i].to.v, .size = image->pieces[i].size};
}

/* All of it goes into one row of the guest's RAM. */
/*@ requires \valid_read(map) && map->count <= GUEST_REGIONS_MAX && no_wrap(piece);
  @ assigns \nothing;
  @ ensures \result ==> in_ram(map, piece.base, piece.size);
  @*/
static bool plan_is_in_ram(const struct guest_map *map, struct range piece)
{
    /*@ loop invariant 0 <= i <= map->count;
      @ loop assigns i;
      @ loop variant map->count - i;
      @*/
    for (uint32_t i = 0; i < map->count; i++) {
        const struct range row = {.base = map->rows[i].at.v, .size = map->rows[i].size};
        if (map->rows[i].kind == REGION_RAM && plan_within(row, piece))
            return true;
    }
    return false;
}

/* Each piece is in the guest's RAM and on top of no other. */
/*@ requires \valid_read(guest) && guest->map.count <= GUEST_REGIONS_MAX;
  @ assigns \nothing;
  @ ensures \result ==> image_ok(guest);
  @*/
static bool plan_valid_image(const struct plan_guest *guest)
{
    const struct image *image = &guest->image;

    if (image->piece_count > IMAGE_PIECES_MAX)
        return false;
    /*@ loop invariant 0 <= i <= guest->image.piece_count;
      @ loop invariant \forall integer p; 0 <= p < i ==> piece_ok(guest, p);
      @ loop invariant \forall integer p, q; 0 <= q < p < i ==> pieces_apart(guest, p, q);
      @ loop assigns i;
      @ loop variant guest->image.piece_count - i;
      @*/
    for (uint32_t i = 0; i < image->piece_count; i++) {
        const struct range piece = plan_piece(image, i);
        if (image->pieces[i].source == NULL || piece.size == 0 || !plan_no_wrap(piece) ||
            !plan_is_in_ram(&guest->map, piece))
            return false;
        /*@ loop invariant 0 <= other <= i;
          @ loop invariant \forall integer q; 0 <= q < other ==> pieces_apart(guest, i, q);
          @ loop assigns other;
          @ loop variant i - other;
          @*/
        for (uint32_t other = 0; other < i; other++) {
            /*@ assert piece_ok(guest, other); */
            if (!plan_apart(piece, plan_piece(image, other)))
                return false;
        }
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
      @ loop invariant \forall integer o; 0 <= o < g ==> bounded_guest(&plan->guests[o]);
      @ loop assigns g;
      @ loop variant plan->guest_count - g;
      @*/
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        const struct plan_guest *guest = &plan->guests[g];
        if (guest->core_count == 0 || guest->core_count > GUEST_CORES_MAX ||
            guest->map.count == 0 || guest->map.count > GUEST_REGIONS_MAX)
            return false;
    }
    return true;
}

/*@ requires readable(plan, machine) && readable_links(plan);
  @ assigns \nothing;
  @ ensures \result ==> bounded(plan, machine);
  @ ensures \result ==> \forall integer l; 0 <= l < plan->link_count ==> link_ok(plan, l);
  @ ensures \result ==> \forall integer g; 0 <= g < plan->guest_count ==>
  @   cores_ok(plan, machine, g) && map_ok(machine, &plan->guests[g]) && owners_ok(plan, g) &&
  @   image_ok(&plan->guests[g]) && disks_ok(plan, machine, g) && links_ok(plan, g);
  @*/
bool plan_valid(const struct plan *plan, const struct machine *machine)
{
    if (!plan_valid_counts(plan, machine) || !plan_valid_links(plan))
        return false;
    /*@ loop invariant 0 <= g <= plan->guest_count;
      @ loop invariant \forall integer o; 0 <= o < g ==> cores_ok(plan, machine, o) &&
      @   map_ok(machine, &plan->guests[o]) && image_ok(&plan->guests[o]);
      @ loop assigns g;
      @ loop variant plan->guest_count - g;
      @*/
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (!plan_valid_cores(plan, machine, g) || !plan_valid_map(plan, machine, g) ||
            !plan_valid_image(&plan->guests[g]))
            return false;
    /*@ loop invariant 0 <= g <= plan->guest_count;
      @ loop invariant \forall integer o; 0 <= o < g ==>
      @   owners_ok(plan, o) && disks_ok(plan, machine, o) && links_ok(plan, o);
      @ loop assigns g;
      @ loop variant plan->guest_count - g;
      @*/
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (!plan_valid_owners(plan, g) || !plan_valid_disks(plan, machine, g) ||
            !plan_valid_ends(plan, g))
            return false;
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * plan_valid: judges a finished plan without knowing how it was made. It shares no code with
 * plan_make(), compares everything with everything, and its loops are bounded by constants: it is
 * meant to be obviously right, not fast. Pure.
 */
#include "kernel/plan.h"

#include "lib/bits.h"

/* The two have no byte in common; neither wraps. */
static bool plan_apart(struct range a, struct range b)
{
    return a.base + a.size <= b.base || b.base + b.size <= a.base;
}

/* Ends at the latest at 2^64 - 1, so that the sums in this file hold. */
static bool plan_no_wrap(struct range r)
{
    return r.size <= UINT64_MAX - r.base;
}

static bool plan_within(struct range outer, struct range inner)
{
    return plan_no_wrap(outer) && plan_no_wrap(inner) && inner.base >= outer.base &&
           inner.base + inner.size <= outer.base + outer.size;
}

/* Each core of a guest exists, is not the monitor's, and is held once in the whole plan. */
static bool plan_valid_core(const struct plan *plan, const struct machine *machine, uint32_t core)
{
    uint32_t holders = 0;

    for (uint32_t g = 0; g < plan->guest_count; g++)
        for (uint32_t i = 0; i < plan->guests[g].core_count; i++)
            if (plan->guests[g].cores[i] == core)
                holders++;
    return holders == 1 && core >= plan->reserved_cores && core < machine->core_count;
}

static bool plan_valid_cores(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    const struct plan_guest *guest = &plan->guests[g];
    const struct config_cores *wish = &guest->config->cores;

    if (guest->core_count != wish->count)
        return false;
    for (uint32_t i = 0; i < guest->core_count; i++) {
        if (!plan_valid_core(plan, machine, guest->cores[i]))
            return false;
        if (wish->exact && guest->cores[i] != wish->list[i])
            return false;
    }
    return true;
}

/* All of a guest's RAM is in one free range of the machine, and no other guest has any of it. */
static bool plan_valid_ram(const struct plan *plan, const struct machine *machine, uint32_t g)
{
    struct range ram = plan->guests[g].ram;
    bool free = false;

    if (ram.size != plan->guests[g].config->memory || ram.size == 0 ||
        !is_aligned(ram.base, PAGE_SIZE_2M) || !is_aligned(ram.size, PAGE_SIZE))
        return false;
    for (uint32_t i = 0; i < machine->range_count; i++)
        if (plan_within(machine->ranges[i], ram))
            free = true;
    if (!free)
        return false;
    for (uint32_t other = 0; other < plan->guest_count; other++)
        if (other != g && !plan_apart(ram, plan->guests[other].ram))
            return false;
    return true;
}

static struct range plan_piece(const struct image *image, uint32_t i)
{
    return (struct range){.base = image->pieces[i].to.v, .size = image->pieces[i].size};
}

/* Each piece is in the guest's memory and on top of no other. */
static bool plan_valid_image(const struct plan_guest *guest)
{
    const struct image *image = &guest->image;
    struct range low = {.base = 0, .size = min_u64(guest->ram.size, GUEST_LOW_MAX)};
    struct range high = {.base = GUEST_HIGH_BASE, .size = guest->ram.size - low.size};

    if (guest->image_module == NULL || image->piece_count > IMAGE_PIECES_MAX)
        return false;
    for (uint32_t i = 0; i < image->piece_count; i++) {
        struct range piece = plan_piece(image, i);
        if (image->pieces[i].source == NULL || piece.size == 0 ||
            (!plan_within(low, piece) && !plan_within(high, piece)))
            return false;
        for (uint32_t other = 0; other < i; other++)
            if (!plan_apart(piece, plan_piece(image, other)))
                return false;
    }
    return true;
}

bool plan_valid(const struct plan *plan, const struct machine *machine)
{
    if (plan->guest_count == 0 || plan->guest_count > GUESTS_MAX ||
        plan->guest_count != plan->config->guest_count || machine->core_count > CORES_MAX ||
        machine->range_count > MACHINE_RANGES_MAX)
        return false;
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (plan->guests[g].core_count == 0 || plan->guests[g].core_count > CORES_MAX)
            return false;
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (!plan_valid_cores(plan, machine, g) || !plan_valid_ram(plan, machine, g) ||
            !plan_valid_image(&plan->guests[g]))
            return false;
    return true;
}

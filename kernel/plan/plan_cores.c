/* SPDX-License-Identifier: MIT */
/*
 * plan_cores: assigns cores: first the monitor's, then exact lists, then counts from the lowest
 * free core up; within each, in the order of the file. Pure, no state.
 *
 * Whatever has a local APIC is a numbered core. Where those are threads that share a physical
 * core's caches and buffers, all of them get the same owner, because on many processors a thread
 * can read what its sibling leaves there. `threads = shared` lifts that. Where a processor has
 * cores of two kinds, a guest gets only one kind, unless it says how many of each it wants.
 */
#include "kernel/plan/plan_parts.h"
#include "kernel/plan/takers.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define CORE_FREE    0xff
#define CORE_MONITOR 0xfe
_Static_assert(GUESTS_MAX < CORE_MONITOR, "an owner fits in a byte");

struct core_map {
    const struct machine *machine;
    bool shared;              /* threads of one core may have different owners */
    uint32_t total;           /* in the machine */
    uint8_t owner[CORES_MAX]; /* guest, CORE_MONITOR or CORE_FREE */
};

/* Where the kind does not matter. */
#define ANY_KIND CORE_KINDS

static bool plan_cores_is_kind(const struct core_map *map, uint32_t core, uint32_t kind)
{
    return kind == ANY_KIND || map->machine->kinds[core] == kind;
}

static bool plan_cores_are_siblings(const struct core_map *map, uint32_t a, uint32_t b)
{
    const uint32_t *ids = map->machine->apic_ids;

    return !map->shared && map->machine->thread_bits > 0 && a != b &&
           ids[a] >> map->machine->thread_bits == ids[b] >> map->machine->thread_bits;
}

/* A sibling that somebody else has, or map->total. */
static uint32_t plan_cores_foreign(const struct core_map *map, uint32_t core, uint8_t owner)
{
    uint32_t other = 0;

    if (map->shared || map->machine->thread_bits == 0)
        return map->total; /* no core has one: not worth a look at all pairs of 512 */
    while (other < map->total && (map->owner[other] == CORE_FREE || map->owner[other] == owner ||
                                  !plan_cores_are_siblings(map, core, other)))
        other++;
    return other;
}

static bool plan_cores_is_free(const struct core_map *map, uint32_t core, uint8_t owner)
{
    return map->owner[core] == CORE_FREE && plan_cores_foreign(map, core, owner) == map->total;
}

static uint32_t plan_cores_left(const struct core_map *map, uint8_t owner, uint32_t kind)
{
    uint32_t count = 0;

    for (uint32_t core = 0; core < map->total; core++)
        if (plan_cores_is_kind(map, core, kind) && plan_cores_is_free(map, core, owner))
            count++;
    return count;
}

/* The threads of core #0's core. */
static uint32_t plan_cores_threads(const struct core_map *map)
{
    uint32_t count = 1;

    for (uint32_t core = 1; core < map->total; core++)
        if (plan_cores_are_siblings(map, 0, core))
            count++;
    return count;
}

static uint32_t plan_cores_of(const struct core_map *map, uint8_t owner, uint32_t kind)
{
    uint32_t count = 0;

    for (uint32_t core = 0; core < map->total; core++)
        if (plan_cores_is_kind(map, core, kind) && map->owner[core] == owner)
            count++;
    return count;
}

/* Without a wish: one core where there is one to spare, with all its threads, and no guest names
 * one of those. */
static uint32_t plan_cores_to_spare(const struct config *config, const struct core_map *map)
{
    const uint32_t threads = plan_cores_threads(map);
    uint32_t wanted = 0;

    for (uint32_t g = 0; g < config->guest_count; g++) {
        const struct config_cores *cores = &config->guests[g].cores;
        wanted += (cores->count + threads - 1) / threads * threads;
        for (uint32_t i = 0; cores->exact && i < cores->count; i++)
            if (cores->list[i] == 0 ||
                (cores->list[i] < map->total && plan_cores_are_siblings(map, 0, cores->list[i])))
                return 0;
    }
    return map->total >= wanted + threads ? 1 : 0;
}

/* A wish that leaves no core is refused, and the guests are then judged without it. */
static uint32_t plan_cores_reserved(const struct config *config, const struct core_map *map,
                                    struct errors *report)
{
    const struct config_machine *wish = &config->machine;
    const uint32_t total = map->total;
    const bool needs_monitor = map->machine->needs_monitor;
    const uint32_t least = needs_monitor ? 1 : 0;
    char advice[32] = "";

    if (!wish->reserve_given)
        return needs_monitor ? 1 : plan_cores_to_spare(config, map);
    if (needs_monitor && wish->reserve == 0) {
        errors_add(report, wish->reserve_line,
                   "reserve = 0: no timer of this processor counts while a guest runs, so core #0 "
                   "has to watch the guests' deadlines: write 1 or more");
        return 1;
    }
    if (wish->reserve < total)
        return wish->reserve;
    if (total - 1 >= least)
        fmt_print(advice, sizeof(advice), ": write %u%s", total - 1,
                  total - 1 > least ? " or less" : "");
    errors_add(report, wish->reserve_line,
               "reserve = %u leaves no core for guests (%u in the machine)%s", wish->reserve, total,
               advice);
    return least;
}

/* The file asks for just what is reserved: not what became of a wish that was refused. */
static bool plan_cores_is_wish(const struct plan *plan)
{
    const struct config_machine *wish = &plan->config->machine;

    return wish->reserve_given && wish->reserve == plan->reserved_cores;
}

/* "core #0, which ...": why the monitor has it. Lives in `buf`. */
static const char *plan_cores_kept(const struct plan *plan, const struct core_map *map, char *buf,
                                   size_t size)
{
    if (plan_cores_is_wish(plan))
        fmt_print(buf, size, "'reserve = %u' (line %u) keeps", plan->reserved_cores,
                  plan->config->machine.reserve_line);
    else
        fmt_print(buf, size, "%s",
                  map->machine->needs_monitor ? "this processor needs" : "is kept");
    return buf;
}

static void plan_cores_take(struct plan_guest *guest, struct core_map *map, uint32_t core,
                            uint8_t owner)
{
    map->owner[core] = owner;
    guest->cores[guest->core_count++] = core;
}

/* `other` is a thread of the same core, and another's. */
static void plan_cores_not_alone(const struct plan *plan, const struct core_map *map,
                                 const struct config_guest *wish, uint32_t core, uint32_t other,
                                 struct errors *report)
{
    const uint8_t owner = map->owner[other];
    char kept[48];

    if (owner == CORE_MONITOR)
        errors_add(report, wish->cores.line,
                   "guest '%s' wants core #%u, a thread of the same core as #%u, which %s for the "
                   "monitor; 'threads = shared' in [machine] allows it",
                   wish->name, core, other, plan_cores_kept(plan, map, kept, sizeof(kept)));
    else
        errors_add(report, wish->cores.line,
                   "guest '%s' wants core #%u, a thread of the same core as #%u, which guest '%s' "
                   "has (line %u); 'threads = shared' in [machine] allows it",
                   wish->name, core, other, plan->guests[owner].config->name,
                   plan->guests[owner].config->cores.line);
}

static void plan_cores_exact(struct plan *plan, struct core_map *map, uint32_t g,
                             struct errors *report)
{
    struct plan_guest *guest = &plan->guests[g];
    const struct config_cores *wish = &guest->config->cores;
    char kept[48];

    for (uint32_t i = 0; i < wish->count; i++) {
        uint32_t core = wish->list[i];
        if (core >= map->total)
            errors_add(report, wish->line, "guest '%s' wants core #%u, but the machine has %s#%u",
                       guest->config->name, core, map->total == 1 ? "only " : "#0 to ",
                       map->total - 1);
        else if (map->owner[core] == CORE_MONITOR)
            errors_add(report, wish->line, "guest '%s' wants core #%u, which %s for the monitor",
                       guest->config->name, core, plan_cores_kept(plan, map, kept, sizeof(kept)));
        else if (map->owner[core] != CORE_FREE)
            errors_add(report, wish->line,
                       "guest '%s' wants core #%u, which guest '%s' has (line %u)",
                       guest->config->name, core, plan->guests[map->owner[core]].config->name,
                       plan->guests[map->owner[core]].config->cores.line);
        else if (!plan_cores_is_free(map, core, (uint8_t)g))
            plan_cores_not_alone(plan, map, guest->config, core,
                                 plan_cores_foreign(map, core, (uint8_t)g), report);
        else
            plan_cores_take(guest, map, core, (uint8_t)g);
    }
}

/* `want` cores of this kind are not left. */
static void plan_cores_short(const struct plan *plan, const struct core_map *map,
                             const struct config_guest *wish, uint32_t want, uint32_t kind,
                             struct errors *report)
{
    struct takers takers = {.text = ""};
    uint32_t left = plan_cores_left(map, CORE_FREE, kind);
    uint32_t beside = plan_cores_of(map, CORE_FREE, kind) - left;
    uint32_t reserved = plan_cores_of(map, CORE_MONITOR, kind);
    uint32_t total = 0;
    char number[16];

    for (uint32_t core = 0; core < map->total; core++)
        total += plan_cores_is_kind(map, core, kind);
    if (reserved > 0)
        takers.len = fmt_print(takers.text, sizeof(takers.text), ", %u reserved%s", reserved,
                               plan_cores_is_wish(plan)      ? ""
                               : map->machine->needs_monitor ? ", as this processor needs it"
                                                             : " by default");
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        uint32_t has = plan_cores_of(map, (uint8_t)g, kind);
        fmt_print(number, sizeof(number), "%u", has);
        if (has > 0)
            takers_add(&takers, number, plan->guests[g].config->name);
    }
    fmt_print(number, sizeof(number), left == 0 ? "none" : "%u", left);
    errors_add(report, wish->cores.line,
               "guest '%s' wants %u %score%s, %s %s left (%u in the machine%s)%s", wish->name, want,
               plan_kind_prefix(kind), want == 1 ? "" : "s", number,
               left == 1 || left == 0 ? "is" : "are", total, takers_text(&takers),
               beside == 0 ? ""
                           : "; others are threads of cores that are taken; 'threads = shared' "
                             "in [machine] allows them");
}

static bool plan_cores_has_sibling(const struct core_map *map, uint32_t core, uint8_t owner)
{
    for (uint32_t own = 0; own < map->total; own++)
        if (map->owner[own] == owner && plan_cores_are_siblings(map, own, core))
            return true;
    return false;
}

/* The next one for a guest: a thread of a core that it has, else the lowest. */
static uint32_t plan_cores_next(const struct core_map *map, uint8_t owner, uint32_t kind)
{
    uint32_t lowest = map->total;

    for (uint32_t core = 0; core < map->total; core++) {
        if (!plan_cores_is_kind(map, core, kind) || !plan_cores_is_free(map, core, owner))
            continue;
        if (plan_cores_has_sibling(map, core, owner))
            return core;
        if (lowest == map->total)
            lowest = core;
    }
    return lowest;
}

/* A guest that is refused takes nothing: the next one is judged as if it were not there. */
static bool plan_cores_take_kind(struct plan_guest *guest, struct core_map *map, uint8_t owner,
                                 uint32_t want, uint32_t kind)
{
    if (want > plan_cores_left(map, owner, kind))
        return false;
    for (uint32_t i = 0; i < want; i++)
        plan_cores_take(guest, map, plan_cores_next(map, owner, kind), owner);
    return true;
}

static void plan_cores_give_back(struct plan_guest *guest, struct core_map *map)
{
    while (guest->core_count > 0)
        map->owner[guest->cores[--guest->core_count]] = CORE_FREE;
}

static void plan_cores_of_kinds(struct plan *plan, struct core_map *map, uint32_t g,
                                struct errors *report)
{
    struct plan_guest *guest = &plan->guests[g];
    const uint32_t *of = guest->config->cores.of;

    for (uint32_t kind = CORE_PERFORMANCE; kind < CORE_KINDS; kind++) {
        if (plan_cores_take_kind(guest, map, (uint8_t)g, of[kind], kind))
            continue;
        plan_cores_give_back(guest, map);
        plan_cores_short(plan, map, guest->config, of[kind], kind, report);
        return;
    }
}

/* All of one kind: that of the first core that is free, or else the other, if it has so many. */
static void plan_cores_counted(struct plan *plan, struct core_map *map, uint32_t g,
                               struct errors *report)
{
    struct plan_guest *guest = &plan->guests[g];
    const uint32_t want = guest->config->cores.count;
    const uint32_t first = plan_cores_next(map, (uint8_t)g, ANY_KIND);
    const uint32_t kind = first < map->total ? map->machine->kinds[first] : CORE_PLAIN;

    if (plan_cores_take_kind(guest, map, (uint8_t)g, want, kind) ||
        (kind != CORE_PLAIN &&
         plan_cores_take_kind(guest, map, (uint8_t)g, want,
                              kind == CORE_PERFORMANCE ? CORE_EFFICIENCY : CORE_PERFORMANCE)))
        return;
    if (want <= plan_cores_left(map, (uint8_t)g, ANY_KIND))
        plan_kind_say_mixed(guest->config, plan_cores_left(map, (uint8_t)g, CORE_PERFORMANCE),
                            plan_cores_left(map, (uint8_t)g, CORE_EFFICIENCY), report);
    else
        plan_cores_short(plan, map, guest->config, want, ANY_KIND, report);
}

/* A thread that moves between such cores would see time jump, and waits would end at odd times. */
static void plan_cores_in_time(const struct plan *plan, const struct machine *machine,
                               struct errors *report)
{
    for (uint32_t g = 0; g < plan->guest_count && machine->tsc_apart != 0; g++) {
        const struct config_guest *wish = plan->guests[g].config;

        if (wish->cores.count > 1)
            errors_add(report, wish->cores.line,
                       "guest '%s' wants %u cores, but the TSC of core #%u is more than 1 us off "
                       "core #0's: write 1",
                       wish->name, wish->cores.count, machine->tsc_apart);
    }
}

void plan_cores(struct plan *plan, const struct machine *machine, struct errors *report)
{
    struct core_map map = {.machine = machine,
                           .shared = plan->config->machine.threads_shared,
                           .total = machine->core_count};

    plan_cores_in_time(plan, machine, report);
    plan_kind_check(plan, machine, report);
    memset(map.owner, CORE_FREE, sizeof(map.owner));
    plan->reserved_cores = plan_cores_reserved(plan->config, &map, report);
    for (uint32_t core = 0; core < plan->reserved_cores; core++)
        map.owner[core] = CORE_MONITOR;
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (plan->guests[g].config->cores.exact)
            plan_cores_exact(plan, &map, g, report);
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        const struct config_cores *wish = &plan->guests[g].config->cores;
        if (wish->by_kind && machine->kinds[0] != CORE_PLAIN)
            plan_cores_of_kinds(plan, &map, g, report);
        else if (!wish->exact)
            plan_cores_counted(plan, &map, g, report);
    }
}

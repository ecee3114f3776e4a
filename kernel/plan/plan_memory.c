/* SPDX-License-Identifier: MIT */
/*
 * plan_memory: assigns host memory. Each guest gets one contiguous range, and so does each disk
 * that is a copy and each link's window: the largest first, each in the lowest place that has room;
 * on a machine of several NUMA nodes a guest's in the lowest of the node of its cores, if that has
 * room. Pure, no state.
 */
#include "kernel/plan/nodes.h"
#include "kernel/plan/plan_parts.h"
#include "kernel/plan/takers.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* What wants a place: of guest i / PARTS its RAM, the tables of its devices, or the disk i % PARTS;
 * behind all guests, the links. */
#define PARTS       (DISKS_MAX + 2)
#define PART_RAM    DISKS_MAX
#define PART_TABLES (DISKS_MAX + 1)
#define PLACES_MAX  (GUESTS_MAX * PARTS + LINKS_MAX)

/* Taking one range out of a list adds at most one row to it, and so do the disks that are files. */
#define FREE_ROWS_MAX (MACHINE_RANGES_MAX + PLACES_MAX)

struct free_memory {
    struct range rows[FREE_ROWS_MAX];
    struct range_list list;
};

/* The disks that are files have their places. */
static void plan_memory_start(struct free_memory *mem, const struct machine *machine)
{
    mem->list = (struct range_list){.max = FREE_ROWS_MAX, .rows = mem->rows};
    mem->list.count = machine->range_count;
    for (uint32_t i = 0; i < machine->range_count; i++)
        mem->rows[i] = machine->ranges[i];
    for (uint32_t i = 0; i < machine->module_count; i++) {
        bool removed =
            !machine->modules[i].given || range_list_remove(&mem->list, machine->modules[i].place);
        ASSERT(removed);
    }
}

static uint32_t plan_memory_count(const struct plan *plan)
{
    return plan->guest_count * PARTS + plan->link_count;
}

/* The link that wish `i` is, or NULL. */
static const struct config_link *plan_memory_link(const struct plan *plan, uint32_t i)
{
    return i < plan->guest_count * PARTS ? NULL : plan->links[i - plan->guest_count * PARTS].config;
}

/* Bytes that wish `i` wants; 0: nothing. */
static uint64_t plan_memory_size(const struct plan *plan, uint32_t i)
{
    const struct config_link *link = plan_memory_link(plan, i);

    if (link)
        return link->memory;
    const struct plan_guest *guest = &plan->guests[i / PARTS];
    if (i % PARTS == PART_RAM)
        return guest->config->memory;
    if (i % PARTS == PART_TABLES)
        return plan_devices_tables(guest);
    return i % PARTS < guest->config->disk_count ? plan_disk_copy(guest, i % PARTS) : 0;
}

static bool plan_memory_is_ram(const struct plan *plan, uint32_t i)
{
    return !plan_memory_link(plan, i) && i % PARTS == PART_RAM;
}

/* Wishes by size, the largest first, equal ones in the order of the file. */
static void plan_memory_order(const struct plan *plan, uint32_t order[PLACES_MAX])
{
    for (uint32_t i = 0; i < plan_memory_count(plan); i++) {
        uint32_t at = i;
        while (at > 0 && plan_memory_size(plan, order[at - 1]) < plan_memory_size(plan, i)) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* What a place has to be like. */
struct wanted {
    uint64_t size;
    bool huge;                     /* better on 1 GiB */
    const struct machine *machine; /* better in `node` of it; NULL: anywhere */
    uint32_t node;
};

static bool plan_memory_find(const struct range_list *list, uint64_t size, uint64_t align,
                             struct range *out)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (range_fit(list->rows[i], size, align, out))
            return true;
    return false;
}

static bool plan_memory_find_near(const struct range_list *list, const struct wanted *w,
                                  uint64_t align, struct range *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t n = 0; n < w->machine->near_count; n++) {
            const struct machine_near *near = &w->machine->near[n];
            if (near->node == w->node &&
                range_fit(range_intersect(list->rows[i], near->where), w->size, align, out))
                return true;
        }
    }
    return false;
}

static bool plan_memory_place(struct range_list *list, const struct wanted *w, struct range *out)
{
    const bool huge = w->huge && w->size >= PAGE_SIZE_1G;
    const bool found = (w->machine && huge && plan_memory_find_near(list, w, PAGE_SIZE_1G, out)) ||
                       (w->machine && plan_memory_find_near(list, w, PAGE_SIZE_2M, out)) ||
                       (huge && plan_memory_find(list, w->size, PAGE_SIZE_1G, out)) ||
                       plan_memory_find(list, w->size, PAGE_SIZE_2M, out);

    if (!found)
        return false;
    bool removed = range_list_remove(list, *out);
    ASSERT(removed);
    return true;
}

/* Whole MiB in the list, and in its largest place for a guest. */
static void plan_memory_left(const struct range_list *list, uint64_t *all, uint64_t *largest)
{
    uint64_t sum = 0;

    *largest = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct range piece;
        sum += list->rows[i].size;
        /* From the first place for one page to the row's end. */
        if (range_fit(list->rows[i], PAGE_SIZE, PAGE_SIZE_2M, &piece))
            *largest = max_u64(*largest, list->rows[i].size - (piece.base - list->rows[i].base));
    }
    *all = sum / MIB;
    *largest /= MIB;
}

/* "46 MiB are left, 36 MiB of it in one piece" */
static void plan_memory_say_left(const struct range_list *list, char *buf, size_t size)
{
    uint64_t left, largest;
    size_t len;

    plan_memory_left(list, &left, &largest);
    if (left == 0) {
        fmt_print(buf, size, "none is left");
        return;
    }
    len = fmt_print(buf, size, "%lu MiB %s left", left, left == 1 ? "is" : "are");
    if (largest != left)
        fmt_print(buf + len, size - len, ", %lu MiB of it in one piece", largest);
}

static uint64_t plan_memory_taken(const struct range places[PLACES_MAX], uint32_t guest)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < PARTS; i++)
        sum += places[guest * PARTS + i].size;
    return sum;
}

/* Wish `i`, for `size`, has no place. */
static void plan_memory_say_short(const struct plan *plan, uint32_t i, const char *size,
                                  const char *rest, struct errors *report)
{
    const struct config_link *link = plan_memory_link(plan, i);

    if (link) {
        errors_add(report, link->memory_line, "link '%s' wants %s of memory, %s", link->name, size,
                   rest);
        return;
    }
    const struct config_guest *wish = plan->guests[i / PARTS].config;
    if (i % PARTS == PART_RAM) {
        errors_add(report, wish->memory_line, "guest '%s' wants %s of memory, %s", wish->name, size,
                   rest);
        return;
    }
    if (i % PARTS == PART_TABLES) {
        errors_add(report, wish->devices_line, "guest '%s' wants %s for MSI-X tables, %s",
                   wish->name, size, rest);
        return;
    }
    const struct config_disk *disk = &wish->disks[i % PARTS];
    errors_add(report, disk->line, "guest '%s' wants %s for its copy of disk '%s', %s", wish->name,
               size, disk->file, rest);
}

/* Wish `i` finds no place. */
static void plan_memory_short(const struct plan *plan, const struct machine *machine,
                              const struct range places[PLACES_MAX], const struct range_list *list,
                              uint32_t i, struct errors *report)
{
    char rest[ERRORS_TEXT_MAX];
    struct takers takers = {.text = ""};
    uint64_t total = 0;
    char size[24];
    char left[80];

    for (uint32_t r = 0; r < machine->range_count; r++)
        total += machine->ranges[r].size;
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        const uint64_t taken = plan_memory_taken(places, g);
        fmt_size(size, sizeof(size), taken);
        if (taken > 0)
            takers_add(&takers, size, plan->guests[g].config->name);
    }
    for (uint32_t l = 0; l < plan->link_count; l++) {
        const struct range *place = &places[plan->guest_count * PARTS + l];
        fmt_size(size, sizeof(size), place->size);
        if (place->size > 0)
            takers_add(&takers, size, plan->links[l].config->name);
    }
    plan_memory_say_left(list, left, sizeof(left));
    fmt_size(size, sizeof(size), plan_memory_size(plan, i));
    fmt_print(rest, sizeof(rest), "%s (%lu MiB in the machine%s)", left, total / MIB,
              takers_text(&takers));
    plan_memory_say_short(plan, i, size, rest, report);
}

/* What is better than any place, where it can be had. */
struct liking {
    bool near, huge;
};

/* Links are in the middle of several guests: anywhere. */
static struct wanted plan_memory_wanted(const struct plan *plan, const struct machine *machine,
                                        uint32_t i, struct liking liking)
{
    const bool near = liking.near && !plan_memory_link(plan, i);

    return (struct wanted){
        .size = plan_memory_size(plan, i),
        .huge = liking.huge && plan_memory_is_ram(plan, i),
        .machine = near ? machine : NULL,
        .node = near ? nodes_home(machine, &plan->guests[i / PARTS]) : 0,
    };
}

/* Finds a place for each wish: in `places`, size 0 where there is none. With a report such wishes
 * are said, without one the first ends it. False: not all have one. */
static bool plan_memory_try(const struct plan *plan, const struct machine *machine,
                            struct liking liking, struct range places[PLACES_MAX],
                            struct errors *report)
{
    struct free_memory mem;
    uint32_t order[PLACES_MAX];
    bool all = true;

    memset(places, 0, PLACES_MAX * sizeof(*places));
    plan_memory_start(&mem, machine);
    plan_memory_order(plan, order);
    for (uint32_t i = 0; i < plan_memory_count(plan) && (all || report); i++) {
        const struct wanted w = plan_memory_wanted(plan, machine, order[i], liking);
        if (w.size == 0 || plan_memory_place(&mem.list, &w, &places[order[i]]))
            continue;
        all = false;
        if (report)
            plan_memory_short(plan, machine, places, &mem.list, order[i], report);
    }
    return all;
}

/*
 * Memory that is near is worth more than a base on 1 GiB, which lets nested tables use their
 * largest leaves; neither is worth losing a guest. Without room a guest's RAM lies nowhere in
 * particular: the plan is refused, but not before its image was looked at.
 */
void plan_memory(struct plan *plan, const struct machine *machine, struct errors *report)
{
    static const struct liking likings[] = {{true, true}, {true, false}, {false, true}};
    struct range places[PLACES_MAX];
    bool all = false;

    for (uint32_t i = 0; i < ARRAY_SIZE(likings) && !all; i++)
        if (machine->near_count > 0 || !likings[i].near)
            all = plan_memory_try(plan, machine, likings[i], places, NULL);
    if (!all)
        (void)plan_memory_try(plan, machine, (struct liking){false, false}, places, report);
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        struct plan_guest *guest = &plan->guests[g];
        const struct range *parts = &places[g * PARTS];
        guest_map_add_ram(&guest->map, hpa(parts[PART_RAM].base), guest->config->memory);
        plan_disks_place(guest, parts);
    }
    plan_links_place(plan, &places[plan->guest_count * PARTS]);
    for (uint32_t g = 0; g < plan->guest_count; g++)
        plan_devices_place(&plan->guests[g], hpa(places[g * PARTS + PART_TABLES].base), report);
}

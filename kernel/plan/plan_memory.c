/* SPDX-License-Identifier: MIT */
/*
 * plan_memory: assigns host memory. Each guest gets one contiguous range, the largest guests first,
 * each in the lowest place that has room. Pure, no state.
 */
#include "kernel/plan/plan_parts.h"
#include "kernel/plan/takers.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* Taking one range out of a list adds at most one row to it. */
#define FREE_ROWS_MAX (MACHINE_RANGES_MAX + GUESTS_MAX)

struct free_memory {
    struct range rows[FREE_ROWS_MAX];
    struct range_list list;
};

static void plan_memory_start(struct free_memory *mem, const struct machine *machine)
{
    mem->list = (struct range_list){.max = FREE_ROWS_MAX, .rows = mem->rows};
    mem->list.count = machine->range_count;
    for (uint32_t i = 0; i < machine->range_count; i++)
        mem->rows[i] = machine->ranges[i];
}

/* Guests by size, the largest first, equal ones in the order of the file. */
static void plan_memory_order(const struct plan *plan, uint32_t order[GUESTS_MAX])
{
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        uint32_t at = g;
        while (at > 0 &&
               plan->guests[order[at - 1]].config->memory < plan->guests[g].config->memory) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = g;
    }
}

static bool plan_memory_find(const struct range_list *list, uint64_t size, uint64_t align,
                             struct range *out)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (range_fit(list->rows[i], size, align, out))
            return true;
    return false;
}

static bool plan_memory_place(struct range_list *list, uint64_t size, bool huge, struct range *out)
{
    bool found = huge && size >= PAGE_SIZE_1G && plan_memory_find(list, size, PAGE_SIZE_1G, out);

    if (!found && !plan_memory_find(list, size, PAGE_SIZE_2M, out))
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

static void plan_memory_short(const struct plan *plan, const struct machine *machine,
                              const struct range ram[GUESTS_MAX], const struct range_list *list,
                              const struct config_guest *wish, struct errors *report)
{
    struct takers takers = {.text = ""};
    uint64_t total = 0;
    char size[24];
    char left[80];

    for (uint32_t i = 0; i < machine->range_count; i++)
        total += machine->ranges[i].size;
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        fmt_size(size, sizeof(size), ram[g].size);
        if (ram[g].size > 0)
            takers_add(&takers, size, plan->guests[g].config->name);
    }
    plan_memory_say_left(list, left, sizeof(left));
    fmt_size(size, sizeof(size), wish->memory);
    errors_add(report, wish->memory_line,
               "guest '%s' wants %s of memory, %s (%lu MiB in the machine%s)", wish->name, size,
               left, total / MIB, takers_text(&takers));
}

/* Finds a place for each guest: in `ram`, size 0 where there is none. With a report such guests are
 * said, without one the first ends it. False: not all have one. */
static bool plan_memory_try(const struct plan *plan, const struct machine *machine, bool huge,
                            struct range ram[GUESTS_MAX], struct errors *report)
{
    struct free_memory mem;
    uint32_t order[GUESTS_MAX];
    bool all = true;

    memset(ram, 0, GUESTS_MAX * sizeof(*ram));
    plan_memory_start(&mem, machine);
    plan_memory_order(plan, order);
    for (uint32_t i = 0; i < plan->guest_count && (all || report); i++) {
        const struct config_guest *wish = plan->guests[order[i]].config;
        if (plan_memory_place(&mem.list, wish->memory, huge, &ram[order[i]]))
            continue;
        all = false;
        if (report)
            plan_memory_short(plan, machine, ram, &mem.list, wish, report);
    }
    return all;
}

/*
 * A base on 1 GiB lets nested tables use their largest leaves, but it is not worth losing a guest.
 * Without room a guest's RAM lies nowhere in particular: the plan is refused, but not before its
 * image was looked at.
 */
void plan_memory(struct plan *plan, const struct machine *machine, struct errors *report)
{
    struct range ram[GUESTS_MAX];

    if (!plan_memory_try(plan, machine, true, ram, NULL))
        (void)plan_memory_try(plan, machine, false, ram, report);
    for (uint32_t g = 0; g < plan->guest_count; g++)
        guest_map_add_ram(&plan->guests[g].map, hpa(ram[g].base), plan->guests[g].config->memory);
}

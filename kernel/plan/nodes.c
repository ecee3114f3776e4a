/* SPDX-License-Identifier: MIT */
#include "kernel/plan/nodes.h"

#include "lib/fmt.h"

bool nodes_several(const struct machine *machine)
{
    for (uint32_t i = 1; i < machine->core_count; i++)
        if (machine->nodes[i] != machine->nodes[0])
            return true;
    for (uint32_t i = 0; i < machine->near_count; i++)
        if (machine->near[i].node != machine->nodes[0])
            return true;
    return false;
}

static uint32_t nodes_count_cores(const struct machine *machine, const struct plan_guest *guest,
                                  uint32_t node)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < guest->core_count; i++)
        count += machine->nodes[guest->cores[i]] == node;
    return count;
}

uint32_t nodes_home(const struct machine *machine, const struct plan_guest *guest)
{
    uint32_t home = 0, most = 0;

    for (uint32_t i = 0; i < guest->core_count; i++) {
        const uint32_t node = machine->nodes[guest->cores[i]];
        const uint32_t count = nodes_count_cores(machine, guest, node);

        if (count > most) {
            home = node;
            most = count;
        }
    }
    return home;
}

/* Nodes in ascending order, the first ones only if there are more. */
#define NODES_SHOWN 8

struct node_set {
    uint32_t count; /* of all */
    uint32_t ids[NODES_SHOWN];
};

static void nodes_add(struct node_set *set, uint32_t node)
{
    uint32_t at = 0, kept = set->count < NODES_SHOWN ? set->count : NODES_SHOWN;

    while (at < kept && set->ids[at] < node)
        at++;
    if (at < kept && set->ids[at] == node)
        return;
    set->count = kept + 1;
    for (uint32_t i = kept < NODES_SHOWN ? kept : NODES_SHOWN - 1; i > at; i--)
        set->ids[i] = set->ids[i - 1];
    if (at < NODES_SHOWN)
        set->ids[at] = node;
}

static const char *nodes_text(const struct node_set *set, char *buf)
{
    size_t len = fmt_print(buf, NODES_TEXT,
                           set->count == 0   ? "no node"
                           : set->count == 1 ? "node "
                                             : "nodes ");

    for (uint32_t i = 0; i < set->count && i < NODES_SHOWN; i++)
        len += fmt_print(buf + len, NODES_TEXT - len, i == 0 ? "%u" : ", %u", set->ids[i]);
    if (set->count > NODES_SHOWN)
        fmt_print(buf + len, NODES_TEXT - len, " ...");
    return buf;
}

const char *nodes_of_cores(const struct machine *machine, const struct plan_guest *guest, char *buf)
{
    struct node_set set = {.count = 0};

    for (uint32_t i = 0; i < guest->core_count; i++)
        nodes_add(&set, machine->nodes[guest->cores[i]]);
    return nodes_text(&set, buf);
}

const char *nodes_of_memory(const struct machine *machine, struct range r, char *buf)
{
    struct node_set set = {.count = 0};

    for (uint32_t i = 0; i < machine->near_count; i++)
        if (range_overlaps(machine->near[i].where, r))
            nodes_add(&set, machine->near[i].node);
    return nodes_text(&set, buf);
}

bool nodes_are_near(const struct machine *machine, const struct plan_guest *guest, struct range r)
{
    uint64_t covered = 0;

    for (uint32_t i = 0; i < machine->near_count; i++)
        if (nodes_count_cores(machine, guest, machine->near[i].node) > 0)
            covered += range_intersect(machine->near[i].where, r).size;
    return covered >= r.size;
}

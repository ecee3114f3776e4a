/* SPDX-License-Identifier: MIT */
#include "kernel/plan/isolation.h"

#include "kernel/plan/machine_text.h"
#include "kernel/plan/nodes.h"
#include "lib/fmt.h"
#include "lib/policy.h"
#include "vdev/bus.h"
#include "vdev/vlink.h"
#include "vdev/vpci.h"
#include "vdev/vpower.h"
#include "vdev/vrtc.h"
#include "vdev/vuart.h"

typedef unsigned long long ull;

static void isolation_range(const char *owner, struct range r, const char *what, log_sink say)
{
    char bytes[24];

    fmt_size(bytes, sizeof(bytes), r.size);
    say("  %-15s 0x%010llx-0x%010llx %9s  %s", owner, (ull)r.base, (ull)(r.base + r.size - 1),
        bytes, what);
}

static uint32_t isolation_direct_msrs(const struct msr_policy *msrs)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < msrs->count; i++)
        count += msrs->rows[i].read == MSR_DIRECT || msrs->rows[i].write == MSR_DIRECT;
    return count;
}

/* "link 'bus': a rw, b ro; nobody else can reach it" */
static void isolation_link(const struct plan_link *link, char *buf, size_t size)
{
    size_t len = fmt_print(buf, size, "link '%s':", link->config->name);

    for (uint32_t i = 0; i < link->config->side_count; i++) {
        const struct config_side *side = &link->config->sides[i];
        len += fmt_print(buf + len, size - len, "%s %s %s", i == 0 ? "" : ",", side->name,
                         side->read_only ? "ro" : "rw");
    }
    fmt_print(buf + len, size - len, "; nobody else can reach it");
}

/* One line for all guests that have it. */
static void isolation_window(const struct plan_link *link, log_sink say)
{
    char text[64 + LINK_SIDES_MAX * (GUEST_NAME_MAX + 8)];

    if (link->config->memory == 0)
        return;
    isolation_link(link, text, sizeof(text));
    isolation_range("(shared)", (struct range){link->to.v, link->config->memory}, text, say);
}

static void isolation_row(const struct machine *machine, const struct plan_guest *guest,
                          const struct guest_region *r, log_sink say)
{
    char disk[FILE_NAME_MAX + 48], device[64], table[80], ram[NODES_TEXT + 48], nodes[NODES_TEXT];
    const char *const what[] = {
        [REGION_RAM] = ram,
        [REGION_DEVICE] = device,
        [REGION_DISK] = disk,
        [REGION_TABLE] = table,
    };

    const char *nobody = guest->config->is_debugged ? "nobody but its debugger" : "nobody else";

    if (r->kind == REGION_RAM && nodes_several(machine))
        fmt_print(ram, sizeof(ram), "its RAM, in %s; %s can reach it",
                  nodes_of_memory(machine, (struct range){r->to.v, r->size}, nodes), nobody);
    else
        fmt_print(ram, sizeof(ram), "its RAM; %s can reach it", nobody);
    fmt_print(disk, sizeof(disk), "its disk '%s'; %s can reach it", r->name, nobody);
    fmt_print(device, sizeof(device), "registers of its device (%s); nobody else can reach them",
              r->name);
    fmt_print(table, sizeof(table), "in the place of its device's (%s) MSI-X table; read only",
              r->name);
    isolation_range(guest->config->name, (struct range){r->to.v, r->size}, what[r->kind], say);
}

/* A line for all of a guest's RAM, and one for each other row of its map. */
static void isolation_map(const struct machine *machine, const struct plan_guest *guest,
                          log_sink say)
{
    const struct range ram = guest_map_ram(&guest->map);
    const struct guest_region all = {.to = hpa(ram.base), .size = ram.size, .kind = REGION_RAM};

    isolation_row(machine, guest, &all, say);
    for (uint32_t i = 0; i < guest->map.count; i++)
        if (guest->map.rows[i].kind != REGION_RAM && guest->map.rows[i].kind != REGION_SHARED)
            isolation_row(machine, guest, &guest->map.rows[i], say);
}

static bool isolation_has(const struct plan *plan, enum region_kind kind)
{
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (guest_map_has(&plan->guests[g].map, kind))
            return true;
    return false;
}

/* Of some, all that is in memory may be a table. */
static bool isolation_has_devices(const struct plan *plan)
{
    return isolation_has(plan, REGION_DEVICE) || isolation_has(plan, REGION_TABLE);
}

/* The hypervisor's two ranges where they are known, then each guest's. */
static void isolation_memory(const struct isolation *of, log_sink say)
{
    if (of->image.size > 0)
        isolation_range("bulkhead", of->image, "its image", say);
    if (of->pool.size > 0)
        isolation_range("bulkhead", of->pool, "tables, vCPUs, stacks; no guest memory is mapped",
                        say);
    for (uint32_t g = 0; g < of->plan->guest_count; g++)
        isolation_map(of->machine, &of->plan->guests[g], say);
    for (uint32_t l = 0; l < of->plan->link_count; l++)
        isolation_window(&of->plan->links[l], say);
}

static const char *isolation_core_owner(const struct plan *plan, uint32_t core)
{
    if (core < plan->reserved_cores)
        return "bulkhead";
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        for (uint32_t c = 0; c < plan->guests[g].core_count; c++) {
            if (plan->guests[g].cores[c] == core)
                return plan->guests[g].config->name;
        }
    }
    return "nobody";
}

void isolation_print_owners(const struct isolation *of, log_sink say)
{
    say("who owns what:");
    isolation_memory(of, say);
    for (uint32_t core = 0; core < of->machine->core_count; core++) {
        const char *kind = machine_text_kind(of->machine->kinds[core]);
        char node[24] = "";
        if (nodes_several(of->machine))
            fmt_print(node, sizeof(node), " in node %u", of->machine->nodes[core]);
        say("  %-15s %s%score #%u%s with its local APIC (id %u) and its interrupts",
            isolation_core_owner(of->plan, core), kind, kind[0] ? "-" : "", core, node,
            of->machine->apic_ids[core]);
    }
}

static void isolation_timer(const struct plan_guest *guest, log_sink say)
{
    if (guest->image.has_pit)
        say("  %-15s has an interval timer without an interrupt: ports %x-%x and %x",
            guest->config->name, VPIT_PORT, VPIT_PORT + VPIT_PORTS - 1, VPIT_PORT_B);
    else
        say("  %-15s reads 0 from port %x: it has no interval timer", guest->config->name,
            VPIT_CHANNEL_2);
}

static void isolation_devices(const struct isolation *of, log_sink say)
{
    say("  %-15s every I/O port; each guest has its own UART (%x-%x), clock (%x-%x), power "
        "(%x-%x) and PCI (%x-%x) ports",
        "bulkhead", VUART_PORT, VUART_PORT + VUART_PORTS - 1, VRTC_PORT, VRTC_PORT + VRTC_PORTS - 1,
        VPOWER_SLEEP_CONTROL, VPOWER_RESET, VPCI_ADDRESS, VPCI_DATA + 3);
    say("  %-15s can reset itself, and nothing else, through port %x, %x or %x", "each guest",
        VPOWER_KEYBOARD, VPOWER_PORT_A, VPOWER_PCI_RESET);
    for (uint32_t g = 0; g < of->plan->guest_count; g++)
        isolation_timer(&of->plan->guests[g], say);
    say("  %-15s writes to its own console through port %x", "each guest", BUS_DEBUG_CONSOLE);
    say("  %-15s direct access to %u groups of its own core's MSRs, to no others", "each guest",
        isolation_direct_msrs(of->msrs));
    if (of->plan->link_count > 0)
        say("  %-15s can ring the doorbells of its links through ports %x-%x", "each guest",
            VLINK_PORT, VLINK_PORT + VLINKS * VLINK_PORTS - 1);
    for (uint32_t l = 0; l < of->plan->link_count; l++) {
        const struct config_link *link = of->plan->links[l].config;
        if (link->serial)
            say("  %-15s has a serial cable to '%s', as its second UART (%x-%x)",
                link->sides[0].name, link->sides[1].name, VUART_PORT_2,
                VUART_PORT_2 + VUART_PORTS - 1);
    }
    const bool given = isolation_has_devices(of->plan);
    if (given)
        say("  %-15s reaches its RAM and disks by its devices, and nothing else: the IOMMU sees to "
            "it",
            "each guest");
    if (of->dma == ISOLATION_DMA_BLOCKED)
        say("  %-15s %sdevices: the IOMMU blocks their DMA and interrupts (%llu refused so far)",
            "nobody", given ? "other " : "", (ull)of->dma_refused);
    say("  %-15s %s, vectors or windows shared between guests", "nobody",
        isolation_has(of->plan, REGION_SHARED) ? "other memory" : "memory");
}

static void isolation_dma_gap(const struct isolation *of, log_sink say)
{
    if (of->dma == ISOLATION_DMA_INTERRUPTS_OPEN)
        say("  - devices: no guest has one, and the IOMMU blocks their DMA, but it does not remap "
            "interrupts");
    else if (of->dma == ISOLATION_DMA_OPEN)
        say("  - devices: no guest has one; bus mastering is off, except for a display where there "
            "is a screen, but no IOMMU enforces it%s%s",
            of->dma_why == NULL ? "" : ": ", of->dma_why == NULL ? "" : of->dma_why);
}

/* Named, because a table of what is separated invites to believe that all is. */
static void isolation_gaps(const struct isolation *of, log_sink say)
{
    const struct plan *plan = of->plan;

    say("what is not isolated:");
    for (uint32_t g = 0; g < plan->guest_count; g++)
        if (plan->guests[g].config->is_debugged)
            say("  - debugging: guest '%s' can be read and changed by whoever is at serial2",
                plan->guests[g].config->name);
    if (!isolation_has_devices(plan)) /* no guest has one where an IOMMU does not see to it */
        isolation_dma_gap(of, say);
    say("  - caches and memory bandwidth: cores that share a cache can slow and observe each "
        "other");
    say("  - bus locks: a guest's locked accesses across cache lines hold up all cores; %s",
        of->bus_locks ? "each is an exit, which slows that guest down"
                      : "this processor cannot report them");
    if (plan->config->machine.guests_trusted && !of->safe_leaves)
        say("  - machine checks: 'isolation = trusted' maps large pages, by which a guest can "
            "raise one that ends the machine");
    say("  - firmware: system management mode sees all memory");
    say("  - power and heat: the load on one guest's cores affects the turbo of others");
    if (plan->config->machine.threads_shared)
        say("  - hyper-threads: 'threads = shared' lets threads of one core belong to different "
            "guests, which can observe each other");
}

void isolation_print(const struct isolation *of, log_sink say)
{
    isolation_print_owners(of, say);
    isolation_devices(of, say);
    isolation_gaps(of, say);
}

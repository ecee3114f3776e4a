/* SPDX-License-Identifier: MIT */
/*
 * plan_print: the plan as a table for people, on the boot console and from plancheck. Pure.
 */
#include "kernel/plan/plan.h"

#include "drivers/pci/pci_words.h"
#include "kernel/config/text_span.h"
#include "kernel/plan/nodes.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define CORES_WIDTH 22
#define ROW         "%-16s%-22s%-12s%-31s%s"

/* "#1,#4-7"; a list that does not fit ends in "... (12)", the number of all. */
static void plan_print_cores(const struct plan_guest *guest, char *buf, size_t size)
{
    char total[16];
    size_t len = 0;
    size_t total_len = fmt_print(total, sizeof(total), "... (%u)", guest->core_count);

    buf[0] = '\0';
    for (uint32_t i = 0; i < guest->core_count; i++) {
        char item[16];
        uint32_t first = guest->cores[i];
        while (i + 1 < guest->core_count && guest->cores[i + 1] == guest->cores[i] + 1)
            i++;
        size_t item_len = fmt_print(item, sizeof(item), "%s#%u", len == 0 ? "" : ",", first);
        if (guest->cores[i] != first)
            item_len += fmt_print(item + item_len, sizeof(item) - item_len, "-%u", guest->cores[i]);
        bool last = i + 1 == guest->core_count;
        if (len + item_len + (last ? 0 : total_len) >= size) {
            text_copy(buf + len, size - len, total);
            return;
        }
        memcpy(buf + len, item, item_len + 1);
        len += item_len;
    }
}

static void plan_print_range(struct range r, char *buf, size_t size)
{
    fmt_print(buf, size, "0x%lx-0x%lx", r.base, r.base + (r.size - 1));
}

static void plan_print_crash(const struct config_guest *config, char *buf, size_t size)
{
    switch (config->on_crash) {
    case CRASH_STOP:
        fmt_print(buf, size, "stop");
        break;
    case CRASH_RESTART:
        if (config->restarts == UINT32_MAX)
            fmt_print(buf, size, "restart");
        else
            fmt_print(buf, size, "restart %u", config->restarts);
        break;
    case CRASH_REBOOT:
        fmt_print(buf, size, "reboot");
        break;
    }
}

static void plan_print_row(const struct plan_guest *guest, log_sink say)
{
    char cores[CORES_WIDTH];
    char memory[24];
    char host[48];
    char crash[24];
    const struct range ram = guest_map_ram(&guest->map);

    plan_print_cores(guest, cores, sizeof(cores));
    fmt_size(memory, sizeof(memory), ram.size);
    plan_print_range(ram, host, sizeof(host));
    plan_print_crash(guest->config, crash, sizeof(crash));
    say(ROW, guest->config->name, cores, memory, host, crash);
}

static void plan_print_memory(const struct plan_guest *guest, log_sink say)
{
    char text[2 * 48] = "", row[48];
    size_t len = 0;

    for (uint32_t i = 0; i < guest->map.count; i++) {
        const struct guest_region *r = &guest->map.rows[i];
        if (r->kind != REGION_RAM)
            continue;
        plan_print_range((struct range){r->at.v, r->size}, row, sizeof(row));
        len += fmt_print(text + len, sizeof(text) - len, "%s%s", len == 0 ? "" : ", ", row);
    }
    say("  guest memory %s", text);
}

/* What is not RAM: where the guest finds it, and where it is. */
static void plan_print_region(const struct guest_region *r, log_sink say)
{
    static const char *const what[] = {
        [REGION_RAM] = "guest memory", [REGION_SHARED] = "shared",     [REGION_DEVICE] = "device",
        [REGION_DISK] = "disk memory", [REGION_TABLE] = "MSI-X table",
    };
    char at[48], host[48];

    plan_print_range((struct range){r->at.v, r->size}, at, sizeof(at));
    plan_print_range((struct range){r->to.v, r->size}, host, sizeof(host));
    say("  %-12s %s, host %s, r%c%c", what[r->kind], at, host, r->rights & PT_W ? 'w' : '-',
        r->rights & PT_X ? 'x' : '-');
}

static void plan_print_disk(const struct plan_guest *guest, uint32_t d, log_sink say)
{
    const struct config_disk *disk = &guest->config->disks[d];

    say("  disk         %s, %s%s", guest->disks[d].module->name,
        disk->read_only ? "read-only"
        : disk->fresh   ? "loaded again for each life"
                        : "kept until power-off",
        guest->disks[d].module->given ? "" : "; a copy");
    plan_print_region(guest_map_find(&guest->map, guest->disks[d].at), say);
}

/* "device 00:1f.2 8086:2922 sata" */
static void plan_print_device(const struct plan_guest *guest, const struct plan_device *device,
                              log_sink say)
{
    const struct pci_entry *e = device->entry;
    const char *why = e->reset == PCI_RESET_BUS ? ", as others are on its bus" : "";

    say("  device       " PCI_PLACE_FMT " %04x:%04x %s", PCI_PLACE_ARGS(e->address), e->vendor,
        e->device, pci_class_word(e->class));
    if (plan_device_reset(device) == PCI_RESET_NONE)
        say("               it cannot be reset%s: its next life finds it as it was left", why);
    for (uint32_t b = 0; b < PCI_BARS; b++)
        if (device->bars[b].v != 0)
            plan_print_region(guest_map_find(&guest->map, device->bars[b]), say);
}

/* "link bus, side 0, with b and a serial cable" */
static void plan_print_end(const struct plan *plan, const struct plan_guest *guest,
                           const struct plan_end *end, log_sink say)
{
    const struct config_link *link = plan->links[end->link].config;
    char peers[LINK_SIDES_MAX * (GUEST_NAME_MAX + 2)] = "";
    size_t len = 0;

    for (uint32_t i = 0; i < link->side_count; i++)
        if (i != end->side)
            len += fmt_print(peers + len, sizeof(peers) - len, "%s%s", len == 0 ? "" : ", ",
                             link->sides[i].name);
    say("  link         %s, side %u, with %s%s", link->name, end->side, peers,
        link->serial ? "; with a serial cable" : "");
    if (link->memory != 0)
        plan_print_region(guest_map_find(&guest->map, end->at), say);
}

/* Linux writes where `console=` tells it, and not to the UART by itself. */
static bool plan_is_mute(const struct plan_guest *guest)
{
    const char *cmdline = guest->config->cmdline;

    return guest->image.is_linux && !guest->image.has_console &&
           !span_has_word(cmdline, "console=ttyS0") && !span_has_word(cmdline, "console=uart");
}

static void plan_print_nodes(const struct machine *machine, const struct plan_guest *guest,
                             log_sink say)
{
    const struct range ram = guest_map_ram(&guest->map);
    char cores[NODES_TEXT], memory[NODES_TEXT];

    if (!nodes_several(machine))
        return;
    say("  nodes        cores in %s, memory in %s%s", nodes_of_cores(machine, guest, cores),
        nodes_of_memory(machine, ram, memory),
        machine->near_count == 0 || nodes_are_near(machine, guest, ram)
            ? ""
            : ": there was no room for all of it nearer");
}

static void plan_print_guest(const struct plan *plan, const struct machine *machine,
                             const struct plan_guest *guest, log_sink say)
{
    plan_print_row(guest, say);
    plan_print_memory(guest, say);
    plan_print_nodes(machine, guest, say);
    say("  image        %s, %s", guest->image_module->name, image_format(&guest->image));
    if (guest->initrd_module)
        say("  initrd       %s", guest->initrd_module->name);
    for (uint32_t d = 0; d < guest->config->disk_count; d++)
        plan_print_disk(guest, d, say);
    for (uint32_t d = 0; d < guest->device_count; d++)
        plan_print_device(guest, &guest->devices[d], say);
    for (uint32_t i = 0; i < guest->end_count; i++)
        plan_print_end(plan, guest, &guest->ends[i], say);
    if (plan_is_mute(guest))
        say("  note         without 'console=ttyS0' in its cmdline, Linux prints nothing here");
}

static void plan_print_title(const struct plan *plan, log_sink say)
{
    const char *plural = fmt_plural(plan->guest_count);

    if (plan->reserved_cores == 0)
        say("%u guest%s; no core is kept for the monitor", plan->guest_count, plural);
    else if (plan->reserved_cores == 1)
        say("%u guest%s; core #0 is kept for the monitor", plan->guest_count, plural);
    else
        say("%u guest%s; cores #0-%u are kept for the monitor", plan->guest_count, plural,
            plan->reserved_cores - 1);
}

void plan_print(const struct plan *plan, const struct machine *machine, log_sink say)
{
    plan_print_title(plan, say);
    say(ROW, "guest", "cores", "memory", "host memory", "on crash");
    for (uint32_t g = 0; g < plan->guest_count; g++)
        plan_print_guest(plan, machine, &plan->guests[g], say);
}

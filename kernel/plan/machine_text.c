/* SPDX-License-Identifier: MIT */
#include "kernel/plan/machine_text.h"

#include "kernel/plan/machine_text_parts.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mm/pagetable.h"

typedef unsigned long long ull;

/* What the lines begin with. */
#define PREFIX      "[bulkhead]"
#define FIRST_LINE  "processor:"
#define CORES_LINE  "cores"
#define MEMORY_LINE "memory for guests:"
#define NODE_LINE   "memory of node"
#define THREAD_LINE "threads of a core:"
#define SCREEN_LINE "screen:"
#define SERIAL_LINE "second serial port:"
#define WATCH_LINE  "guests' deadlines:"
#define SKEW_LINE   "TSC apart:"
#define PCI_LINE    "pci"
#define GIVE_LINE   "devices for guests:"
#define KEPT_LINE   "device kept:"

/* What goes on, of two. */
#define SCREEN_YES   "yes"
#define SCREEN_NO    "none"
#define WATCH_CORE   "watched by core #0"
#define WATCH_TIMERS "watched by each core's own timer"

#define GIVE_YES "yes, behind an IOMMU"
#define GIVE_NO  "none, as "

const char *machine_text_kind(uint32_t kind)
{
    return kind == CORE_PERFORMANCE ? "P" : kind == CORE_EFFICIENCY ? "E" : "";
}

/* ------------------------------------------------------------------ printing */

/* Cores from `first` on with ids in equal steps, all else being the same. Returns the last one. */
static uint32_t machine_text_alike(const struct machine *m, uint32_t first)
{
    uint32_t last = first;

    while (last + 1 < m->core_count && m->kinds[last + 1] == m->kinds[first] &&
           m->nodes[last + 1] == m->nodes[first] && m->apic_ids[last + 1] > m->apic_ids[last] &&
           m->apic_ids[last + 1] - m->apic_ids[last] == m->apic_ids[first + 1] - m->apic_ids[first])
        last++;
    return last;
}

static void machine_text_cores(const struct machine *m, log_sink say)
{
    uint32_t last;

    for (uint32_t first = 0; first < m->core_count; first = last + 1) {
        const char *kind = machine_text_kind(m->kinds[first]);
        char range[48], ids[64];

        last = machine_text_alike(m, first);
        const uint32_t step = first == last ? 1 : m->apic_ids[first + 1] - m->apic_ids[first];
        fmt_print(range, sizeof(range), first == last ? "#%u" : "#%u-%u", first, last);
        fmt_print(ids, sizeof(ids),
                  first == last ? "%u"
                  : step == 1   ? "%u-%u"
                                : "%u-%u in steps of %u",
                  m->apic_ids[first], m->apic_ids[last], step);
        say(CORES_LINE " %s: APIC ids %s, node %u%s%s", range, ids, m->nodes[first],
            kind[0] ? ", kind " : "", kind);
    }
}

static void machine_text_print_devices(const struct machine *m, log_sink say)
{
    if (m->no_devices[0] == '\0')
        say(GIVE_LINE " " GIVE_YES);
    else
        say(GIVE_LINE " " GIVE_NO "%s", m->no_devices);
    for (uint32_t i = 0; i < m->devices.count && m->no_devices[0] == '\0'; i++) {
        const struct pci_entry *e = &m->devices.entries[i];
        if (e->kept != NULL && e->segment == 0)
            say(KEPT_LINE " " PCI_PLACE_FMT ", %s", PCI_PLACE_ARGS(e->address), e->kept);
    }
}

void machine_text_print(const struct machine *m, log_sink say)
{
    struct range piece;
    char size[24];

    machine_text_cores(m, say);
    if (m->thread_bits > 0)
        say(THREAD_LINE " their APIC ids differ in the lowest %u bit%s", m->thread_bits,
            fmt_plural(m->thread_bits));
    if (m->tsc_apart != 0)
        say(SKEW_LINE " core #%u", m->tsc_apart);
    for (uint32_t i = 0; i < m->range_count; i++) {
        if (!range_fit(m->ranges[i], PAGE_SIZE, PAGE_SIZE_2M, &piece))
            continue; /* nothing of a guest ever lies there */
        fmt_size(size, sizeof(size), m->ranges[i].size);
        say(MEMORY_LINE " 0x%llx-0x%llx, %s", (ull)m->ranges[i].base,
            (ull)(m->ranges[i].base + m->ranges[i].size - 1), size);
    }
    for (uint32_t i = 0; i < m->near_count; i++)
        say(NODE_LINE " %u: 0x%llx-0x%llx", m->near[i].node, (ull)m->near[i].where.base,
            (ull)(m->near[i].where.base + m->near[i].where.size - 1));
    machine_text_print_devices(m, say);
    say(SCREEN_LINE " %s", m->has_screen ? SCREEN_YES : SCREEN_NO);
    if (m->has_serial2) /* most have none: a line takes a boot its time */
        say(SERIAL_LINE " " SCREEN_YES);
    say(WATCH_LINE " %s", m->needs_monitor ? WATCH_CORE : WATCH_TIMERS);
}

/* ------------------------------------------------------------------ reading */

/* "A-B"; or "A" alone. */
static bool machine_text_pair(struct span *line, uint64_t *first, uint64_t *last)
{
    if (!machine_text_number(line, first))
        return false;
    *last = *first;
    return !machine_text_skip(line, "-") || (machine_text_number(line, last) && *last >= *first);
}

static const char *machine_text_read_cores(struct machine *m, struct span line)
{
    uint64_t first, last, id, last_id, step = 1, node;
    uint32_t kind = CORE_PLAIN;

    if (!machine_text_skip(&line, "#") || !machine_text_pair(&line, &first, &last) ||
        !machine_text_skip(&line, ": APIC ids") || !machine_text_pair(&line, &id, &last_id) ||
        (machine_text_skip(&line, "in steps of") && !machine_text_number(&line, &step)) ||
        !machine_text_skip(&line, ", node") || !machine_text_number(&line, &node))
        return "has a line about cores that is not of a boot log";
    if (machine_text_skip(&line, ", kind P"))
        kind = CORE_PERFORMANCE;
    else if (machine_text_skip(&line, ", kind E"))
        kind = CORE_EFFICIENCY;
    if (line.len > 0)
        return "has a line about cores that is not of a boot log";
    if (first != m->core_count)
        return "lists its cores out of order";
    if (last >= CORES_MAX)
        return "lists more cores than Bulkhead uses";
    if (step == 0 || step > UINT32_MAX || last_id > UINT32_MAX || node > UINT32_MAX ||
        last_id - id != (last - first) * step)
        return "has APIC ids that do not go with its cores";
    for (uint64_t core = first; core <= last; core++) {
        m->apic_ids[core] = (uint32_t)(id + (core - first) * step);
        m->kinds[core] = (uint8_t)kind;
        m->nodes[core] = (uint32_t)node;
    }
    m->core_count = (uint32_t)last + 1;
    return NULL;
}

/* Whole pages where page tables can point, and the end is the last byte's. */
static bool machine_text_range(struct span *line, struct range *r)
{
    uint64_t first, last;

    if (!machine_text_pair(line, &first, &last) || !is_aligned(first, PAGE_SIZE) ||
        last >= PT_OUTPUT_MAX || !is_aligned(last + 1, PAGE_SIZE))
        return false;
    *r = (struct range){first, last + 1 - first};
    return true;
}

static const char *machine_text_read_memory(struct machine *m, struct span line)
{
    const uint32_t count = m->range_count;
    struct range r;

    if (!machine_text_range(&line, &r))
        return "has a line about memory that is not of a boot log";
    if (count == MACHINE_RANGES_MAX)
        return "lists memory in too many pieces";
    if (count > 0 && r.base < m->ranges[count - 1].base + m->ranges[count - 1].size)
        return "lists its memory out of order";
    m->ranges[m->range_count++] = r;
    return NULL;
}

static const char *machine_text_read_node(struct machine *m, struct span line)
{
    uint64_t node;
    struct range r;

    if (!machine_text_number(&line, &node) || node > UINT32_MAX || !machine_text_skip(&line, ":") ||
        !machine_text_range(&line, &r))
        return "has a line about nodes that is not of a boot log";
    if (m->near_count == MACHINE_NEAR_MAX)
        return "lists nodes in too many pieces";
    m->near[m->near_count++] = (struct machine_near){r, (uint32_t)node};
    return NULL;
}

/* Takes one of two words, the last of the line. */
static bool machine_text_either(struct span line, const char *yes, const char *no, bool *is)
{
    line = span_trim(line);
    *is = span_is(line, yes);
    return *is || span_is(line, no);
}

static const char *machine_text_read_give(struct machine *m, struct span line)
{
    memset(m->no_devices, 0, sizeof(m->no_devices));
    if (machine_text_skip(&line, GIVE_YES))
        return line.len == 0 ? NULL : "has a line about devices that is not of a boot log";
    if (!machine_text_skip(&line, GIVE_NO) || line.len == 0)
        return "has a line about devices that is not of a boot log";
    line = span_trim(line);
    fmt_print(m->no_devices, sizeof(m->no_devices), "%.*s", (int)line.len, line.at);
    return NULL;
}

static const char *machine_text_read_rest(struct machine *m, struct span line, bool *whole)
{
    uint64_t number;

    if (machine_text_skip(&line, SCREEN_LINE)) {
        if (!machine_text_either(line, SCREEN_YES, SCREEN_NO, &m->has_screen))
            return "has a line about the screen that is not of a boot log";
    } else if (machine_text_skip(&line, SERIAL_LINE)) {
        if (!machine_text_either(line, SCREEN_YES, SCREEN_NO, &m->has_serial2))
            return "has a line about the second serial port that is not of a boot log";
    } else if (machine_text_skip(&line, WATCH_LINE)) {
        if (!machine_text_either(line, WATCH_CORE, WATCH_TIMERS, &m->needs_monitor))
            return "has a line about guests' deadlines that is not of a boot log";
        if (*whole)
            return "says twice what watches guests' deadlines";
        *whole = true;
    } else if (machine_text_skip(&line, GIVE_LINE)) {
        return machine_text_read_give(m, line);
    } else if (machine_text_skip(&line, KEPT_LINE)) {
        return machine_text_read_kept(m, line);
    } else if (machine_text_skip(&line, THREAD_LINE)) {
        if (!machine_text_skip(&line, "their APIC ids differ in the lowest") ||
            !machine_text_number(&line, &number) || number > 8)
            return "has a line about threads that is not of a boot log";
        m->thread_bits = (uint32_t)number;
    } else if (machine_text_skip(&line, SKEW_LINE)) {
        if (!machine_text_skip(&line, "core #") || !machine_text_number(&line, &number) ||
            number >= m->core_count)
            return "has a line about TSCs that is not of a boot log";
        m->tsc_apart = (uint32_t)number;
    }
    return NULL;
}

/* A log that says nothing of devices is of a Bulkhead that gave none away. */
static void machine_text_begin(struct machine *m)
{
    memset(m, 0, offsetof(struct machine, devices)); /* those are listed elsewhere in the log */
    fmt_print(m->no_devices, sizeof(m->no_devices), "the machine file tells of no IOMMU in use");
}

static const char *machine_text_read_line(struct machine *m, struct span line, bool *whole)
{
    if (!machine_text_skip(&line, PREFIX) && line.len > 0 && line.at[0] == '[')
        return NULL; /* a guest's */
    if (machine_text_skip(&line, FIRST_LINE)) {
        machine_text_begin(m);
        *whole = false;
        return NULL;
    }
    if (machine_text_skip(&line, CORES_LINE " "))
        return machine_text_read_cores(m, line);
    if (machine_text_skip(&line, MEMORY_LINE))
        return machine_text_read_memory(m, line);
    if (machine_text_skip(&line, NODE_LINE))
        return machine_text_read_node(m, line);
    if (machine_text_skip(&line, PCI_LINE " "))
        return machine_text_read_pci(m, line);
    return machine_text_read_rest(m, line, whole);
}

/* As a terminal shows it: the monitor erases its prompt by a CR, and a line of the log follows. */
static struct span machine_text_shown(struct span line)
{
    size_t end;

    while (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    while ((end = span_find(line, '\r')) < line.len)
        line = span_from(line, end + 1);
    return span_trim(line);
}

static bool machine_text_id_twice(const struct machine *m)
{
    for (uint32_t i = 0; i < m->core_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (m->apic_ids[i] == m->apic_ids[k])
                return true;
    return false;
}

/* `whole`: the last line is there, without which others could be missing as well. */
static const char *machine_text_judge(const struct machine *m, bool whole)
{
    if (m->core_count == 0)
        return "has no line that begins with '[bulkhead] cores': it is no boot log of Bulkhead";
    if (m->range_count == 0)
        return "has no line about memory for guests: it is no whole boot log of Bulkhead";
    if (!whole)
        return "has no line about guests' deadlines: it is no whole boot log of Bulkhead";
    if (machine_text_id_twice(m))
        return "has two cores with one APIC id";
    return NULL;
}

const char *machine_text_read(struct machine *m, const char *text, size_t size)
{
    struct span rest = {.at = text, .len = size};
    const char *wrong = NULL;
    bool whole = false;

    m->devices.count = 0;
    machine_text_begin(m);
    while (rest.len > 0 && wrong == NULL) {
        const size_t end = span_find(rest, '\n');
        const struct span line = {.at = rest.at, .len = end};

        wrong = machine_text_read_line(m, machine_text_shown(line), &whole);
        rest = span_from(rest, end + 1);
    }
    return wrong != NULL ? wrong : machine_text_judge(m, whole);
}

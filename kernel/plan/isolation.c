/* SPDX-License-Identifier: MIT */
#include "kernel/plan/isolation.h"

#include "lib/fmt.h"
#include "lib/policy.h"
#include "vdev/vpower.h"
#include "vdev/vrtc.h"
#include "vdev/vuart.h"

typedef unsigned long long ull;

static void isolation_range(const char *owner, struct range r, const char *what, char *buf,
                            size_t len)
{
    char bytes[24];

    fmt_size(bytes, sizeof(bytes), r.size);
    fmt_print(buf, len, "  %-15s 0x%010llx-0x%010llx %9s  %s", owner, (ull)r.base,
              (ull)(r.base + r.size - 1), bytes, what);
}

static uint32_t isolation_direct_msrs(const struct msr_policy *msrs)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < msrs->count; i++)
        count += msrs->rows[i].read == MSR_DIRECT || msrs->rows[i].write == MSR_DIRECT;
    return count;
}

/* Memory: the hypervisor's two ranges where they are known, then one for each guest. */
static bool isolation_memory(const struct isolation *of, uint32_t *index, char *buf, size_t size)
{
    const struct plan *plan = of->plan;

    if (of->image.size > 0 && (*index)-- == 0) {
        isolation_range("bulkhead", of->image, "its image", buf, size);
        return true;
    }
    if (of->pool.size > 0 && (*index)-- == 0) {
        isolation_range("bulkhead", of->pool, "tables, vCPUs, stacks; no guest memory is mapped",
                        buf, size);
        return true;
    }
    if (*index < plan->guest_count) {
        const struct plan_guest *g = &plan->guests[*index];
        isolation_range(g->config->name, g->ram, "its RAM, no other way in", buf, size);
        return true;
    }
    *index -= plan->guest_count;
    return false;
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

static bool isolation_cores(const struct isolation *of, uint32_t *index, char *buf, size_t size)
{
    if (*index < of->machine->core_count) {
        fmt_print(buf, size, "  %-15s core #%u with its local APIC (id %u) and its interrupts",
                  isolation_core_owner(of->plan, *index), *index, of->machine->apic_ids[*index]);
        return true;
    }
    *index -= of->machine->core_count;
    return false;
}

#define DEVICE_LINES 3

static bool isolation_devices(const struct isolation *of, uint32_t index, char *buf, size_t size)
{
    switch (index) {
    case 0:
        fmt_print(buf, size,
                  "  %-15s every I/O port; a guest has a UART (%x-%x), a clock (%x-%x) and power "
                  "ports (%x-%x) of its own",
                  "bulkhead", VUART_PORT, VUART_PORT + VUART_PORTS - 1, VRTC_PORT,
                  VRTC_PORT + VRTC_PORTS - 1, VPOWER_SLEEP_CONTROL, VPOWER_RESET);
        return true;
    case 1:
        fmt_print(buf, size,
                  "  %-15s %u groups of MSRs of its own core directly; all others refused",
                  "each guest", isolation_direct_msrs(of->msrs));
        return true;
    case 2:
        fmt_print(buf, size, "  %-15s memory, vectors or windows shared between guests", "nobody");
        return true;
    default:
        return false;
    }
}

/* Named, because a table of what is separated invites to believe that all is. */
static bool isolation_gaps(bool shared, uint32_t index, char *buf, size_t size)
{
    static const char *const gaps[] = {
        "devices: no guest has one; bus mastering is off, except for a display where there is a "
        "screen, but no IOMMU enforces it",
        "caches and memory bandwidth: cores that share a cache can slow and observe each other",
        "firmware: system management mode sees all memory",
        "power and heat: a guest can change its cores' load and so the others' turbo",
        /* Last: only where the file says so. */
        "hyper-threads: 'threads = shared' lets threads of one core belong to different guests, "
        "which can observe each other",
    };

    if (index + (shared ? 0 : 1) >= ARRAY_SIZE(gaps))
        return false;
    fmt_print(buf, size, "  - %s", gaps[index]);
    return true;
}

/* Behind the last line *index is how far behind. */
static bool isolation_owners(const struct isolation *of, uint32_t *index, char *buf, size_t size)
{
    if ((*index)-- == 0) {
        fmt_print(buf, size, "who owns what:");
        return true;
    }
    return isolation_memory(of, index, buf, size) || isolation_cores(of, index, buf, size);
}

bool isolation_owner_line(const struct isolation *of, uint32_t index, char *buf, size_t size)
{
    return isolation_owners(of, &index, buf, size);
}

bool isolation_line(const struct isolation *of, uint32_t index, char *buf, size_t size)
{
    if (isolation_owners(of, &index, buf, size) || isolation_devices(of, index, buf, size))
        return true;
    index -= DEVICE_LINES;
    if (index == 0) {
        fmt_print(buf, size, "what is not isolated:");
        return true;
    }
    return isolation_gaps(of->plan->config->machine.threads_shared, index - 1, buf, size);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/isolation.h"

#include "lib/fmt.h"
#include "lib/policy.h"
#include "vdev/vmsr.h"
#include "vdev/vuart.h"

typedef unsigned long long ull;

/* linker.ld */
extern const uint8_t image_start[], image_end[];

static void isolation_range(const char *owner, uint64_t base, uint64_t size, const char *what,
                            char *buf, size_t len)
{
    char bytes[24];

    fmt_size(bytes, sizeof(bytes), size);
    fmt_print(buf, len, "  %-12s 0x%010llx-0x%010llx %9s  %s", owner, (ull)base,
              (ull)(base + size - 1), bytes, what);
}

static uint32_t isolation_direct_msrs(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < vmsr_row_count; i++)
        count += vmsr_rows[i].read == MSR_DIRECT || vmsr_rows[i].write == MSR_DIRECT;
    return count;
}

/* Memory: the hypervisor's two ranges, then one for each guest. */
static bool isolation_memory(const struct boot_state *boot, const struct plan *plan, uint32_t index,
                             char *buf, size_t size)
{
    if (index == 0) {
        const uint64_t image = (uintptr_t)image_start;
        isolation_range("bulkhead", image, (uintptr_t)image_end - image, "its image", buf, size);
        return true;
    }
    if (index == 1) {
        isolation_range("bulkhead", boot->pages.pool.base, boot->pages.pool.size,
                        "tables, VMCS, stacks; no guest memory is mapped", buf, size);
        return true;
    }
    index -= 2;
    if (index >= plan->guest_count)
        return false;
    const struct plan_guest *g = &plan->guests[index];
    isolation_range(g->config->name, g->ram.base, g->ram.size, "its RAM, no other way in", buf,
                    size);
    return true;
}

static bool isolation_cores(const struct boot_state *boot, const struct plan *plan, uint32_t index,
                            char *buf, size_t size)
{
    const char *owner = "nobody";

    if (index >= boot->machine.core_count)
        return false;
    if (index < plan->reserved_cores)
        owner = "bulkhead";
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        for (uint32_t c = 0; c < plan->guests[g].core_count; c++) {
            if (plan->guests[g].cores[c] == index)
                owner = plan->guests[g].config->name;
        }
    }
    fmt_print(buf, size, "  %-12s core #%u with its local APIC (id %u) and its interrupts", owner,
              index, boot->machine.apic_ids[index]);
    return true;
}

static bool isolation_devices(uint32_t index, char *buf, size_t size)
{
    switch (index) {
    case 0:
        fmt_print(buf, size, "  %-12s every I/O port; a guest's %x-%x are a UART of its own",
                  "bulkhead", VUART_PORT, VUART_PORT + VUART_PORTS - 1);
        return true;
    case 1:
        fmt_print(buf, size,
                  "  %-12s %u groups of MSRs of its own core directly; all others refused",
                  "each guest", isolation_direct_msrs());
        return true;
    case 2:
        fmt_print(buf, size, "  %-12s memory, vectors or windows shared between guests", "nobody");
        return true;
    default:
        return false;
    }
}

/* Named, because a table of what is separated invites to believe that all is. */
static bool isolation_gaps(uint32_t index, char *buf, size_t size)
{
    static const char *const gaps[] = {
        "devices: no IOMMU is used; none is given to a guest, but one that the firmware left "
        "running can write anywhere",
        "caches and memory bandwidth: cores that share a cache can slow and observe each other",
        "hyper-threads: siblings of one core may belong to different guests; list cores by number "
        "to avoid it",
        "firmware: system management mode sees all memory",
        "power and heat: a guest can change its cores' load and so the others' turbo",
    };

    if (index >= ARRAY_SIZE(gaps))
        return false;
    fmt_print(buf, size, "  - %s", gaps[index]);
    return true;
}

static uint32_t isolation_count_memory(const struct plan *plan)
{
    return 2 + plan->guest_count;
}

bool isolation_line(const struct boot_state *boot, const struct plan *plan, uint32_t index,
                    char *buf, size_t size)
{
    if (index == 0) {
        fmt_print(buf, size, "who owns what:");
        return true;
    }
    index--;
    if (isolation_memory(boot, plan, index, buf, size))
        return true;
    index -= isolation_count_memory(plan);
    if (isolation_cores(boot, plan, index, buf, size))
        return true;
    index -= boot->machine.core_count;
    if (isolation_devices(index, buf, size))
        return true;
    index -= 3;
    if (index == 0) {
        fmt_print(buf, size, "what is not isolated:");
        return true;
    }
    return isolation_gaps(index - 1, buf, size);
}

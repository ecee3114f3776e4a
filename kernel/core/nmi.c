/* SPDX-License-Identifier: MIT */
#include "kernel/core/nmi.h"

#include "drivers/lapic.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

#define PORT_STATUS   0x61 /* rw  bits 3:0, r-  bits 7:4; the timer's gate and the speaker, too */
#define STATUS_WRITE  0x0f
#define STATUS_ABSENT 0xff

#define SECONDS_BETWEEN 60
#define FLOOD           1000 /* NMIs in a second that nobody asked for */

struct nmi_source {
    uint8_t status, off; /* while `off` is 1, it raises nothing and `status` is cleared */
};

static const struct nmi_source nmi_sources[] = {
    [NMI_SERR] = {0x80, 0x04},
    [NMI_IOCHK] = {0x40, 0x08},
};

static const char *const nmi_words[NMI_REASONS] = {
    [NMI_SERR] = "the chipset reports a system error (SERR#): a PCI device, a bus or memory",
    [NMI_IOCHK] = "the chipset reports an I/O check error (IOCHK#): a device or memory",
    [NMI_UNKNOWN] = "from outside, and the chipset gives no reason: an NMI button, for example",
};

static void nmi_tell(struct nmi_watch *watch, enum nmi_reason reason, uint64_t tsc_hz, uint64_t now)
{
    watch->count[reason]++;
    if (watch->count[reason] > 1 &&
        ticks_since(now, watch->told[reason]) < SECONDS_BETWEEN * tsc_hz)
        return;
    watch->told[reason] = now;
    log_line("NMI: %s; seen %u time%s", nmi_words[reason], watch->count[reason],
             fmt_plural(watch->count[reason]));
}

/* A source is cleared by turning it off. It stays so until the next look: one that is on again at
 * once, with its line still asserted, would raise the next NMI now. True: one had a reason. */
static bool nmi_read_chipset(struct nmi_watch *watch, uint64_t tsc_hz, uint64_t now)
{
    const uint8_t status = in8(PORT_STATUS);
    uint8_t wanted = status & STATUS_WRITE;
    bool found = false;

    if (status == STATUS_ABSENT)
        return false;
    wanted &= (uint8_t)~watch->off;
    watch->off = 0;
    for (uint32_t i = 0; i < ARRAY_SIZE(nmi_sources); i++) {
        if (!(status & nmi_sources[i].status))
            continue;
        watch->off |= nmi_sources[i].off;
        found = true;
        nmi_tell(watch, (enum nmi_reason)i, tsc_hz, now);
    }
    wanted |= watch->off;
    if (wanted != (status & STATUS_WRITE))
        out8(PORT_STATUS, wanted);
    return found;
}

/*
 * NMIs since the last look that are certainly no kick's: there was none, nor in the second before,
 * whose NMI might have come late. Kicks that come together may be one NMI, so counting both does
 * not tell.
 */
static uint64_t nmi_count_strange(struct nmi_watch *watch, const struct cpu *core)
{
    const uint64_t kicks = atomic_load(&core->kicks);
    const uint64_t taken = atomic_load(&core->nmis) + atomic_load(&core->lone_nmis);
    const bool is_kicked = kicks != watch->kicks;
    const uint64_t strange = is_kicked || watch->was_kicked ? 0 : taken - watch->taken;

    watch->kicks = kicks;
    watch->taken = taken;
    watch->was_kicked = is_kicked;
    return strange;
}

void nmi_look(struct nmi_watch *watch, const struct cpu *core, uint64_t tsc_hz, uint64_t now)
{
    const uint64_t strange = nmi_count_strange(watch, core);
    const bool found = nmi_read_chipset(watch, tsc_hz, now);

    if (strange > 0 && !found)
        nmi_tell(watch, NMI_UNKNOWN, tsc_hz, now);
    lapic_open_nmi(strange < FLOOD);
}

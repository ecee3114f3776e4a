/* SPDX-License-Identifier: MIT */
/*
 * partition: a plan entry becomes a struct vm: its memory map, image, devices and vCPUs; and the
 * ends and beginnings of its lives (partition_lives.c), and what is said of them
 * (partition_report.c).
 */
#pragma once

#include <stdatomic.h>

#include "drivers/tsc.h"
#include "kernel/console/console.h"
#include "kernel/plan/plan.h"
#include "kernel/virt.h"
#include "kernel/vm/lives.h"
#include "kernel/vm/postmortem.h"
#include "lib/types.h"
#include "mm/pagetable.h"
#include "vdev/bus.h"
#include "vdev/vendor.h"

enum vm_phase { VM_STOPPED, VM_RUNNING, VM_STOPPING, VM_BACKOFF /* until vm->next_life */ };

/* What comes after a power-off, a crash or a halt (kernel/vm/halt.h) the file says. */
enum vm_end_kind {
    VM_END_NONE,
    VM_END_POWER_OFF,
    VM_END_RESTART,
    VM_END_CRASH,
    VM_END_HALT,
    VM_END_STOP
};

/* What on_crash is about. */
static inline bool vm_end_is_failure(enum vm_end_kind kind)
{
    return kind == VM_END_CRASH || kind == VM_END_HALT;
}

/* Why a life ended. Written by the one core that won partition_end(), read by the last to park. */
struct vm_end {
    enum vm_end_kind kind;
    uint32_t code;    /* VM_END_POWER_OFF */
    bool by_operator; /* a command, not the guest; VM_END_STOP without it: the machine ends */
};

/* How long a guest has made no exits: halt_watch()'s, on core 0. */
struct vm_quiet {
    uint64_t exits;
    uint64_t seconds; /* since it made one */
};

enum vm_stop { STOP_NOT_ASKED, STOP_BY_OPERATOR, STOP_WITH_MACHINE };

struct vm {
    const struct plan_guest *plan;
    const struct tsc *tsc;
    struct vrtc_clock clock; /* what the guest's clock shows */
    const char *name;
    uint32_t vcpu_count;
    struct vcpu *vcpus;   /* [vcpu_count]; [0] is the lead: it loads and boots */
    struct pagetable map; /* guest-physical; complete before the first start */
    uint64_t xcr0_allowed;
    const struct vendor *vendor;
    struct console_stream console;
    struct bus bus;
    _Atomic uint32_t phase;      /* enum vm_phase */
    _Atomic uint32_t parked;     /* vCPUs that have ended the present life */
    _Atomic uint32_t scrubbed;   /* vCPUs that have cleared their share for the present life */
    _Atomic uint32_t stop_asked; /* enum vm_stop: no further life is wanted; between two lives */
    struct vm_end end;
    struct postmortem postmortem;
    uint64_t end_asked;         /* TSC of that moment */
    uint64_t lived;             /* ticks until then */
    struct lives lives;         /* written where `end` is */
    struct lives_next next;     /* what follows it; its is_told holds for this end as well */
    bool is_diagnosed;          /* a crash is worth more than a line */
    _Atomic uint64_t next_life; /* TSC; for VM_BACKOFF */
    uint32_t restarts;          /* lives after the first; the last to park writes */
    uint32_t
        crash_restarts; /* of them, how many on_crash granted since the operator's last start */
    uint64_t watchdog_ticks;    /* 0: no watchdog */
    bool watchdog_each;         /* each core has to call by itself */
    _Atomic uint64_t last_sign; /* TSC of the last watchdog call, or of the start */
    uint64_t started;           /* TSC; the lead writes */
    struct vm_quiet quiet;
    uint64_t load_ticks; /* clearing its memory and copying its image, before that */
};

/* What all partitions are made with. */
struct partition_kit {
    struct pages *pages;
    const struct machine *machine;
    const struct tsc *tsc;
    uint64_t seconds; /* since 1970-01-01 UTC, at tsc->start */
    const struct vcpuid_host *cpuid;
    const struct vendor *vendor; /* of the processor */
    uint32_t physical_bits;
    bool monitor_core; /* core 0 has no guest: no vCPU has to pump the console */
};

/* Boot core, before sealing. `index` is also the tag of the guest's translations. */
MUST_CHECK enum status partition_create(struct vm **out, const struct plan_guest *plan,
                                        uint32_t index, const struct partition_kit *kit);

/* Begins a life of a stopped guest, or at once the one that is due after a pause; false when it is
 * neither stopped nor paused. Any core. */
bool partition_start(struct vm *vm);

/* At the start of a life each vCPU clears its share of the guest's memory, on its own core and
 * through that core's window. The lead does so in partition_load(), waits for the others', copies
 * the image and resets the devices. */
void partition_scrub_share(struct vm *vm, uint32_t index);
void partition_load(struct vm *vm);

/* Clears all of a parked guest's memory, through this core's window. */
void partition_scrub_all(const struct vm *vm);

/* Ends the present life; true for the one caller whose reason counts. Any core. */
bool partition_end(struct vm *vm, struct vm_end end);

/* The operator's stop: also ends a guest that is just between two lives; false: it is stopped. */
bool partition_stop(struct vm *vm);

/* The machine ends: all guests do. Returns when their cores are out of them, or after a tenth of a
 * second. Any core, its own guest's included; nothing but a power-off or a reset may follow. */
void partition_end_all(void);

/* On the parked lead's core: begins the next life when it is due. Until when to wait. */
uint64_t partition_look(struct vm *vm, uint64_t now);

/* A line of the log about this guest; it comes behind what the guest has said before. Any core. */
void partition_tell(struct vm *vm, enum note_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Lives that are not reported one by one are counted, and the count is said before the next one
 * that is. With the end of each life, once it is known what follows. */
void partition_tell_untold(struct vm *vm);

/* The line about the end of a life, if it is worth one. `parked`: TSC when the last of its cores
 * was out of it. */
void partition_report(struct vm *vm, uint64_t parked);

/* A vCPU has left the guest for good; the last one reports, scrubs and applies the policy. */
void partition_parked(struct vm *vm);

/* Guests that have not been stopped for good, and whoever else holds the machine on. */
extern _Atomic uint32_t partitions_alive;

/* One less; tells the monitor when it was the last. */
void partition_release(void);

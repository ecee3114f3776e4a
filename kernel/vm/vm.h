/* SPDX-License-Identifier: MIT */
/*
 * vm: what a guest and its vCPUs are while they run: data, and no function. The comment next to a
 * field says who may write it.
 */
#pragma once

#include <stdatomic.h>

#include "drivers/iommu/iommu_fault.h"
#include "drivers/tsc.h"
#include "guests/kit/abi.h"
#include "kernel/console/console.h"
#include "kernel/core/trace.h"
#include "kernel/core/trace_long.h"
#include "kernel/plan/plan.h"
#include "kernel/virt.h"
#include "kernel/vm/pacing.h"
#include "kernel/vm/postmortem.h"
#include "lib/lock.h"
#include "lib/types.h"
#include "mm/pagetable.h"
#include "vdev/bus.h"
#include "vdev/refused.h"
#include "vdev/vapic.h"
#include "vdev/vcpuid.h"
#include "vdev/vendor.h"
#include "vdev/vlink.h"
#include "vdev/vmsr.h"
#include "vdev/vpass.h"
#include "vdev/vpci.h"

/* ------------------------------------------------------------------ a vCPU */

/* Requests to a vCPU, as bits of v->kick. Any core sets them with kick_send(). */
enum kick {
    KICK_START =
        1,         /* the guest begins a life: the lead vCPU loads and runs, others wait for SIPI */
    KICK_STOP = 2, /* the guest's life ends: park */
    KICK_INIT = 4, /* INIT from a sibling */
    KICK_SIPI = 8, /* SIPI from a sibling, vector in soft->sipi_vector */
    KICK_NMI = 16, /* NMI from a sibling */
    KICK_SHOW = 32,     /* the monitor wants the registers: into soft->shown */
    KICK_ASK_HALT = 64, /* whether it has halted for good: kernel/vm/halt.h */
    KICK_LOOK = 128,    /* the lead is to look what its parked guest waits for */
    KICK_DUE = 256,     /* by itself: soft->deadline has come */
    KICK_WATCHED = 512, /* the same from core 0: kernel/vm/watch.c */
    KICK_SCRUB = 1024,  /* its life is over, and no other follows: clear your share of its memory */
    KICK_DEBUG = 2048,  /* a debugger holds the guest, or lets it go: kernel/vm/debug.h */
    KICK_FIELDS = 4096, /* the monitor wants the processor's control structure: virt_look() */
};

enum vcpu_phase { VCPU_PARKED, VCPU_WAIT_SIPI, VCPU_RUNNING };

#define VCPU_CALLS 16 /* a power of two: a guest's number is an index, and masked */
_Static_assert(BULKHEAD_CALL_COUNT < VCPU_CALLS, "and one for unknown numbers");

/* Counters of one life. The owning core's alone to write; the monitor reads them as they are. */
struct vcpu_stats {
    uint64_t injected;          /* events */
    uint64_t calls[VCPU_CALLS]; /* hypercalls by number; BULKHEAD_CALL_COUNT: unknown ones */
    struct refused msrs, ports;
    struct trace trace; /* exits, by kind and one by one */
};

/* While text waits. At 115200 baud a FIFO of 16 bytes is dry after 1.39 ms, and has room again 87
 * us before that. A pump each 1.45 ms always finds it so, and leaves the line idle for 4 % of the
 * time; one that comes a little too early finds no room, and the next is a whole period away. */
#define PUMPS_PER_SECOND 690

/* The kernel's own part of a vCPU. The owning core's alone, except where a comment says else. */
struct vcpu_soft {
    struct vcpuid cpuid; /* first: its place is that of the whole, one instruction less for CPUID */
    enum vcpu_phase phase;
    uint64_t look_step;          /* the longest that v->look_at may be away; ticks */
    uint64_t deadline;           /* TSC; the first of those below */
    bool is_apart;               /* is_watched, or the vCPU is traced */
    bool is_watched;             /* by core 0: the backend has no timer for it */
    _Atomic uint64_t watched;    /* TSC; then the deadline, UINT64_MAX: none; core 0 ends it */
    _Atomic uint8_t sipi_vector; /* siblings write */
    _Atomic bool at_rest;        /* only a sibling could wake it; siblings read. kernel/vm/halt.c */
    bool nmi_pending;            /* to be injected */
    bool timer_pending;          /* the PV timer's vector is to be injected */
    uint8_t timer_vector;
    uint64_t timer_deadline; /* TSC; UINT64_MAX: the PV timer is off */
    bool console_duty;       /* this core pumps the console, by a timer while its guest runs */
    bool console_busy;       /* ... soon, because text waits; else slowly, for input */
    uint64_t pump_deadline;  /* TSC; UINT64_MAX without the duty */
    uint64_t pump_ticks;     /* from text waiting to the next pump */
    uint64_t xcr0;
    gpa_t table_write; /* the guest is about to write there, to a table; 0: it is not */
    struct vapic apic;
    struct vapic_peers peers;
    struct vmsr msr;
    uint64_t watchdog_deadline; /* TSC; UINT64_MAX: none; of a life, the lead vCPU's alone */
    _Atomic uint64_t sign; /* its last watchdog call, TSC; kernel/vm/watchdog.c has the rules */
    struct vcpu_stats stats;
    struct trace_long trace_long; /* where the vCPU is traced */
    enum vcpu_phase ended_in;     /* its phase when the last life ended */
    struct vcpu_state shown;      /* what KICK_SHOW asked for, or how the last life ended ... */
    _Atomic uint32_t shown_count; /* ... and how often that or KICK_FIELDS was answered */
};

/* ------------------------------------------------------------------ a guest */

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

/* Why a life ended. Written by the one core that won life_end(), read by the last to park. */
struct vm_end {
    enum vm_end_kind kind;
    uint32_t code;    /* VM_END_POWER_OFF */
    bool by_operator; /* a command, not the guest; VM_END_STOP without it: the machine ends */
    bool by_device;   /* VM_END_CRASH: for what devices of the guest tried, `fault` first; ... */
    bool is_storm;    /* ... because there was so much of it */
    struct iommu_fault fault;
};

#define VM_FAULTS_TOLD 4 /* of a life, in a line each */

/* What the guest's devices tried in this life, and the IOMMU refused. Whoever holds the lock of
 * struct faults; the monitor reads the count as it is. kernel/vm/faults.c */
struct vm_faults {
    uint64_t counted;
    uint32_t tell; /* so many of the first ones */
    uint32_t told;
    struct iommu_fault first[VM_FAULTS_TOLD];
    uint64_t since;  /* TSC: when ... */
    uint32_t recent; /* ... these began to come: a second ago at most */
    bool is_storm;
};

/* How long a guest has made no exits: halt_watch()'s, on core 0. */
struct vm_quiet {
    uint64_t exits;
    uint64_t seconds; /* since it made one */
};

enum vm_stop { STOP_NOT_ASKED, STOP_BY_OPERATOR, STOP_WITH_MACHINE };

struct vm;

/* Of a link's memory. */
enum link_window {
    WINDOW_DIRTY,    /* as the firmware or the last guest left it; nobody is alive */
    WINDOW_CLEARING, /* by one core, which alone ends this; nobody is alive */
    WINDOW_CLEAR,    /* and nobody is alive */
    WINDOW_USED,     /* by those who are alive */
};

/* What guests share, and who they are. kernel/vm/link.c */
struct link {
    const struct plan_link *plan;
    struct lock lock; /* to write the next two: a few instructions */
    enum link_window window;
    _Atomic uint32_t alive; /* bit per side: its guest is in a life; guests read it */
    struct {
        struct vm *vm;
        uint32_t end; /* which of its ends the guest has here */
    } sides[LINK_SIDES_MAX];
};

/* A guest's end of one. */
struct link_end {
    struct link *link;
    struct vlink device;
};

/* A PCI function of the machine's that the guest has. kernel/vm/device.c */
struct device {
    const struct plan_device *plan;
    volatile uint32_t *config; /* its configuration space: a page of ours */
    volatile uint32_t *bridge; /* that of the bridge which resets it; NULL: another way, or none */
    struct lock lock;          /* to change a register of it */
    struct vpass_layout layout;
    struct vpass pass;
    volatile uint32_t *table; /* its MSI-X table, if plan->messages is not 0 */
    bool is_lost; /* the IOMMU did not answer: the life in which that was seen is the last */
    uint32_t acs; /* what plan->entry->acs held then */
    uint32_t found[VPASS_WORDS]; /* its configuration space before the first guest started */
};

/* As requests carry it. */
static inline uint16_t device_id(const struct device *d)
{
    return (uint16_t)(d->plan->entry->address >> 12);
}

/* One end of a serial cable between two guests. kernel/vm/cable.c */
struct cable {
    struct vm *vm;
    struct cable *far;  /* the other end */
    struct lock moving; /* who moves bytes from here to there */
    struct vuart uart;
    struct tx_ring tx; /* on their way */
    struct rx_ring rx;
};

#define DEBUG_BREAKS 4 /* debug registers of a processor */

/* The numbers are those of enum command_act (kernel/debug/command.h). */
enum debug_act { DEBUG_STAY, DEBUG_CONTINUE, DEBUG_STEP };
enum debug_reason { DEBUG_NO_REASON, DEBUG_STEPPED, DEBUG_MET };
enum debug_kind { DEBUG_EXECUTE, DEBUG_WRITE, DEBUG_ACCESS };
enum debug_place { DEBUG_AWAY /* parked, or before a SIPI */, DEBUG_FREE, DEBUG_HELD };

struct debug_break {
    uint64_t address; /* linear */
    uint8_t length;   /* bytes; 1 for DEBUG_EXECUTE */
    enum debug_kind kind;
};

/* Of a vCPU. The owning core's, but while it is held the debugger's, as far as a comment says. */
struct debug_core {
    _Atomic uint32_t place;  /* enum debug_place; the owning core writes */
    _Atomic uint32_t act;    /* enum debug_act; the debugger's order, until it is carried out */
    struct vcpu_state state; /* while held: the debugger reads and writes */
    bool is_changed;         /* ... and says so */
    enum debug_reason why;   /* why all are held, where this core is the reason */
    struct debug_break met;  /* DEBUG_MET */
    uint32_t slots;          /* bit per debug register: it is the debugger's now, ... */
    struct debug_break planted[DEBUG_BREAKS]; /* ... for this, ... */
    uint64_t guest_dr[DEBUG_BREAKS];          /* ... and the guest's value comes back */
};

/* Of a guest that a debugger may hold. kernel/vm/debug.c */
struct debug {
    _Atomic bool hold; /* its cores stay out of the guest; debugger and cores of the guest write */
    _Atomic bool is_over;         /* ... but only to have their breakpoints taken away */
    _Atomic uint32_t break_count; /* the debugger writes; but for 0, while all are held */
    struct debug_break breaks[DEBUG_BREAKS];
    struct debug_core cores[]; /* [vcpu_count] */
};

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
    struct vpci pci;
    uint32_t end_count;
    struct link_end ends[VLINKS]; /* of links; constant but for the devices */
    struct cable *cable;          /* NULL: none */
    uint32_t device_count;
    struct device *devices; /* [device_count] */
    struct iommu *iommu;
    struct debug *debug;       /* NULL: nobody debugs it; constant */
    struct faults *all_faults; /* of all guests' devices */
    struct vm_faults faults;
    _Atomic uint32_t phase;      /* enum vm_phase */
    _Atomic uint32_t parked;     /* vCPUs that have ended the present life */
    _Atomic uint32_t scrubbed;   /* vCPUs that have cleared their share of its memory */
    _Atomic uint32_t stop_asked; /* enum vm_stop: no further life is wanted; between two lives */
    struct vm_end end;
    struct postmortem postmortem;
    uint64_t end_asked;         /* TSC of that moment */
    uint64_t lived;             /* ticks until then */
    struct pacing pacing;       /* written where `end` is */
    struct pacing_next next;    /* what follows it; its is_told holds for this end as well */
    bool is_diagnosed;          /* a crash is worth more than a line */
    _Atomic uint64_t next_life; /* TSC; for VM_BACKOFF */
    uint32_t restarts;          /* lives after the first; the last to park writes */
    uint32_t
        crash_restarts; /* of them, how many on_crash granted since the operator's last start */
    uint64_t watchdog_ticks;    /* 0: no watchdog */
    bool watchdog_each;         /* each core has to call by itself */
    _Atomic uint64_t last_sign; /* TSC of the last watchdog call, or of the start */
    uint64_t started;           /* TSC; the lead writes */
    _Atomic bool bus_lock_told; /* of this life */
    struct vm_quiet quiet;
    _Atomic uint64_t wakes; /* how often one of its cores left its rest; kernel/vm/halt.c */
    bool disks_loaded;      /* those that are copies, for the first time; the lead writes */
    uint64_t load_ticks;    /* clearing its memory and copying its image, before that */
};

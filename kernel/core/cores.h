/* SPDX-License-Identifier: MIT */
/*
 * cores: the cores of the machine, by number; which one this is, and a kick for another.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/config/config.h"
#include "kernel/core/smi.h"
#include "lib/types.h"
#include "mm/host.h"
#include "mm/pages.h"

/* Vectors of our own, used only while a core is not in a guest. */
enum host_vector { HOST_VECTOR_TICK = 0xf0, HOST_VECTOR_SPURIOUS = 0xff };

struct cpu {
    struct cpu *self; /* first: what GS:0 holds */
    uint64_t canary;  /* second: kernel/core/canary.h, and the Makefile's CANARY */
    uint32_t id;      /* 0 is the core that booted */
    uint32_t apic_id;
    struct cpu_tables *tables;  /* kernel/core/cpu_tables.h */
    struct host_core host;      /* its address space */
    struct page *virt_region;   /* for virt_cpu_on() */
    struct core_facts *facts;   /* NULL: this machine runs no guests */
    struct vcpu *vcpu;          /* NULL: none; set before launch, then constant */
    const struct trace *trace;  /* that vCPU's */
    const void *loop_caller;    /* while in that vCPU's loop: where it returns to, for a panic */
    _Atomic uint32_t wake;      /* any core sets: work is waiting; the owner clears */
    _Atomic uint64_t sleeps;    /* TSC until when, at the latest; kernel/vm/watch.c */
    _Atomic uint32_t stage;     /* enum cpu_stage; the owner sets, the boot core reads */
    _Atomic uint64_t kicks;     /* sent to it; any core adds */
    _Atomic uint64_t nmis;      /* NMIs taken outside guests; owner adds */
    _Atomic uint64_t lone_nmis; /* that ended a stay in its guest, and nothing was asked */
    _Atomic uint64_t spurious;  /* unexpected interrupts taken outside guests */
    struct smi_count smis;      /* the owner's */
    bool in_firmware;           /* kernel/core/runtime.c; the owner's */
    _Atomic bool stopped;       /* has come to panic_stop_core(); the owner sets */
};

_Static_assert(offsetof(struct cpu, canary) == 8, "the Makefile's CANARY");

enum cpu_stage { CPU_ABSENT, CPU_STARTED, CPU_VIRT_ON, CPU_VIRT_FAILED };

/* By id. [0] is cores_boot; those up to cores_made are there, started or not, the rest is NULL. */
extern struct cpu *cpus[CORES_MAX];
extern uint32_t cores_made;

/* Lies in the image: it is needed before there is a pool, and entry.asm leads GS there. */
extern struct cpu cores_boot;

/* The boot core's place in cpus[]. Its first call. */
void cores_begin(void);

/* Room for `count` cores (1..CORES_MAX), the boot core among them; false: there is none. Boot core,
 * once. */
MUST_CHECK bool cores_make(struct pages *pages, uint32_t count);

/* For those who are called on whatever core it happens to be: trap, panic, requests to a core that
 * may be this one. Everybody else is handed what it works on. */
static inline struct cpu *this_cpu(void)
{
    struct cpu *c;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(c));
    return c;
}

/* Makes another core look at its flags, whatever it does. */
void cores_kick(struct cpu *cpu);

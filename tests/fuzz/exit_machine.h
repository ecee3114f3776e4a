/* SPDX-License-Identifier: MIT */
/*
 * exit_machine: one guest for the exit target: its vCPUs with the hypervisor's own state, and in
 * the place of everything below kernel/vm/exit.c fakes that judge what is asked of them. After each
 * exit machine_check() looks for what must not have changed.
 */
#pragma once

#include "kernel/core/cores.h"
#include "kernel/vm/exit.h"
#include "kernel/vm/vm.h"
#include "support.h"

/* What the last exit did, as the fakes saw it. */
struct effects {
    uint32_t msr_writes;
    uint32_t sends;    /* IPIs that reached the hardware */
    uint64_t sent_to;  /* vCPUs of the guest, as a set */
    uint64_t asked;    /* vCPUs that got a request, as a set */
    uint32_t requests; /* KICK_* of all of them */
    uint32_t xsetbvs;
    uint32_t ends;
    uint32_t crashes;
    uint32_t timer_updates;
};

struct exit_machine {
    struct vm vm;
    struct config_guest config;
    struct plan_guest plan;
    struct config_link link_config;
    struct plan_link link_plan;
    struct link link; /* both sides are this guest's */
    struct vcpu vcpus[VAPIC_PEERS_MAX];
    struct vcpu_soft softs[VAPIC_PEERS_MAX];
    struct tsc tsc;
    struct cpu core;
    struct vcpu *v; /* the one that exits */
    uint32_t told;  /* lines about the guest */
    struct effects effects;
    /* What the backend would answer; each input chooses. */
    uint64_t now, cr4, cr0_fixed0, cr4_fixed0, cr4_allowed;
    bool has_pit;
    uint8_t cpl;
    bool in_64bit;
    bool is_wrmsr; /* the exit is the guest's own IPI, if it sends one */
};

extern struct exit_machine machine;

/* A guest of the input's choice. */
void machine_make(struct fuzz_input *in);

/* The APIC id belongs to the guest; its vCPU. */
MUST_CHECK bool machine_peer(uint32_t apic_id, uint32_t *index);

/* Call before an exit and after it. */
void machine_remember(void);
void machine_check(void);

/* SPDX-License-Identifier: MIT */
/*
 * nodes: which NUMA nodes cores and memory are in. Pure.
 */
#pragma once

#include "kernel/plan/machine.h"
#include "kernel/plan/plan.h"
#include "lib/types.h"

/* Enough for the longest text of nodes_of_cores() and nodes_of_memory(): a longer one is cut. */
#define NODES_TEXT 112

/* Cores or memory are in more than one. */
bool nodes_several(const struct machine *machine);

/* The one that most of the guest's cores are in; of several, the first core's before others. A
 * guest without a core: 0. */
uint32_t nodes_home(const struct machine *machine, const struct plan_guest *guest);

/* "node 0" or "nodes 0, 1"; for memory that no row of machine.near[] has, "no node". In `buf`,
 * which has NODES_TEXT bytes and is returned. */
const char *nodes_of_cores(const struct machine *machine, const struct plan_guest *guest,
                           char *buf);
const char *nodes_of_memory(const struct machine *machine, struct range r, char *buf);

/* Each byte of `r` is in a node that the guest has a core in. */
bool nodes_are_near(const struct machine *machine, const struct plan_guest *guest, struct range r);

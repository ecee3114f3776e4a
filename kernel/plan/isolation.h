/* SPDX-License-Identifier: MIT */
/*
 * isolation: who owns what on this machine, and what is not isolated, as a table a person can
 * read. Says only what the tables in force say. Pure; also in plancheck.
 */
#pragma once

#include "kernel/plan/plan.h"
#include "lib/policy.h"
#include "lib/types.h"
#include "mm/range.h"

struct isolation {
    const struct plan *plan;
    const struct machine *machine;
    const struct msr_policy *msrs;
    struct range image, pool; /* the hypervisor's own memory; empty on the desk: not known */
};

/* Line `index` of the report; false: there is no such line. */
MUST_CHECK bool isolation_line(const struct isolation *of, uint32_t index, char *buf, size_t size);

/* Only the part that follows from the plan: memory and cores, and who owns them. */
MUST_CHECK bool isolation_owner_line(const struct isolation *of, uint32_t index, char *buf,
                                     size_t size);

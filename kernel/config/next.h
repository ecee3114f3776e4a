/* SPDX-License-Identifier: MIT */
/*
 * next: the set of files in \bulkhead\next\, which is tried once and then has to be confirmed. Two
 * variables of the firmware say what became of it: one names the set that was tried, the other the
 * set that was confirmed. Both can be written by any operating system, and are not trusted: one
 * that does not look as below is taken as absent. Shared by the loader, which decides, and the
 * hypervisor, which confirms. Pure.
 */
#pragma once

#include "lib/types.h"

#define NEXT_FOLDER "\\bulkhead\\next"

/* UEFI "SetVariable()": NON_VOLATILE, BOOTSERVICE_ACCESS, RUNTIME_ACCESS, and no other. */
#define NEXT_ATTRIBUTES 7u

#define NEXT_MAGIC   UINT32_C(0x584e4842) /* "BHNX", little-endian */
#define NEXT_VERSION 1u

/* What either variable holds. */
struct next_record {
    uint32_t magic;
    uint32_t version;
    uint64_t id; /* of a set, not 0 */
};
_Static_assert(sizeof(struct next_record) == 16, "as it is stored");

/* Names and vendor GUID, as the firmware wants them. */
extern const uint16_t next_tried_name[], next_confirmed_name[];
extern const uint8_t next_guid[16];

/* What GetVariable has said of one of them. */
struct next_variable {
    bool found;
    uint32_t attributes;
    uint64_t size; /* bytes that it has, which may be more than were read */
    struct next_record record;
};

/* What is wrong with a variable, as a part of a sentence; NULL: nothing, and `*id` is the set's
 * that it names, 0 where it is absent. `*id` is 0 as well where something is wrong. */
const char *next_flaw(const struct next_variable *v, uint64_t *id);

struct next_record next_record_of(uint64_t id);

/* The id of a set: NEXT_ID_BEGIN, each of its files, next_id_end(). Files that differ in a bit, in
 * their size or their name make another; it is no protection against who wants two to be alike. */
#define NEXT_ID_BEGIN UINT64_C(0xcbf29ce484222325)
uint64_t next_id_add(uint64_t id, const char *name, const void *bytes, uint64_t size);
uint64_t next_id_end(uint64_t id);

enum next_verdict {
    NEXT_IS_NEW,        /* try it, once that is written down */
    NEXT_IS_CONFIRMED,  /* take it */
    NEXT_IS_UNCONFIRMED /* it was tried: do not take it */
};

/* `tried`, `confirmed`: of the variables, 0: none; `id`: of the set that is there, not 0. */
enum next_verdict next_decide(uint64_t tried, uint64_t confirmed, uint64_t id);

/* SPDX-License-Identifier: MIT */
/*
 * folder: which files in \bulkhead\ are kept. Bulkhead's own files and those that the configuration
 * names are kept whole; of the others only a few names, for hints. The loader and plancheck share
 * this code, so both see the same files. Pure.
 */
#pragma once

#include "kernel/config/config.h"

#define FOLDER_CONFIG  "bulkhead.conf"
#define FOLDER_PROGRAM "bulkhead.elf"

/* Room for everything wanted and for its twins, and for 28 names more. */
#define FOLDER_MAX 416

struct folder_entry {
    char name[FILE_NAME_MAX];
    uint64_t size; /* bytes */
    bool wanted;   /* else only its name counts */
};

/* Sorted by name, so that hints do not depend on the order on the disk. */
struct folder {
    uint32_t count;
    struct folder_entry entries[FOLDER_MAX];
};

/* One of Bulkhead's own files, which no guest may name. */
bool folder_is_own(const char *name);

/* A guest has the file as a disk. */
bool folder_is_disk(const struct config *config, const char *name);

/* A name that bulkhead.conf can spell: printable ASCII, not too long. Others do no harm. */
bool folder_is_spellable(const char *name);

/*
 * Adds a file with a spellable name. The second of two wanted files of one name, which only a
 * damaged volume or another file system can have, is kept by name, so that plan can refuse it.
 */
void folder_add(struct folder *folder, const struct config *config, const char *name,
                uint64_t size);

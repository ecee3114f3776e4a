/* SPDX-License-Identifier: MIT */
/*
 * folder: a table sorted by name that makes room for what is wanted by dropping what is not. Pure.
 */
#include "kernel/config/folder.h"

#include "kernel/config/text_span.h"
#include "lib/assert.h"
#include "lib/string.h"

_Static_assert(FOLDER_MAX > 2 * ((2 + DISKS_MAX) * GUESTS_MAX + 2),
               "what is wanted never fills the table");

bool folder_is_own(const char *name)
{
    static const char *const own[] = {FOLDER_CONFIG, FOLDER_PROGRAM, "BOOTX64.EFI"};

    for (size_t i = 0; i < ARRAY_SIZE(own); i++)
        if (span_is_any_case(span_of(name), own[i]))
            return true;
    return false;
}

bool folder_is_spellable(const char *name)
{
    size_t len = 0;

    for (; name[len] != '\0'; len++)
        if (len == FILE_NAME_MAX - 1 || name[len] < ' ' || name[len] > '~')
            return false;
    return len > 0;
}

bool folder_is_disk(const struct config *config, const char *name)
{
    for (uint32_t g = 0; g < config->guest_count; g++)
        for (uint32_t d = 0; d < config->guests[g].disk_count; d++)
            if (span_is_any_case(span_of(name), config->guests[g].disks[d].file))
                return true;
    return false;
}

static bool folder_wants(const struct config *config, const char *name)
{
    const struct span s = span_of(name);

    if (span_is_any_case(s, FOLDER_CONFIG) || span_is_any_case(s, FOLDER_PROGRAM))
        return true;
    for (uint32_t g = 0; g < config->guest_count; g++)
        if (span_is_any_case(s, config->guests[g].image) ||
            span_is_any_case(s, config->guests[g].initrd))
            return true;
    return folder_is_disk(config, name);
}

/* The last entry that is not wanted. A full table has one: see the assertion above. */
static uint32_t folder_spare(const struct folder *folder)
{
    uint32_t i = folder->count - 1;

    while (folder->entries[i].wanted) {
        ASSERT(i > 0);
        i--;
    }
    return i;
}

static void folder_remove(struct folder *folder, uint32_t at)
{
    folder->count--;
    memmove(&folder->entries[at], &folder->entries[at + 1],
            (folder->count - at) * sizeof(folder->entries[0]));
}

void folder_add(struct folder *folder, const struct config *config, const char *name, uint64_t size)
{
    const bool named = folder_wants(config, name);
    bool wanted = named;
    uint32_t at = 0;

    /* Behind its equals: the first of them is the one that is wanted. */
    while (at < folder->count && span_compare(span_of(folder->entries[at].name), name) <= 0) {
        wanted = wanted && !span_is_any_case(span_of(name), folder->entries[at].name);
        at++;
    }
    if (folder->count == FOLDER_MAX) {
        const uint32_t spare = folder_spare(folder);
        if (!named && spare < at)
            return; /* all the names that are kept come before this one */
        folder_remove(folder, spare);
        at -= spare < at ? 1 : 0;
    }
    memmove(&folder->entries[at + 1], &folder->entries[at],
            (folder->count - at) * sizeof(folder->entries[0]));
    folder->entries[at] = (struct folder_entry){.size = size, .wanted = wanted};
    memcpy(folder->entries[at].name, name, strlen(name) + 1);
    folder->count++;
}

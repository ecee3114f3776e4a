/* SPDX-License-Identifier: MIT */
/*
 * next: takes \bulkhead\next\ for one boot, and from then on only if that boot was confirmed. What
 * was tried is written down before the hypervisor gets the machine, so that whatever it does there
 * the next boot takes \bulkhead\ again. UEFI "Variable Services". The decision:
 * kernel/config/next.c.
 */
#include "boot/loader.h"

#include "lib/fmt.h"
#include "lib/string.h"

#define NEXT_TAKING "; taking " LOADER_FOLDER

/* ------------------------------------------------------------------ the variables */

static EFI_GUID *next_vendor(void)
{
    return (EFI_GUID *)(uintptr_t)next_guid;
}

static struct next_variable next_read(const struct loader *l, const uint16_t *name)
{
    struct next_variable v = {.found = false};
    UINT32 attributes = 0;
    UINTN size = sizeof(v.record);
    const EFI_STATUS s = l->st->RuntimeServices->GetVariable(
        (CHAR16 *)(uintptr_t)name, next_vendor(), &attributes, &size, &v.record);

    v.found = !EFI_ERROR(s) || s == EFI_BUFFER_TOO_SMALL;
    v.attributes = attributes;
    v.size = size;
    return v;
}

static EFI_STATUS next_write(const struct loader *l, const uint16_t *name, uint64_t id)
{
    struct next_record record = next_record_of(id);

    return l->st->RuntimeServices->SetVariable((CHAR16 *)(uintptr_t)name, next_vendor(),
                                               NEXT_ATTRIBUTES, sizeof(record), &record);
}

/* The set that a variable names; 0: none. One that is not ours goes, so that ours can be written:
 * where that fails, so does the writing, which says so. */
static uint64_t next_id_in(struct loader *l, const uint16_t *name, const char *shown)
{
    const struct next_variable v = next_read(l, name);
    char words[96];
    uint64_t id;
    const char *flaw = next_flaw(&v, &id);

    if (flaw == NULL)
        return id;
    fmt_print(words, sizeof(words), "the variable %s %s: it is deleted", shown, flaw);
    (void)say_refusal(l, NULL, words);
    (void)l->st->RuntimeServices->SetVariable((CHAR16 *)(uintptr_t)name, next_vendor(), 0, 0, NULL);
    return 0;
}

/* ------------------------------------------------------------------ the set */

static uint64_t next_id_of(const struct loader *l)
{
    uint64_t id = NEXT_ID_BEGIN;

    for (uint32_t i = 0; i < l->info->module_count; i++)
        if (l->modules[i].size != 0)
            id = next_id_add(id, l->modules[i].name, (const void *)l->modules[i].base,
                             l->modules[i].size);
    return next_id_end(id);
}

/* A file that the configuration names, "" where it names none. */
static EFI_STATUS next_check_file(struct loader *l, const char *name)
{
    if (name[0] == '\0' || files_find(l, name) != NULL)
        return EFI_SUCCESS;
    return say_refusal(l, name, "is missing on the boot volume");
}

/* What the hypervisor would refuse, as far as it can be known here: that boot is spared. */
static EFI_STATUS next_check(struct loader *l)
{
    char words[sizeof(l->report.rows[0].text) + FILE_NAME_MAX + 32];
    EFI_STATUS s = EFI_SUCCESS;

    if (errors_print(&l->report, 0, NEXT_FOLDER "\\" FOLDER_CONFIG, words, sizeof(words)))
        return say_refusal(l, NULL, words);
    for (uint32_t i = 0; i < l->config.guest_count && !EFI_ERROR(s); i++) {
        const struct config_guest *g = &l->config.guests[i];

        s = next_check_file(l, g->image);
        if (!EFI_ERROR(s))
            s = next_check_file(l, g->initrd);
        for (uint32_t d = 0; d < g->disk_count && !EFI_ERROR(s); d++)
            s = next_check_file(l, g->disks[d].file);
    }
    return s;
}

/* Some firmware says that it has kept what it has not. */
static EFI_STATUS next_remember(struct loader *l, uint64_t id)
{
    struct next_variable v;
    uint64_t kept;
    EFI_STATUS s = next_write(l, next_tried_name, id);

    if (EFI_ERROR(s))
        return say_failure(l, NULL, NEXT_FOLDER " cannot be tried: SetVariable failed", s);
    v = next_read(l, next_tried_name);
    if (next_flaw(&v, &kept) == NULL && kept == id)
        return EFI_SUCCESS;
    return say_refusal(l, NULL,
                       NEXT_FOLDER " cannot be tried: the firmware does not keep variables");
}

static EFI_STATUS next_decide_on(struct loader *l, uint64_t id)
{
    const uint64_t tried = next_id_in(l, next_tried_name, "BulkheadTried");
    const uint64_t confirmed = next_id_in(l, next_confirmed_name, "BulkheadConfirmed");

    l->info->set_id = id;
    switch (next_decide(tried, confirmed, id)) {
    case NEXT_IS_CONFIRMED:
        l->info->set = BOOT_SET_CONFIRMED;
        say_note(l, NEXT_FOLDER " was confirmed: taking it");
        return EFI_SUCCESS;
    case NEXT_IS_UNCONFIRMED:
        return say_refusal(l, NULL, NEXT_FOLDER " was tried and not confirmed");
    case NEXT_IS_NEW:
        break;
    }
    const char *lacks = runtime_lacks(l);
    char words[96];

    if (lacks != NULL) {
        fmt_print(words, sizeof(words), NEXT_FOLDER " could not be confirmed: %s", lacks);
        return say_refusal(l, NULL, words);
    }
    l->info->set = BOOT_SET_TRIED;
    say_note(l, NEXT_FOLDER " is new: trying it once");
    return next_remember(l, id);
}

/* ------------------------------------------------------------------ one or the other */

static EFI_STATUS next_try(struct loader *l)
{
    EFI_STATUS s;

    l->is_next = true;
    s = loader_load(l);
    if (!EFI_ERROR(s))
        s = next_check(l);
    return EFI_ERROR(s) ? s : next_decide_on(l, next_id_of(l));
}

EFI_STATUS next_load(struct loader *l)
{
    char note[BOOT_NOTE_MAX];
    EFI_STATUS s;

    if (!files_has_next(l))
        return loader_load(l);
    s = next_try(l);
    if (!EFI_ERROR(s))
        return s;
    fmt_print(note, sizeof(note) - sizeof(NEXT_TAKING), "%s", l->why);
    memcpy(note + strlen(note), NEXT_TAKING, sizeof(NEXT_TAKING));
    memory_free_all(l);
    l->is_next = false;
    say_note(l, "taking " LOADER_FOLDER);
    s = loader_load(l);
    if (EFI_ERROR(s))
        return s;
    if (files_find(l, FOLDER_CONFIG) == NULL)
        return say_refusal(l, FOLDER_CONFIG, "is missing on the boot volume");
    (void)text_copy(l->info->set_note, sizeof(l->info->set_note), note);
    return EFI_SUCCESS;
}

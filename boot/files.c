/* SPDX-License-Identifier: MIT */
/*
 * files: reads from \bulkhead\, or \bulkhead\next\, what the boot needs, each file into its own
 * pages: the hypervisor, the configuration, and the files that the configuration names. The
 * hypervisor cannot come back for more. Other files there cost nothing and cannot stop the boot,
 * whatever their names. UEFI "Simple File System Protocol", "File Protocol".
 */
#include "boot/loader.h"

#include "kernel/config/text_span.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* FAT names have at most 255 characters; the structure itself has room for the final NUL. */
#define FILES_NAME_MAX 255
union files_entry {
    EFI_FILE_INFO info;
    uint8_t bytes[sizeof(EFI_FILE_INFO) + FILES_NAME_MAX * sizeof(CHAR16)];
};

/*
 * Some firmware fails or crawls when asked for hundreds of megabytes in one call; 4 MiB costs
 * nothing and is what boot loaders have long used.
 */
#define FILES_CHUNK (4 * MIB)

/* What is larger is announced: a slow stick takes seconds for it. */
#define FILES_LARGE (16 * MIB)
#define FILES_PARTS 10

/*
 * A FAT folder has at most 2 MiB of 32-byte entries (FAT "FAT Directory Structure");
 * one whose clusters go round in a damaged FAT has entries without end.
 */
#define FILES_ENTRIES_MAX 65536

/* Opens the volume that the running program was loaded from; else what fails is returned, and
 * `*why` is what to say of it. */
static EFI_STATUS files_open_root(struct loader *l, EFI_FILE_HANDLE *root, const char **why)
{
    EFI_GUID image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_GUID volume_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *self = NULL;
    EFI_FILE_IO_INTERFACE *volume = NULL;
    EFI_STATUS s;

    *why = "the firmware does not report where the loader was started from";
    s = l->bs->HandleProtocol(l->image, &image_guid, (void **)&self);
    if (EFI_ERROR(s))
        return s;
    *why = "the loader was not started from a file system";
    s = l->bs->HandleProtocol(self->DeviceHandle, &volume_guid, (void **)&volume);
    if (EFI_ERROR(s))
        return s;
    *why = "the boot volume cannot be opened";
    return volume->OpenVolume(volume, root);
}

static EFI_STATUS files_open_at(EFI_FILE_HANDLE root, bool is_next, EFI_FILE_HANDLE *folder)
{
    return root->Open(root, folder, (CHAR16 *)(is_next ? u"bulkhead\\next" : u"bulkhead"),
                      EFI_FILE_MODE_READ, 0);
}

/* What is said of the folder as a whole. */
static EFI_STATUS files_refuse_folder(struct loader *l, const char *what, EFI_STATUS s)
{
    char words[96];

    fmt_print(words, sizeof(words), "the folder %s %s", loader_folder(l), what);
    return EFI_ERROR(s) ? say_failure(l, NULL, words, s) : say_refusal(l, NULL, words);
}

static EFI_STATUS files_open_folder(struct loader *l, EFI_FILE_HANDLE *folder)
{
    EFI_FILE_HANDLE root = NULL;
    const char *why;
    EFI_STATUS s = files_open_root(l, &root, &why);

    if (EFI_ERROR(s))
        return say_failure(l, NULL, why, s);
    s = files_open_at(root, l->is_next, folder);
    root->Close(root);
    if (s == EFI_NOT_FOUND) {
        (void)say_refusal(l, NULL, "the boot volume has no folder " LOADER_FOLDER);
        return EFI_NOT_FOUND;
    }
    return EFI_ERROR(s) ? files_refuse_folder(l, "cannot be opened", s) : EFI_SUCCESS;
}

/* A file called \bulkhead opens just as well, and its bytes would be taken for entries. */
static EFI_STATUS files_check_folder(struct loader *l, EFI_FILE_HANDLE folder)
{
    EFI_GUID info_guid = EFI_FILE_INFO_ID;
    union files_entry self = {0};
    UINTN size = sizeof(self);
    EFI_STATUS s = folder->GetInfo(folder, &info_guid, &size, &self);

    if (EFI_ERROR(s))
        return files_refuse_folder(l, "cannot be read", s);
    if ((self.info.Attribute & EFI_FILE_DIRECTORY) == 0)
        return say_refusal(l, NULL,
                           l->is_next ? NEXT_FOLDER " on the boot volume is not a folder"
                                      : LOADER_FOLDER " on the boot volume is not a folder");
    return EFI_SUCCESS;
}

/* A name that files_name() does not take. */
static bool files_is_odd_config(const CHAR16 *name)
{
    static const char ending[] = ".conf";
    const size_t len = sizeof(ending) - 1;
    size_t i = 0;
    size_t same = 0;

    while (i < FILES_NAME_MAX && name[i] != 0)
        i++;
    for (size_t k = 0; i >= len && k < len; k++)
        same += (name[i - len + k] | 0x20) == ending[k]; /* in any case; '.' has that bit */
    return same == len;
}

/* Copies a name of printable ASCII; false where bulkhead.conf could not spell it. */
static bool files_name(char out[FILE_NAME_MAX], const CHAR16 *name)
{
    size_t i = 0;

    for (; name[i] != 0; i++) {
        if (i == FILE_NAME_MAX - 1 || name[i] > '~')
            return false;
        out[i] = (char)name[i];
    }
    out[i] = '\0';
    return folder_is_spellable(out);
}

static void files_list_entry(struct loader *l, const union files_entry *entry)
{
    char name[FILE_NAME_MAX];

    if ((entry->info.Attribute & EFI_FILE_DIRECTORY) != 0)
        return;
    if (files_name(name, entry->info.FileName)) {
        folder_add(&l->folder, &l->config, name, entry->info.FileSize);
        menu_add(&l->menu, name);
    } else if (files_is_odd_config(entry->info.FileName)) {
        menu_add(&l->menu, NULL);
    }
}

/* Fills l->folder, by what l->config names; from the folder's first entry on. And l->menu. */
static EFI_STATUS files_list(struct loader *l, EFI_FILE_HANDLE folder)
{
    EFI_STATUS s = folder->SetPosition(folder, 0);

    l->folder.count = 0;
    l->menu.count = l->menu.unlisted = 0;
    for (uint32_t i = 0; i < FILES_ENTRIES_MAX; i++) {
        union files_entry entry = {0};
        UINTN size = sizeof(entry);

        if (!EFI_ERROR(s))
            s = folder->Read(folder, &size, &entry);
        if (EFI_ERROR(s))
            return files_refuse_folder(l, "cannot be read", s);
        if (size == 0)
            return EFI_SUCCESS; /* the end of the directory */
        files_list_entry(l, &entry);
    }
    return files_refuse_folder(l, "never ends: the volume is damaged", EFI_SUCCESS);
}

/* Reads `m->size` bytes into the pages at m->base and clears the rest of them. */
static EFI_STATUS files_read_pages(struct loader *l, EFI_FILE_HANDLE file,
                                   const struct boot_module *m)
{
    uint8_t *to = (uint8_t *)m->base;
    uint64_t done = 0;
    uint32_t parts = 0;

    if (m->size > FILES_LARGE)
        say_reading(l, m->name, m->size);
    while (done < m->size) {
        const UINTN asked = m->size - done < FILES_CHUNK ? m->size - done : FILES_CHUNK;
        UINTN chunk = asked;
        EFI_STATUS s = file->Read(file, &chunk, to + done);

        if (EFI_ERROR(s) || chunk > asked)
            return say_failure(l, m->name, "cannot be read", EFI_ERROR(s) ? s : EFI_DEVICE_ERROR);
        if (chunk == 0)
            return say_refusal(l, m->name, "is shorter than its directory entry says");
        done += chunk;
        for (; l->is_reading && parts < done / (m->size / FILES_PARTS) && parts < FILES_PARTS;
             parts++)
            say_part(l);
    }
    say_read(l);
    memset(to + done, 0, m->room - done);
    return EFI_SUCCESS;
}

static EFI_STATUS files_open(EFI_FILE_HANDLE folder, const char *from, EFI_FILE_HANDLE *file)
{
    CHAR16 name[FILE_NAME_MAX] = {0};

    for (size_t i = 0; from[i] != '\0'; i++)
        name[i] = (CHAR16)from[i];
    return folder->Open(folder, file, name, EFI_FILE_MODE_READ, 0);
}

EFI_STATUS files_read_text(EFI_FILE_HANDLE folder, const char *name, char *to, size_t room,
                           size_t *size)
{
    EFI_FILE_HANDLE file = NULL;
    EFI_STATUS s = files_open(folder, name, &file);
    UINTN part = room;

    *size = 0;
    if (EFI_ERROR(s))
        return s;
    while (!EFI_ERROR(s) && part > 0 && *size < room) {
        part = room - *size;
        s = file->Read(file, &part, to + *size);
        if (!EFI_ERROR(s) && part > room - *size)
            s = EFI_DEVICE_ERROR;
        *size += EFI_ERROR(s) ? 0 : part;
    }
    file->Close(file);
    return s;
}

/* Fills a module that has its name; the pages are the module's as soon as it has a size. */
static EFI_STATUS files_load(struct loader *l, EFI_FILE_HANDLE folder, struct boot_module *m,
                             uint64_t size)
{
    EFI_FILE_HANDLE file = NULL;
    uint64_t pages = 0;
    EFI_STATUS s = files_open(folder, m->name, &file);

    if (EFI_ERROR(s))
        return say_failure(l, m->name, "cannot be opened", s);
    if (size != 0)
        s = folder_is_disk(&l->config, m->name)
                ? memory_take_large(l, m->name, size, &m->base, &pages)
                : memory_take(l, m->name, size, &m->base, &pages);
    if (!EFI_ERROR(s)) {
        m->size = size;
        m->room = pages * PAGE_SIZE;
    }
    if (m->size != 0)
        s = files_read_pages(l, file, m);
    file->Close(file);
    return s;
}

/* The next module, from an entry of the folder. */
static EFI_STATUS files_add(struct loader *l, EFI_FILE_HANDLE folder,
                            const struct folder_entry *entry, uint64_t size)
{
    struct boot_module *m = &l->modules[l->info->module_count++];

    *m = (struct boot_module){.size = 0};
    (void)text_copy(m->name, sizeof(m->name), entry->name);
    return entry->wanted ? files_load(l, folder, m, size) : EFI_SUCCESS;
}
_Static_assert(BOOT_NAME_MAX == FILE_NAME_MAX, "names fit, and there is a module for each entry");

static bool files_is_config(const struct folder_entry *entry)
{
    return span_is_any_case(span_of(entry->name), FOLDER_CONFIG);
}

/* The text that was chosen, under the name that the hypervisor looks for. */
static EFI_STATUS files_keep_chosen(struct loader *l, uint32_t chosen)
{
    struct boot_module *m = &l->modules[l->info->module_count++];
    uint64_t pages = 0;
    EFI_STATUS s;

    *m = (struct boot_module){.size = 0};
    (void)text_copy(m->name, sizeof(m->name), FOLDER_CONFIG);
    (void)text_copy(l->info->config_name, sizeof(l->info->config_name), l->menu.names[chosen]);
    if (l->menu.size == 0)
        return EFI_SUCCESS;
    s = memory_take(l, m->name, l->menu.size, &m->base, &pages);
    if (EFI_ERROR(s))
        return s;
    m->size = l->menu.size;
    m->room = pages * PAGE_SIZE;
    memcpy((void *)m->base, l->menu.room->text, m->size);
    memset((uint8_t *)m->base + m->size, 0, m->room - m->size);
    return EFI_SUCCESS;
}

/* bulkhead.conf. A byte more than the limit shows that it is too long. */
static EFI_STATUS files_load_config(struct loader *l, EFI_FILE_HANDLE folder)
{
    const struct folder_entry *entry = l->folder.entries;

    for (uint32_t i = 0; i < l->folder.count && !files_is_config(entry); i++)
        entry++;
    if (entry == l->folder.entries + l->folder.count)
        return EFI_SUCCESS; /* the hypervisor will say so */
    return files_add(l, folder, entry, min_u64(entry->size, CONFIG_SIZE_MAX + 1));
}

/*
 * Which files it names. What is wrong in it the hypervisor will say, and it will start nothing:
 * then none of them is needed.
 */
static EFI_STATUS files_read_config(struct loader *l, EFI_FILE_HANDLE folder)
{
    const struct boot_module *m = &l->modules[0];
    uint32_t chosen = MENU_NONE; /* nobody is there when a set is tried */
    EFI_STATUS s = l->is_next ? EFI_SUCCESS : menu_choose(l, folder, &chosen);

    if (!EFI_ERROR(s))
        s = chosen == MENU_NONE ? files_load_config(l, folder) : files_keep_chosen(l, chosen);
    if (EFI_ERROR(s) || l->info->module_count == 0)
        return s;
    l->report = (struct errors){.count = 0};
    if (!config_parse(&l->config, (const char *)m->base, m->size, &l->report))
        l->config.guest_count = 0;
    return EFI_SUCCESS;
}

static EFI_STATUS files_read_folder(struct loader *l, EFI_FILE_HANDLE folder)
{
    EFI_STATUS s = files_list(l, folder);

    if (!EFI_ERROR(s))
        s = files_read_config(l, folder);
    if (!EFI_ERROR(s))
        s = files_list(l, folder);
    for (uint32_t i = 0; i < l->folder.count && !EFI_ERROR(s); i++)
        if (!files_is_config(&l->folder.entries[i]))
            s = files_add(l, folder, &l->folder.entries[i], l->folder.entries[i].size);
    return s;
}

bool files_has_next(struct loader *l)
{
    EFI_FILE_HANDLE root = NULL, folder = NULL, file = NULL;
    const char *why;

    if (EFI_ERROR(files_open_root(l, &root, &why)))
        return false;
    if (!EFI_ERROR(files_open_at(root, true, &folder))) {
        if (!EFI_ERROR(files_open(folder, FOLDER_CONFIG, &file)))
            file->Close(file);
        folder->Close(folder);
    }
    root->Close(root);
    return file != NULL;
}

EFI_STATUS files_read(struct loader *l)
{
    EFI_FILE_HANDLE folder = NULL;
    EFI_STATUS s = files_open_folder(l, &folder);

    if (EFI_ERROR(s))
        return s;
    s = files_check_folder(l, folder);
    if (!EFI_ERROR(s))
        s = files_read_folder(l, folder);
    folder->Close(folder);
    return s;
}

const struct boot_module *files_find(const struct loader *l, const char *name)
{
    for (uint32_t i = 0; i < l->info->module_count; i++)
        if (span_is_any_case(span_of(l->modules[i].name), name))
            return &l->modules[i];
    return NULL;
}

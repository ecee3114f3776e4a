/* SPDX-License-Identifier: MIT */
/*
 * files: reads every file of \bulkhead\ whole into pages of its own. Which of them are wanted is
 * the hypervisor's business; it cannot come back for more. UEFI "Simple File System Protocol",
 * "File Protocol".
 */
#include "boot/loader.h"

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

/* Folders count too: a folder whose clusters go round in a damaged FAT has entries without end. */
#define FILES_ENTRIES_MAX (16 * LOADER_FILES_MAX)

/* Opens the folder \bulkhead\ of the volume that the running program was loaded from. */
static EFI_STATUS files_open_folder(struct loader *l, EFI_FILE_HANDLE *folder)
{
    EFI_GUID image_guid = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_GUID volume_guid = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *self = NULL;
    EFI_FILE_IO_INTERFACE *volume = NULL;
    EFI_FILE_HANDLE root = NULL;
    EFI_STATUS s;

    s = l->bs->HandleProtocol(l->image, &image_guid, (void **)&self);
    if (EFI_ERROR(s))
        return say_failure(l, NULL, "the firmware does not say where the loader came from", s);
    s = l->bs->HandleProtocol(self->DeviceHandle, &volume_guid, (void **)&volume);
    if (EFI_ERROR(s))
        return say_failure(l, NULL, "the loader was not started from a volume with files", s);
    s = volume->OpenVolume(volume, &root);
    if (EFI_ERROR(s))
        return say_failure(l, NULL, "the boot volume cannot be opened", s);
    s = root->Open(root, folder, (CHAR16 *)u"bulkhead", EFI_FILE_MODE_READ, 0);
    root->Close(root);
    if (s == EFI_NOT_FOUND) {
        (void)say_refusal(l, NULL, "the boot volume has no folder " LOADER_FOLDER);
        return EFI_NOT_FOUND;
    }
    if (EFI_ERROR(s))
        return say_failure(l, NULL, "the folder " LOADER_FOLDER " cannot be opened", s);
    return EFI_SUCCESS;
}

/* A file called \bulkhead opens just as well, and its bytes would be taken for entries. */
static EFI_STATUS files_check_folder(struct loader *l, EFI_FILE_HANDLE folder)
{
    EFI_GUID info_guid = EFI_FILE_INFO_ID;
    union files_entry self = {0};
    UINTN size = sizeof(self);
    EFI_STATUS s = folder->GetInfo(folder, &info_guid, &size, &self);

    if (EFI_ERROR(s))
        return say_failure(l, NULL, "the folder " LOADER_FOLDER " cannot be read", s);
    if ((self.info.Attribute & EFI_FILE_DIRECTORY) == 0)
        return say_refusal(l, NULL, LOADER_FOLDER " on the boot volume is not a folder");
    return EFI_SUCCESS;
}

/* Copies a file's name; false when it is too long or not ASCII, `out` then holds what fits. */
static bool files_name(char out[BOOT_NAME_MAX], const CHAR16 *name)
{
    bool good = true;
    size_t i = 0;

    for (; name[i] != 0 && i < BOOT_NAME_MAX - 1; i++) {
        bool ascii = name[i] > ' ' - 1 && name[i] < 0x7f;

        out[i] = ascii ? (char)name[i] : '?';
        good = good && ascii;
    }
    out[i] = '\0';
    return good && name[i] == 0;
}

/* Reads `m->size` bytes into the pages at m->base and clears the rest of the last page. */
static EFI_STATUS files_read_pages(struct loader *l, EFI_FILE_HANDLE file,
                                   const struct boot_module *m, uint64_t pages)
{
    uint8_t *to = (uint8_t *)m->base;
    uint64_t done = 0;

    while (done < m->size) {
        const UINTN asked = m->size - done < FILES_CHUNK ? m->size - done : FILES_CHUNK;
        UINTN chunk = asked;
        EFI_STATUS s = file->Read(file, &chunk, to + done);

        if (EFI_ERROR(s) || chunk > asked)
            return say_failure(l, m->name, "cannot be read", EFI_ERROR(s) ? s : EFI_DEVICE_ERROR);
        if (chunk == 0)
            return say_refusal(l, m->name, "ends earlier than its directory entry says");
        done += chunk;
    }
    memset(to + done, 0, pages * PAGE_SIZE - done);
    return EFI_SUCCESS;
}

/* Reads one file as the next module; the module counts as soon as it has memory. */
static EFI_STATUS files_read_one(struct loader *l, EFI_FILE_HANDLE folder, EFI_FILE_INFO *entry)
{
    struct boot_module *m = &l->modules[l->info->module_count];
    EFI_FILE_HANDLE file = NULL;
    uint64_t pages = 0;
    EFI_STATUS s;

    if (!files_name(m->name, entry->FileName))
        return say_refusal(l, m->name, "its name is longer than 63 characters or not plain ASCII");
    s = folder->Open(folder, &file, entry->FileName, EFI_FILE_MODE_READ, 0);
    if (EFI_ERROR(s))
        return say_failure(l, m->name, "cannot be opened", s);
    if (entry->FileSize != 0)
        s = memory_take(l, m->name, entry->FileSize, &m->base, &pages);
    if (!EFI_ERROR(s)) {
        m->size = entry->FileSize;
        l->info->module_count++;
    }
    if (!EFI_ERROR(s) && m->size != 0)
        s = files_read_pages(l, file, m, pages);
    file->Close(file);
    return s;
}

static EFI_STATUS files_read_folder(struct loader *l, EFI_FILE_HANDLE folder)
{
    for (uint32_t i = 0; i < FILES_ENTRIES_MAX; i++) {
        union files_entry entry = {0};
        UINTN size = sizeof(entry);
        EFI_STATUS s = folder->Read(folder, &size, &entry);

        if (EFI_ERROR(s))
            return say_failure(l, NULL, "the folder " LOADER_FOLDER " cannot be read", s);
        if (size == 0)
            return EFI_SUCCESS; /* the end of the directory */
        if ((entry.info.Attribute & EFI_FILE_DIRECTORY) != 0)
            continue; /* also "." and ".." */
        if (l->info->module_count == LOADER_FILES_MAX)
            return say_refusal(l, NULL, "the folder " LOADER_FOLDER " has more than 1024 files");
        s = files_read_one(l, folder, &entry.info);
        if (EFI_ERROR(s))
            return s;
    }
    return say_refusal(l, NULL, "the folder " LOADER_FOLDER " has no end: its volume is damaged");
}
_Static_assert(LOADER_FILES_MAX == 1024, "the refusal above names the limit");

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

static char files_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const struct boot_module *files_find(const struct loader *l, const char *name)
{
    for (uint32_t i = 0; i < l->info->module_count; i++) {
        const char *have = l->modules[i].name;
        size_t k = 0;

        while (name[k] != '\0' && files_lower(have[k]) == files_lower(name[k]))
            k++;
        if (name[k] == '\0' && have[k] == '\0')
            return &l->modules[i];
    }
    return NULL;
}

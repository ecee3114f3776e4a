// SPDX-License-Identifier: MIT
/*
 * Stands before Bulkhead's loader and makes the firmware a worse one: ACPI tables are replaced or
 * added, and the memory map grows by descriptors, as \bulkhead\faults.bin says (tests/boot/efi.py
 * writes it). Then \bulkhead\loader.efi is started, which knows nothing of it.
 *
 * The file: a count of tables, and for each its signature, 0 (add) or 1 (replace), its length, its
 * bytes; a count of descriptors, and for each type, base, pages, attributes. Numbers have 32 bits,
 * in descriptors 64. A table called "RSD " takes the place of the RSDP itself.
 */
#include <efi.h>
#include <efilib.h>

#define PACKED_STRUCT struct __attribute__((packed))

typedef PACKED_STRUCT
{
    char signature[8];
    UINT8 checksum, oem[6], revision;
    UINT32 rsdt, length;
    UINT64 xsdt;
    UINT8 sum, reserved[3];
}
RSDP;

typedef PACKED_STRUCT
{
    char signature[4];
    UINT32 length;
    UINT8 revision, checksum, oem[26];
    UINT64 entries[256];
}
XSDT;

static UINT8 *input;
static EFI_MEMORY_DESCRIPTOR *odd;
static UINT32 odd_count;
static EFI_GET_MEMORY_MAP real_map;

static void *pages(UINTN size)
{
    EFI_PHYSICAL_ADDRESS at = 0;

    BS->AllocatePages(AllocateAnyPages, EfiACPIReclaimMemory, size / 4096 + 1, &at);
    ZeroMem((void *)at, size);
    return (void *)at;
}

static void take(void *to, UINTN size)
{
    CopyMem(to, input, size);
    input += size;
}

static UINT32 take32(void)
{
    UINT32 v;

    take(&v, sizeof(v));
    return v;
}

static UINT8 sum(const void *bytes, UINTN size)
{
    UINT8 s = 0;

    for (UINTN i = 0; i < size; i++)
        s += ((const UINT8 *)bytes)[i];
    return -s;
}

static EFI_STATUS EFIAPI odd_map(UINTN *size, EFI_MEMORY_DESCRIPTOR *map, UINTN *key, UINTN *step,
                                 UINT32 *version)
{
    const UINTN room = *size;
    EFI_STATUS s = real_map(size, map, key, step, version);
    const UINTN used = *size;

    if (s != EFI_SUCCESS && s != EFI_BUFFER_TOO_SMALL)
        return s;
    *size += odd_count * *step;
    if (s == EFI_BUFFER_TOO_SMALL || room < *size)
        return EFI_BUFFER_TOO_SMALL;
    for (UINT32 i = 0; i < odd_count; i++)
        CopyMem((UINT8 *)map + used + i * *step, &odd[i], sizeof(odd[i]));
    return EFI_SUCCESS;
}

static void change_map(void)
{
    odd_count = take32();
    odd = AllocateZeroPool((odd_count + 1) * sizeof(*odd));
    for (UINT32 i = 0; i < odd_count; i++) {
        odd[i].Type = take32();
        take(&odd[i].PhysicalStart, 8);
        take(&odd[i].NumberOfPages, 8);
        take(&odd[i].Attribute, 8);
    }
    real_map = BS->GetMemoryMap;
    BS->GetMemoryMap = odd_map;
}

static void put_table(XSDT *xsdt, const char *signature, BOOLEAN replace, void *table)
{
    const UINTN count = (xsdt->length - 36) / 8;

    for (UINTN i = 0; replace && i < count; i++) {
        if (CompareMem((void *)xsdt->entries[i], (void *)signature, 4) == 0) {
            xsdt->entries[i] = (UINT64)table;
            return;
        }
    }
    xsdt->entries[count] = (UINT64)table;
    xsdt->length += 8;
}

static void change_tables(void)
{
    EFI_GUID guid = ACPI_20_TABLE_GUID;
    RSDP *old = NULL, *rsdp = pages(sizeof(*rsdp));
    XSDT *xsdt = pages(sizeof(*xsdt));
    void *instead = NULL;

    LibGetSystemConfigurationTable(&guid, (void **)&old);
    CopyMem(rsdp, old, sizeof(*rsdp));
    CopyMem(xsdt, (void *)old->xsdt, ((XSDT *)old->xsdt)->length);
    for (UINT32 left = take32(); left > 0; left--) {
        char signature[4];
        UINT32 replace, length;
        void *table;

        take(signature, 4);
        replace = take32();
        length = take32();
        table = pages(length);
        take(table, length);
        if (CompareMem(signature, "RSD ", 4) == 0)
            instead = table;
        else
            put_table(xsdt, signature, replace != 0, table);
    }
    xsdt->checksum = 0;
    xsdt->checksum = sum(xsdt, xsdt->length);
    rsdp->xsdt = (UINT64)xsdt;
    rsdp->rsdt = 0;
    rsdp->checksum = rsdp->sum = 0;
    rsdp->checksum = sum(rsdp, 20);
    rsdp->sum = sum(rsdp, sizeof(*rsdp));
    BS->InstallConfigurationTable(&guid, instead != NULL ? instead : rsdp);
}

static EFI_STATUS read_input(EFI_HANDLE device)
{
    EFI_FILE_HANDLE root = LibOpenRoot(device), file;
    UINTN size = 1 << 20;
    EFI_STATUS s = root->Open(root, &file, L"\\bulkhead\\faults.bin", EFI_FILE_MODE_READ, 0);

    if (EFI_ERROR(s))
        return s;
    input = AllocateZeroPool(size);
    return file->Read(file, &size, input);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    EFI_GUID loaded = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *self;
    EFI_HANDLE loader;
    EFI_STATUS s;

    InitializeLib(image, system);
    BS->HandleProtocol(image, &loaded, (void **)&self);
    s = read_input(self->DeviceHandle);
    if (EFI_ERROR(s))
        return s;
    change_tables();
    change_map();
    s = BS->LoadImage(FALSE, image, FileDevicePath(self->DeviceHandle, L"\\bulkhead\\loader.efi"),
                      NULL, 0, &loader);
    return EFI_ERROR(s) ? s : BS->StartImage(loader, NULL, NULL);
}

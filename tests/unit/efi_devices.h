/* SPDX-License-Identifier: MIT */
/*
 * efi_devices: the firmware of efi_machine.h goes on: a volume with files, a screen, a clock; and
 * the loader itself, whose own files are compiled in here.
 */
#pragma once

#include "boot/attributes.c"
#include "efi_console.h"
#include "efi_machine.h"
#include "efi_paging.h"
#include "lib/assert.h"

/* ---------------------------------------------------------------------- the volume */

static EFI_FILE_IO_INTERFACE efi_volume;
static EFI_LOADED_IMAGE efi_self;

static inline EFI_STATUS efi_new_open(const struct efi_file *file, bool next,
                                      EFI_FILE_HANDLE *handle);

static inline struct efi_open *efi_open_of(EFI_FILE_HANDLE handle)
{
    struct efi_open *o = (struct efi_open *)handle;

    assert_true(o >= efi.opens && o < efi.opens + OPEN_MAX && o->used);
    return o;
}

static inline EFI_STATUS EFIAPI efi_open(EFI_FILE_HANDLE from, EFI_FILE_HANDLE *handle,
                                         CHAR16 *name, UINT64 mode, UINT64 attributes)
{
    char text[FILE_NAME_MAX] = "";
    const bool in_next = efi_open_of(from)->next;

    (void)attributes;
    assert_int_equal(mode, EFI_FILE_MODE_READ);
    if (efi_fails(CALL_OPEN))
        return efi.fault;
    for (size_t i = 0; name[i] != 0 && i < sizeof(text) - 1; i++)
        text[i] = (char)name[i];
    if (strcmp(text, "bulkhead") == 0)
        return efi_new_open(NULL, false, handle);
    for (uint32_t i = 0; i < efi.file_count; i++) {
        if (efi.files[i].next && strcmp(text, "bulkhead\\next") == 0)
            return efi_new_open(NULL, true, handle);
        if (efi.files[i].next == in_next && strcmp(text, efi.files[i].name) == 0)
            return efi_new_open(&efi.files[i], in_next, handle);
    }
    return EFI_NOT_FOUND;
}

static inline EFI_STATUS EFIAPI efi_close(EFI_FILE_HANDLE handle)
{
    efi_open_of(handle)->used = false; /* "Close()": cannot fail */
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_get_info(EFI_FILE_HANDLE handle, EFI_GUID *what, UINTN *size,
                                             void *info)
{
    (void)what;
    assert_null(efi_open_of(handle)->file);
    if (efi_fails(CALL_INFO))
        return efi.fault;
    assert_true(*size >= sizeof(EFI_FILE_INFO));
    *(EFI_FILE_INFO *)info =
        (EFI_FILE_INFO){.Size = sizeof(EFI_FILE_INFO), .Attribute = EFI_FILE_DIRECTORY};
    return EFI_SUCCESS;
}

/* UTF-8 to UTF-16. Returns how many units it made. */
static inline size_t efi_wide(CHAR16 *to, const char *utf8)
{
    const uint8_t *at = (const uint8_t *)utf8;
    size_t len = 0;

    while (*at != 0) {
        const int more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc0 ? 1 : 0;
        uint32_t c = more == 0 ? *at : *at & (0x3fu >> more);
        at++;
        for (int i = 0; i < more; i++)
            c = c << 6 | (*at++ & 0x3fu);
        if (c >= 0x10000)
            to[len++] = (CHAR16)(0xd7c0 + (c >> 10));
        to[len++] = (CHAR16)(c < 0x10000 ? c : 0xdc00 | (c & 0x3ff));
    }
    to[len] = 0;
    return len;
}

static inline EFI_STATUS efi_read_entry(struct efi_open *o, UINTN *size, EFI_FILE_INFO *info)
{
    const struct efi_file *f = &efi.files[o->at];
    CHAR16 name[256];

    while (o->at < efi.file_count && f->next != o->next)
        f = &efi.files[++o->at];
    if (o->at == efi.file_count) {
        *size = 0;
        return EFI_SUCCESS;
    }
    const size_t len = efi_wide(name, f->name);
    assert_true(*size >= sizeof(*info) + 2 * len);
    *info = (EFI_FILE_INFO){.FileSize = f->claims,
                            .Attribute = f->folder ? EFI_FILE_DIRECTORY : EFI_FILE_ARCHIVE};
    memcpy(info->FileName, name, 2 * (len + 1));
    *size = info->Size = sizeof(*info) + 2 * len;
    o->at += efi.folder_has_no_end ? 0 : 1;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_read(EFI_FILE_HANDLE handle, UINTN *size, void *to)
{
    struct efi_open *o = efi_open_of(handle);
    UINTN most;

    if (efi_fails(CALL_READ))
        return efi.fault;
    if (o->file == NULL)
        return efi_read_entry(o, size, to);
    most = min_u64(*size, o->file->size - o->at);
    if (efi.read_most != 0)
        most = min_u64(most, efi.read_most);
    memcpy(to, o->file->bytes + o->at, most);
    o->at += most;
    *size = most + efi.read_extra;
    return EFI_SUCCESS;
}

/* "SetPosition()": a folder can be read again from its start and from nowhere else. */
static inline EFI_STATUS EFIAPI efi_seek(EFI_FILE_HANDLE handle, UINT64 at)
{
    struct efi_open *o = efi_open_of(handle);

    if (efi_fails(CALL_SEEK))
        return efi.fault;
    assert_true(o->file == NULL && at == 0);
    o->at = 0;
    return EFI_SUCCESS;
}

static inline EFI_STATUS efi_new_open(const struct efi_file *file, bool next,
                                      EFI_FILE_HANDLE *handle)
{
    for (uint32_t i = 0; i < OPEN_MAX; i++) {
        struct efi_open *o = &efi.opens[i];
        if (o->used)
            continue;
        *o = (struct efi_open){.file = file, .next = next, .used = true};
        o->iface = (EFI_FILE){.Open = efi_open,
                              .Close = efi_close,
                              .Read = efi_read,
                              .GetInfo = efi_get_info,
                              .SetPosition = efi_seek};
        *handle = &o->iface;
        return EFI_SUCCESS;
    }
    fail(); /* the loader forgets to close */
    return EFI_OUT_OF_RESOURCES;
}

static inline EFI_STATUS EFIAPI efi_open_volume(EFI_FILE_IO_INTERFACE *volume,
                                                EFI_FILE_HANDLE *root)
{
    assert_ptr_equal(volume, &efi_volume);
    return efi_fails(CALL_VOLUME) ? efi.fault : efi_new_open(NULL, false, root);
}

static inline EFI_STATUS EFIAPI efi_handle_of(EFI_HANDLE handle, EFI_GUID *what, void **interface)
{
    (void)handle;
    if (efi_fails(CALL_HANDLE_OF))
        return efi.fault;
    *interface = what->Data1 == 0x5b1b31a1 ? (void *)&efi_self : (void *)&efi_volume;
    return EFI_SUCCESS;
}

/* ---------------------------------------------------------------------- screen, clock, power */

static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION efi_mode_info;
static EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE efi_mode;
static EFI_GRAPHICS_OUTPUT_PROTOCOL efi_gop;

static inline void efi_fill_mode(uint32_t mode)
{
    const bool bad = mode < efi.modes_bad;

    efi_mode_info = (EFI_GRAPHICS_OUTPUT_MODE_INFORMATION){
        .HorizontalResolution = 640,
        .VerticalResolution = 480,
        .PixelFormat = bad ? PixelBltOnly : PixelBlueGreenRedReserved8BitPerColor,
        .PixelsPerScanLine = 640};
}

static inline EFI_STATUS EFIAPI efi_query_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, UINT32 mode,
                                               UINTN *size,
                                               EFI_GRAPHICS_OUTPUT_MODE_INFORMATION **info)
{
    static EFI_GRAPHICS_OUTPUT_MODE_INFORMATION answer, now;

    (void)gop;
    if (efi_fails(CALL_MODE_QUERY))
        return efi.fault;
    now = efi_mode_info;
    efi_fill_mode(mode);
    answer = efi_mode_info;
    efi_mode_info = now;
    *size = sizeof(answer);
    *info = &answer;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_set_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, UINT32 mode)
{
    (void)gop;
    if (efi_fails(CALL_MODE_SET))
        return efi.fault;
    efi_mode.Mode = mode;
    efi_fill_mode(mode);
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_locate(EFI_GUID *what, void *registration, void **interface)
{
    (void)registration;
    if (efi_fails(CALL_LOCATE))
        return efi.fault;
    if (what->Data1 == 0xf4560cf6) {
        *interface = efi.strict ? &efi_attributes_protocol : NULL;
        return efi.strict ? EFI_SUCCESS : EFI_NOT_FOUND;
    }
    *interface = &efi_gop;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_watchdog(UINTN seconds, UINT64 code, UINTN size, CHAR16 *data)
{
    (void)seconds, (void)code, (void)size, (void)data;
    return efi_fails(CALL_WATCHDOG) ? efi.fault : EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_get_time(EFI_TIME *time, EFI_TIME_CAPABILITIES *capabilities)
{
    (void)capabilities;
    if (efi_fails(CALL_CLOCK))
        return efi.fault;
    *time = (EFI_TIME){.Year = 2026, .Month = 11, .Day = 21, .TimeZone = 0x7ff};
    return EFI_SUCCESS;
}

/* Which of our two it is. */
static inline struct efi_variable *efi_variable_of(const CHAR16 *name, const EFI_GUID *vendor)
{
    static const EFI_GUID own = {
        0x0b5f6c52, 0x8e1d, 0x4f0e, {0x9d, 0x2b, 0x7b, 0x1f, 0x3c, 0x5a, 0x9e, 0x44}};

    assert_memory_equal(vendor, &own, sizeof(own));
    return &efi.variables[name[8] == 'T' ? 0 : 1];
}

static inline EFI_STATUS EFIAPI efi_get_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 *attributes,
                                                 UINTN *size, void *to)
{
    const struct efi_variable *v = efi_variable_of(name, vendor);
    const UINTN room = *size;

    if (efi_fails(CALL_GET_VARIABLE))
        return efi.fault;
    if (!v->found)
        return EFI_NOT_FOUND;
    *size = v->size;
    if (room < v->size)
        return EFI_BUFFER_TOO_SMALL;
    *attributes = v->attributes;
    memcpy(to, v->bytes, v->size);
    return EFI_SUCCESS;
}

/* "SetVariable()": one that is there can only be written with the attributes that it has. */
static inline EFI_STATUS EFIAPI efi_set_variable(CHAR16 *name, EFI_GUID *vendor, UINT32 attributes,
                                                 UINTN size, void *from)
{
    struct efi_variable *v = efi_variable_of(name, vendor);

    if (efi_fails(CALL_SET_VARIABLE))
        return efi.fault;
    assert_true(size <= sizeof(v->bytes));
    if (size == 0) {
        v->found = false;
        return EFI_SUCCESS;
    }
    if (v->found && v->attributes != attributes)
        return EFI_INVALID_PARAMETER;
    *v = (struct efi_variable){.found = !efi.forgets, .attributes = attributes, .size = size};
    memcpy(v->bytes, from, size);
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_reset(EFI_RESET_TYPE type, EFI_STATUS status, UINTN size,
                                          CHAR16 *data)
{
    (void)size, (void)data;
    assert_true(type == EfiResetShutdown && EFI_ERROR(status) && efi.leaving);
    longjmp(efi.end, END_RESET);
}

/* ---------------------------------------------------------------------- the loader */

/* A broken ASSERT belongs to the test; what the loader does after one would stop the machine. */
#define assert_fail loader_assert_fail
NORETURN void loader_assert_fail(const char *expr, const char *file, int line);
#include "boot/loader.c"
#undef assert_fail
#include "boot/date.c"
#include "boot/files.c"
#include "boot/firmware.c"
#include "boot/levels.c"
#include "boot/line.c"
#include "boot/memmap.c"
#include "boot/memory.c"
#include "boot/menu.c"
#include "boot/menu_edit.c"
#include "boot/next.c"
#include "boot/place.c"
#include "boot/ranges.c"
#include "boot/runtime.c"
#include "boot/say.c"
#include "boot/terminal.c"

/* The smallest program that place_check() takes. */
static inline const uint8_t *efi_kernel(uint64_t *size)
{
    static struct {
        struct elf64_ehdr h;
        struct elf64_phdr p;
        uint8_t code[100];
    } k;

    k.h = (struct elf64_ehdr){.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
                              .type = ET_DYN,
                              .machine = 62,
                              .version = 1,
                              .entry = offsetof(__typeof__(k), code),
                              .phoff = sizeof(k.h),
                              .phentsize = sizeof(k.p),
                              .phnum = 1};
    k.p = (struct elf64_phdr){
        .type = PT_LOAD, .flags = PF_R | PF_X, .filesz = sizeof(k), .memsz = sizeof(k) + 9000};
    memset(k.code, 0x90, sizeof(k.code));
    *size = sizeof(k);
    return (const uint8_t *)&k;
}

static inline void efi_add_file(const char *name, const void *bytes, uint64_t size)
{
    assert_true(efi.file_count < FILES_MAX);
    efi.files[efi.file_count++] =
        (struct efi_file){.name = name, .bytes = bytes, .size = size, .claims = size};
}

/*
 * A machine on which the loader succeeds: its own two files, two that are named and two that are
 * not, a subfolder, a screen with one bad mode.
 */
static inline void efi_make(void)
{
    static const EFI_MEMORY_DESCRIPTOR ram[] = {
        {.Type = EfiConventionalMemory, .PhysicalStart = 0x1000, .NumberOfPages = 0x9f},
        {.Type = EfiBootServicesData, .PhysicalStart = 0x100000, .NumberOfPages = 0xf0},
        {.Type = EfiConventionalMemory, .PhysicalStart = 0x1f0000, .NumberOfPages = 0xfe10},
        {.Type = EfiConventionalMemory, .PhysicalStart = ARENA_BASE, .NumberOfPages = ARENA_PAGES},
    };
    static const char conf[] = "[guest a]\nmemory = 16M\nimage = BIG.IMG\ninitrd = empty\n";
    static CHAR16 vendor[] = {'E', 'D', 'K', ' ', 0xe9, 7, 0};
    static uint8_t big[70000];
    static void *arena;
    uint64_t size;

    if (arena == NULL) {
        arena = mmap((void *)ARENA_BASE, ARENA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        assert_ptr_equal(arena, (void *)ARENA_BASE);
    }
    ASAN_POISON_MEMORY_REGION(arena, ARENA_PAGES * PAGE_SIZE);
    memset(&efi, 0, offsetof(struct efi_machine, odd));
    memset(&efi.odd_count, 0, sizeof(efi) - offsetof(struct efi_machine, odd_count));
    for (size_t i = 0; i < ARRAY_SIZE(ram); i++) {
        efi.map[i] = ram[i];
        efi.map[i].Attribute = EFI_MEMORY_WB;
    }
    efi.map_count = ARRAY_SIZE(ram);
    efi.step = 48;
    efi.key = 1;
    efi.stale = 1;
    efi.vendor = vendor;
    efi.mode_max = 3;
    efi.modes_bad = 1;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 31 + 1);
    efi_add_file("bulkhead.conf", conf, sizeof(conf) - 1);
    const uint8_t *kernel = efi_kernel(&size);
    efi_add_file("BULKHEAD.ELF", kernel, size);
    efi_add_file("sub", "", 0);
    efi.files[2].folder = true;
    efi_add_file("empty", "", 0);
    efi_add_file("big.img", big, sizeof(big));
    efi_add_file("spare.img", big, sizeof(big));
    efi_add_file("S\u00e4ge.img", big, sizeof(big));
}

/* Runs the loader to its end. */
static inline enum efi_end efi_run(void)
{
    static EFI_BOOT_SERVICES bs;
    static EFI_RUNTIME_SERVICES rs;
    static EFI_SYSTEM_TABLE st;
    static EFI_CONFIGURATION_TABLE tables[] = {
        {ACPI_20_TABLE_GUID, (void *)0xf0000},
        {{0xeb66918a, 0x7eef, 0x402a, {0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9}}, NULL},
        {{0xdcfa911d, 0x26eb, 0x469f, {0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20}}, NULL},
    };

    tables[1].VendorTable = (void *)(uintptr_t)efi.properties;
    tables[2].VendorTable = (void *)(uintptr_t)efi.runtime_memory;

    bs = (EFI_BOOT_SERVICES){.AllocatePages = efi_allocate,
                             .FreePages = efi_free,
                             .GetMemoryMap = efi_get_map,
                             .HandleProtocol = efi_handle_of,
                             .LocateProtocol = efi_locate,
                             .SetWatchdogTimer = efi_watchdog,
                             .Stall = efi_stall,
                             .ExitBootServices = efi_exit_services};
    rs = (EFI_RUNTIME_SERVICES){.GetTime = efi_get_time,
                                .ResetSystem = efi_reset,
                                .GetVariable = efi_get_variable,
                                .SetVariable = efi_set_variable};
    st = (EFI_SYSTEM_TABLE){.Hdr.Revision = 2 << 16 | 70,
                            .FirmwareVendor = efi.vendor,
                            .FirmwareRevision = 0x10000,
                            .BootServices = &bs,
                            .RuntimeServices = &rs,
                            .ConOut = efi.no_console ? NULL : &efi_output,
                            .ConIn = efi.no_console ? NULL : &efi_input,
                            .NumberOfTableEntries = ARRAY_SIZE(tables),
                            .ConfigurationTable = tables};
    efi_volume = (EFI_FILE_IO_INTERFACE){.OpenVolume = efi_open_volume};
    efi_mode = (EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE){.MaxMode = efi.mode_max,
                                                   .Info = &efi_mode_info,
                                                   .FrameBufferBase = 0x80000000,
                                                   .FrameBufferSize = 640 * 480 * 4};
    efi_gop = (EFI_GRAPHICS_OUTPUT_PROTOCOL){
        .QueryMode = efi_query_mode, .SetMode = efi_set_mode, .Mode = &efi_mode};
    efi_fill_mode(0);

    const int end = setjmp(efi.end);
    if (end != END_NONE)
        return (enum efi_end)end;
    const EFI_STATUS s = efi_main(NULL, &st);
    assert_true(EFI_ERROR(s));
    return END_BACK;
}

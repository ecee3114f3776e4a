/* SPDX-License-Identifier: MIT */
/*
 * firmware: facts that only the firmware knows: who made it, what time it is, where its tables
 * are, and where the screen's pixels are. None is needed to boot, so nothing here fails.
 */
#include "boot/date.h"
#include "boot/loader.h"

/* UEFI "EFI System Table". */
void firmware_name(const struct loader *l, struct boot_info *info)
{
    const CHAR16 *vendor = l->st->FirmwareVendor;

    info->firmware_revision = l->st->FirmwareRevision;
    info->uefi_revision = l->st->Hdr.Revision;
    for (uint32_t i = 0; vendor != NULL && vendor[i] != 0 && i < BOOT_VENDOR_MAX - 1; i++)
        info->firmware_vendor[i] = vendor[i] >= ' ' && vendor[i] <= '~' ? (char)vendor[i] : '?';
}

/* UEFI "GetTime()". */
uint64_t firmware_seconds(const struct loader *l)
{
    EFI_TIME t;

    if (EFI_ERROR(l->st->RuntimeServices->GetTime(&t, NULL)))
        return 0;
    const struct date date = {.year = t.Year,
                              .month = t.Month,
                              .day = t.Day,
                              .hour = t.Hour,
                              .minute = t.Minute,
                              .second = t.Second,
                              .zone = t.TimeZone};
    return date_seconds(&date);
}

static bool firmware_guid_equal(const EFI_GUID *a, const EFI_GUID *b)
{
    bool same = a->Data1 == b->Data1 && a->Data2 == b->Data2 && a->Data3 == b->Data3;

    for (size_t i = 0; i < sizeof(a->Data4); i++)
        same = same && a->Data4[i] == b->Data4[i];
    return same;
}

const void *firmware_table(const struct loader *l, const EFI_GUID *guid)
{
    const EFI_CONFIGURATION_TABLE *tables = l->st->ConfigurationTable;

    for (UINTN i = 0; i < l->st->NumberOfTableEntries; i++)
        if (firmware_guid_equal(&tables[i].VendorGuid, guid))
            return tables[i].VendorTable;
    return NULL;
}

/* UEFI "EFI Configuration Table & Properties Table": the 2.0 entry points to the newer RSDP. */
uint64_t firmware_rsdp(const struct loader *l)
{
    static const EFI_GUID acpi_2_0 = ACPI_20_TABLE_GUID;
    static const EFI_GUID acpi_1_0 = ACPI_TABLE_GUID;
    const void *newer = firmware_table(l, &acpi_2_0);

    return (uint64_t)(newer != NULL ? newer : firmware_table(l, &acpi_1_0));
}

/* What we can draw in: 32 bits a pixel with the colours in whole bytes; else BOOT_PIXEL_NONE. */
static enum boot_pixel_format firmware_pixels(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode)
{
    const EFI_PIXEL_BITMASK *mask = &mode->PixelInformation;

    if (mode->PixelFormat == PixelRedGreenBlueReserved8BitPerColor)
        return BOOT_PIXEL_RGBX;
    if (mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor)
        return BOOT_PIXEL_BGRX;
    if (mode->PixelFormat != PixelBitMask || mask->GreenMask != 0x0000ff00)
        return BOOT_PIXEL_NONE;
    if (mask->RedMask == 0x000000ff && mask->BlueMask == 0x00ff0000)
        return BOOT_PIXEL_RGBX;
    if (mask->RedMask == 0x00ff0000 && mask->BlueMask == 0x000000ff)
        return BOOT_PIXEL_BGRX;
    return BOOT_PIXEL_NONE;
}

/* Describes the mode that is set now; false when we cannot draw in it. */
static bool firmware_current(const EFI_GRAPHICS_OUTPUT_PROTOCOL *gop, struct boot_framebuffer *fb)
{
    const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode = gop->Mode;
    uint64_t bytes;

    if (mode == NULL || mode->Info == NULL || mode->FrameBufferBase == 0)
        return false;
    *fb = (struct boot_framebuffer){.base = mode->FrameBufferBase,
                                    .size = mode->FrameBufferSize,
                                    .width = mode->Info->HorizontalResolution,
                                    .height = mode->Info->VerticalResolution,
                                    .pitch = mode->Info->PixelsPerScanLine,
                                    .format = firmware_pixels(mode->Info)};
    bytes = (uint64_t)fb->pitch * fb->height; /* pixels; below 2^64 as both are 32-bit */
    return fb->format != BOOT_PIXEL_NONE && fb->width != 0 && fb->height != 0 &&
           fb->width <= fb->pitch && bytes <= fb->size / sizeof(uint32_t);
}

/* More than any screen has: a driver that claims four billion would keep us for hours. */
#define FIRMWARE_MODES_MAX 1024

/* Switches to the first mode we can draw in. */
static bool firmware_change_mode(EFI_GRAPHICS_OUTPUT_PROTOCOL *gop)
{
    for (UINT32 i = 0; gop->Mode != NULL && i < gop->Mode->MaxMode && i < FIRMWARE_MODES_MAX; i++) {
        EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = NULL; /* pool memory; dies with the firmware */
        UINTN size = 0;

        if (!EFI_ERROR(gop->QueryMode(gop, i, &size, &info)) && info != NULL &&
            firmware_pixels(info) != BOOT_PIXEL_NONE && !EFI_ERROR(gop->SetMode(gop, i)))
            return true;
    }
    return false;
}

/* UEFI "Graphics Output Protocol". The mode stays as it is unless we cannot draw in it. */
void firmware_framebuffer(const struct loader *l, struct boot_framebuffer *fb)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop = NULL;

    if (!EFI_ERROR(l->bs->LocateProtocol(&guid, NULL, (void **)&gop)) && gop != NULL) {
        if (firmware_current(gop, fb))
            return;
        if (firmware_change_mode(gop) && firmware_current(gop, fb))
            return;
    }
    *fb = (struct boot_framebuffer){.format = BOOT_PIXEL_NONE};
}

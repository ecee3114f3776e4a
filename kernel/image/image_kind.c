/* SPDX-License-Identifier: MIT */
/*
 * image_kind: what a file is that Bulkhead cannot start, in words, by its magic numbers: for
 * refusals, and so that no archive is taken for a flat binary. Pure.
 */
#include "kernel/image/image_parts.h"
#include "lib/string.h"

#define WANTED "; Bulkhead starts Linux bzImages, ELF kernels (PVH) and multiboot kernels"
#define UNPACK "; decompress it first"

#define TEXT_LOOKED_AT 512 /* bytes that show whether a file is text */

struct kind_row {
    uint32_t at; /* offset in the file */
    uint32_t len;
    const char *magic;
    const char *what;
};

/* The first that fits counts: an ARM kernel or a CD image may begin like a PC's program. */
static const struct kind_row kind_rows[] = {
    {0, 2, "\x1f\x8b", "is compressed with gzip" UNPACK},
    {0, 6,
     "\xfd"
     "7zXZ",
     "is compressed with xz" UNPACK},
    {0, 4, "\x28\xb5\x2f\xfd", "is compressed with zstd" UNPACK},
    {0, 3, "BZh", "is compressed with bzip2" UNPACK},
    {0, 4, "\x02\x21\x4c\x18", "is compressed with lz4" UNPACK},
    {0, 4, "\x04\x22\x4d\x18", "is compressed with lz4" UNPACK},
    {0, 3, "\x5d\x00\x00", "is compressed with lzma" UNPACK},
    {0, 9, "\x89LZO\x00\x0d\x0a\x1a\x0a", "is compressed with lzop" UNPACK},
    {0, 4, "PK\x03\x04", "is a ZIP archive" UNPACK},
    {0, 6, "7z\xbc\xaf\x27\x1c", "is a 7-Zip archive" UNPACK},
    {0, 8, "!<arch>\n", "is an archive (ar, or a Debian package)" WANTED},
    {257, 5, "ustar", "is a tar archive" WANTED},
    {0, 5, "07070", "is a cpio archive: an initrd, not a kernel"},
    {0x38, 4, "ARM\x64", "is a kernel for 64-bit ARM; a kernel for x86-64 is needed"},
    {0x24, 4, "\x18\x28\x6f\x01", "is a kernel for 32-bit ARM; a kernel for x86-64 is needed"},
    {0x38, 4, "RSC\x05", "is a kernel for RISC-V; a kernel for x86-64 is needed"},
    {0x8001, 5, "CD001", "is a CD image (ISO 9660); the kernel inside it is needed"},
    {0x200, 8, "EFI PART", "is a disk image; the kernel inside it is needed"},
    {0, 4, "QFI\xfb", "is a disk image (qcow2); the kernel inside it is needed"},
    {0, 4, "\x27\x05\x19\x56", "is a U-Boot image" WANTED},
    {0, 4, "\xd0\x0d\xfe\xed", "is a device tree or a FIT image" WANTED},
    {0, 4, "\xcf\xfa\xed\xfe", "is a Mach-O program" WANTED},
    {0, 2, "MZ", "is an EFI program (PE)" WANTED},
    {0, 2, "\xff\xfe", "is text" WANTED},
    {510, 2, "\x55\xaa", "is a boot sector or a disk image; if it is a flat binary, call it *.bin"},
};
#define KIND_BOOT_SECTOR (ARRAY_SIZE(kind_rows) - 1)

/* Also in another alphabet, as long as most of it is ASCII. */
static bool kind_is_text(const struct image_request *rq)
{
    uint64_t i = 0, ascii = 0;

    for (; i < rq->size && i < TEXT_LOOKED_AT; i++) {
        const uint8_t c = rq->bytes[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f') || c == 0x7f)
            return false;
        ascii += c < 0x80 ? 1 : 0;
    }
    return ascii * 2 > i;
}

/* The row that fits, or NULL. */
static const struct kind_row *kind_find(const struct image_request *rq)
{
    for (size_t i = 0; i < ARRAY_SIZE(kind_rows); i++)
        if (image_starts_with(rq, kind_rows[i].at, kind_rows[i].magic, kind_rows[i].len))
            return &kind_rows[i];
    return NULL;
}

bool image_may_be_flat(const struct image_request *rq)
{
    const struct kind_row *row = kind_find(rq);

    return (row == NULL || row == &kind_rows[KIND_BOOT_SECTOR]) && !kind_is_text(rq);
}

const char *image_kind(const struct image_request *rq)
{
    const struct kind_row *row = kind_find(rq);

    if (rq->size == 0)
        return "is empty";
    if (row != NULL)
        return row->what;
    if (kind_is_text(rq))
        return "is text" WANTED;
    return "is an unknown kind of file" WANTED "; a flat binary has to be called *.bin";
}

/* SPDX-License-Identifier: MIT */
/*
 * image_flat: a flat binary, as a BIOS would load a boot sector, and what it finds in place of a
 * BIOS: all 256 interrupt vectors lead to code that ends the guest. Pure.
 *
 *   0       .. 0x400    the interrupt vector table
 *   0x7c00  ..          the file
 *   0xfff80 ..          what ends it
 */
#include "kernel/image/image_parts.h"
#include "lib/string.h"

/* Speaks on the debug console and ends the guest, by a fault that cannot be delivered. */
const uint8_t image_flat_stop[] = "\xfc"                     /*  0: cld */
                                  "\xbe\x9c\xff"             /*  1: mov si, text */
                                  "\x2e\xac"                 /*  4: lodsb from CS */
                                  "\x84\xc0"                 /*  6: test al, al */
                                  "\x74\x04"                 /*  8: jz 14 */
                                  "\xe6\xe9"                 /* 10: out 0xe9, al */
                                  "\xeb\xf6"                 /* 12: jmp 4 */
                                  "\x2e\x0f\x01\x1e\x96\xff" /* 14: lidt [cs:22 from here] */
                                  "\x0f\x0b"                 /* 20: ud2 */
                                  "\0\0\0\0\0\0"             /* 22: the limit 0 */
                                  "interrupt or exception, but no BIOS\n"; /* 28: with a NUL */
_Static_assert(FLAT_STOP_AT % 0x10000 == 0xff80, "the code has the numbers 0xff80 + 22 and + 28");
const uint32_t image_flat_stop_size = sizeof(image_flat_stop);
_Static_assert(FLAT_STOP_AT + sizeof(image_flat_stop) <= RESET_CODE_AT, "they are neighbours");
_Static_assert(ACPI_TABLES_AT + ACPI_TABLES_MAX <= FLAT_STOP_AT, "the tables end before it");

static bool flat_is_named_so(const char *name)
{
    const size_t length = name == NULL ? 0 : strlen(name);
    const char *end;

    if (length < 5) /* a letter and ".bin" */
        return false;
    end = name + length - 4;
    return end[0] == '.' && (end[1] | 0x20) == 'b' && (end[2] | 0x20) == 'i' &&
           (end[3] | 0x20) == 'n';
}

bool image_is_flat(const struct image_request *rq)
{
    return rq->size > 0 && flat_is_named_so(rq->name);
}

bool image_prepare_flat(struct image *image, const struct image_request *rq)
{
    const uint64_t room = GUEST_HOLE_BASE - FLAT_LOAD_AT;

    image->mode = IMAGE_ENTER_REAL16;
    image->has_pit = true;
    if (rq->size > room)
        return image_refuse(image,
                            "is a flat binary of %lu bytes; from 0x7c00 to 0x9ffff there is "
                            "room for %lu",
                            rq->size, room);
    if (rq->initrd)
        return image_refuse(image, "is a flat binary, which could not find its initrd");
    if (rq->cmdline[0] != '\0')
        return image_refuse(image, "is a flat binary, which could not find its cmdline");
    for (uint32_t i = 0; i < FLAT_VECTORS; i++) {
        image->boot_data.vectors[i].offset = FLAT_STOP_AT % 0x10000;
        image->boot_data.vectors[i].segment = FLAT_STOP_AT / 0x10000 * 0x1000;
    }
    image->entry = gpa(FLAT_LOAD_AT);
    image_add_piece(image, 0, image->boot_data.vectors, sizeof(image->boot_data.vectors));
    image_add_piece(image, FLAT_STOP_AT, image_flat_stop, image_flat_stop_size);
    image_add_piece(image, FLAT_LOAD_AT, rq->bytes, rq->size);
    return true;
}

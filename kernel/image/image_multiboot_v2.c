/* SPDX-License-Identifier: MIT */
/*
 * image_multiboot_v2: the header's tags and the boot information of the "Multiboot2 Specification
 * version 2.0". Pure.
 */
#include "kernel/image/image_multiboot_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* ------------------------------------------------------------------ the header */

/* "Information request header tag": what is asked for must be among what kernels are told. */
static bool multiboot2_check_request(struct image *image, const uint8_t *tag, uint32_t size)
{
    for (uint32_t at = sizeof(struct multiboot2_header_tag); at + 4 <= size; at += 4) {
        uint32_t type;
        memcpy(&type, tag + at, sizeof(type));
        if (type > MULTIBOOT2_MEMORY && type != MULTIBOOT2_MAP && type != MULTIBOOT2_ACPI_OLD &&
            type != MULTIBOOT2_ACPI_NEW)
            return image_refuse(image,
                                "is a multiboot2 kernel that requires information of type "
                                "%u, which Bulkhead does not have",
                                type);
    }
    return true;
}

static bool multiboot2_read_address(struct image *image, const uint8_t *bytes, uint32_t size,
                                    struct multiboot_wish *wish)
{
    struct multiboot2_address_tag tag;

    if (size < sizeof(tag))
        return image_refuse(image, "has a damaged multiboot2 header: its address tag is too short");
    memcpy(&tag, bytes, sizeof(tag));
    wish->has_addresses = true;
    wish->header_addr = tag.header_addr;
    wish->load_addr = tag.load_addr;
    wish->load_end_addr = tag.load_end_addr;
    wish->bss_end_addr = tag.bss_end_addr;
    return true;
}

static bool multiboot2_read_entry(struct image *image, const uint8_t *bytes, uint32_t size,
                                  struct multiboot_wish *wish)
{
    if (size < offsetof(struct multiboot2_entry_tag, entry_addr) + sizeof(uint32_t))
        return image_refuse(image, "has a damaged multiboot2 header: its entry tag is too short");
    memcpy(&wish->entry_addr, bytes + offsetof(struct multiboot2_entry_tag, entry_addr),
           sizeof(wish->entry_addr));
    wish->has_entry = true;
    return true;
}

/* A tag whose `optional` bit is clear and that is not known, or asks for what there is not. */
static bool multiboot2_read_tag(struct image *image, const struct multiboot2_header_tag *tag,
                                const uint8_t *bytes, struct multiboot_wish *wish)
{
    const bool optional = (tag->flags & MULTIBOOT2_OPTIONAL) != 0;

    switch (tag->type) {
    case MULTIBOOT2_HEADER_INFO_REQUEST:
        return optional || multiboot2_check_request(image, bytes, tag->size);
    case MULTIBOOT2_HEADER_ADDRESS:
        return multiboot2_read_address(image, bytes, tag->size, wish);
    case MULTIBOOT2_HEADER_ENTRY:
        return multiboot2_read_entry(image, bytes, tag->size, wish);
    case MULTIBOOT2_HEADER_MODULE_ALIGN: /* they always begin on pages */
    case MULTIBOOT2_HEADER_EFI32_ENTRY:  /* of firmware's alone */
    case MULTIBOOT2_HEADER_EFI64_ENTRY:
    case MULTIBOOT2_HEADER_RELOCATABLE: /* it may, and need not be */
        return true;
    case MULTIBOOT2_HEADER_CONSOLE:
    case MULTIBOOT2_HEADER_FRAMEBUFFER:
        return optional || image_refuse(image,
                                        "is a multiboot2 kernel that requires a screen (tag "
                                        "%u), but a guest has none",
                                        tag->type);
    case MULTIBOOT2_HEADER_EFI_SERVICES:
        return optional || image_refuse(image, "is a multiboot2 kernel that requires EFI boot "
                                               "services (tag 7), but a guest has no firmware");
    default:
        return optional || image_refuse(image,
                                        "is a multiboot2 kernel that requires tag %u, which "
                                        "is not known",
                                        tag->type);
    }
}

bool image_multiboot_v2_read(struct image *image, const struct image_request *rq,
                             struct multiboot_wish *wish)
{
    struct multiboot2_header h;
    struct multiboot2_header_tag tag;
    uint64_t at = wish->at + sizeof(h), end;

    memcpy(&h, rq->bytes + wish->at, sizeof(h));
    if (h.architecture != 0)
        return image_refuse(image, "is a multiboot2 kernel for another architecture (%u)",
                            h.architecture);
    if (h.length > min_u64(rq->size, MULTIBOOT2_SEARCH) - wish->at)
        return image_refuse(image, "is cut off: it ends in the multiboot2 header");
    end = wish->at + h.length;
    for (;;) {
        if (at > end || end - at < sizeof(tag))
            return image_refuse(image, "has a damaged multiboot2 header: it has no end tag");
        memcpy(&tag, rq->bytes + at, sizeof(tag));
        if (tag.type == MULTIBOOT2_HEADER_END)
            break;
        if (tag.size < sizeof(tag) || tag.size > end - at)
            return image_refuse(image, "has a damaged multiboot2 header: tag %u has %u bytes",
                                tag.type, tag.size);
        if (!multiboot2_read_tag(image, &tag, rq->bytes + at, wish))
            return false;
        at += align_down((uint64_t)tag.size + MULTIBOOT2_ALIGN - 1, MULTIBOOT2_ALIGN);
    }
    if (wish->has_addresses && !wish->has_entry)
        return image_refuse(image, "has a multiboot2 header with an address tag but no entry tag");
    return true;
}

/* ------------------------------------------------------------------ the information */

/* Room for `size` more bytes on a boundary of 8: the page's size is what all can be at most. */
static void *multiboot2_room(struct image *image, uint32_t *used, uint32_t size)
{
    uint8_t *at = image->boot_data.multiboot + *used;

    *used += (size + MULTIBOOT2_ALIGN - 1) / MULTIBOOT2_ALIGN * MULTIBOOT2_ALIGN;
    ASSERT(*used <= sizeof(image->boot_data.multiboot));
    return at;
}

/* A tag of a fixed part `head` and what follows it. */
static void multiboot2_add(struct image *image, uint32_t *used, enum multiboot2_type type,
                           const void *head, uint32_t head_size, const void *more,
                           uint32_t more_size)
{
    const struct multiboot2_tag tag = {.type = type, .size = head_size + more_size};
    uint8_t *at = multiboot2_room(image, used, tag.size);

    memcpy(at, head, head_size);
    memcpy(at, &tag, sizeof(tag));
    memcpy(at + head_size, more, more_size);
}

static void multiboot2_add_text(struct image *image, uint32_t *used, enum multiboot2_type type,
                                const char *text)
{
    const struct multiboot2_tag none = {0};

    multiboot2_add(image, used, type, &none, sizeof(none), text, (uint32_t)strlen(text) + 1);
}

static void multiboot2_add_map(struct image *image, uint32_t *used,
                               const struct multiboot_facts *facts)
{
    const struct multiboot2_map head = {.entry_size = sizeof(struct multiboot2_map_entry)};
    struct multiboot2_map_entry rows[IMAGE_MAP_MAX];

    for (uint32_t i = 0; i < facts->map_count; i++)
        rows[i] = (struct multiboot2_map_entry){.base = facts->map[i].range.base,
                                                .length = facts->map[i].range.size,
                                                .type = image_multiboot_type(&facts->map[i])};
    multiboot2_add(image, used, MULTIBOOT2_MAP, &head, sizeof(head), rows,
                   facts->map_count * (uint32_t)sizeof(rows[0]));
}

#define RSDP_OLD 20 /* bytes of it that ACPI 1.0 had */
#define RSDP_NEW 36

void image_multiboot_v2_fill(struct image *image, const struct multiboot_facts *facts)
{
    const struct multiboot2_memory memory = {.lower = facts->mem_lower, .upper = facts->mem_upper};
    const struct multiboot2_tag none = {0};
    uint32_t used = sizeof(struct multiboot2_info);

    multiboot2_add_text(image, &used, MULTIBOOT2_CMDLINE, facts->rq->cmdline);
    multiboot2_add_text(image, &used, MULTIBOOT2_LOADER, MULTIBOOT_LOADER_NAME);
    for (uint32_t i = 0; i < facts->module_count; i++) {
        const struct multiboot_part *part = &facts->modules[i];
        const struct multiboot2_module head = {.start = part->start, .end = part->end};
        multiboot2_add(image, &used, MULTIBOOT2_MODULE, &head, sizeof(head), part->text,
                       (uint32_t)strlen(part->text) + 1);
    }
    multiboot2_add(image, &used, MULTIBOOT2_MEMORY, &memory, sizeof(memory), "", 0);
    multiboot2_add_map(image, &used, facts);
    multiboot2_add(image, &used, MULTIBOOT2_ACPI_OLD, &none, sizeof(none), image->acpi.bytes,
                   RSDP_OLD);
    multiboot2_add(image, &used, MULTIBOOT2_ACPI_NEW, &none, sizeof(none), image->acpi.bytes,
                   RSDP_NEW);
    multiboot2_add(image, &used, MULTIBOOT2_END, &none, sizeof(none), "", 0);
    memcpy(image->boot_data.multiboot, &(struct multiboot2_info){.total_size = used},
           sizeof(struct multiboot2_info));
}
_Static_assert(sizeof(struct multiboot2_info) + CMDLINE_MAX + 7 * 24 +
                       MULTIBOOT_MODULES_MAX * (24 + MULTIBOOT_TEXT_MAX) +
                       IMAGE_MAP_MAX * sizeof(struct multiboot2_map_entry) + RSDP_OLD + RSDP_NEW <=
                   PAGE_SIZE,
               "the boot data is one page");

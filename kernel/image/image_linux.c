/* SPDX-License-Identifier: MIT */
/*
 * image_linux: checks a Linux bzImage and lays out what its 64-bit entry needs in guest memory.
 * "The Linux/x86 Boot Protocol" (Linux's Documentation/arch/x86/boot.rst). Nothing in the file is
 * trusted: each field that is used is checked against the file's size or the guest's memory. The
 * kernel's code belongs to the guest and is not inspected. Pure.
 *
 *   0x10000          struct linux_boot_data: page tables, boot_params, command line, GDT
 *   pref_address ..  the compressed kernel, and init_size bytes for it to unpack itself in
 *   top of low RAM   the initrd, not above initrd_addr_max
 */
#include "kernel/image/image_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define PAGE_PRESENT 0x01u
#define PAGE_WRITE   0x02u
#define PAGE_LARGE   0x80u

/* Flat, accessed. SDM "Segment Descriptors". */
#define GDT_CODE64 UINT64_C(0x00af9b000000ffff)
#define GDT_DATA   UINT64_C(0x00cf93000000ffff)

/* What the checks have found. */
struct linux_kernel {
    struct linux_header header;
    uint32_t header_size; /* bytes of it that the file has */
    const uint8_t *code;  /* the part of the file to load ... */
    uint64_t code_size;   /* ... and its bytes */
    struct range memory;  /* what the kernel occupies until it has started */
};

bool image_is_linux(const struct image_request *rq)
{
    return image_starts_with(rq, LINUX_HEADER_AT + offsetof(struct linux_header, magic), "HdrS", 4);
}

/*
 * The header's length is a field in itself: the target of the jump over it. Fields that an older
 * kernel's header does not have are then code, and must read as zero.
 */
static bool linux_read_header(struct image *image, const struct image_request *rq,
                              struct linux_kernel *k)
{
    const uint32_t jump_at = LINUX_HEADER_AT + (uint32_t)offsetof(struct linux_header, jump_offset);
    const uint32_t needed = (uint32_t)offsetof(struct linux_header, handover_offset);

    memset(&k->header, 0, sizeof(k->header));
    if (rq->size < LINUX_HEADER_END)
        return image_refuse(image, "is cut off: it ends in the Linux setup header");
    k->header_size =
        (uint32_t)min_u64(jump_at + 1 + rq->bytes[jump_at] - LINUX_HEADER_AT, sizeof(k->header));
    if (k->header_size < offsetof(struct linux_header, version) + sizeof(uint16_t))
        return image_refuse(image, "has a damaged Linux setup header");
    memcpy(&k->header, rq->bytes + LINUX_HEADER_AT, k->header_size);
    if (k->header.boot_flag != LINUX_BOOT_FLAG)
        return image_refuse(image, "has a damaged Linux setup header: no boot flag 0xaa55");
    if (k->header.version < LINUX_VERSION_MIN)
        return image_refuse(image,
                            "is a Linux kernel with boot protocol %u.%02u; 2.12 (Linux 3.8) or "
                            "newer is needed",
                            k->header.version >> 8, k->header.version & 0xffu);
    if (k->header_size < needed)
        return image_refuse(image, "has a damaged Linux setup header: it is too short");
    return true;
}

static bool linux_check_kind(struct image *image, const struct linux_kernel *k)
{
    const struct linux_header *h = &k->header;

    if ((h->loadflags & LINUX_LOADED_HIGH) == 0)
        return image_refuse(image, "is a Linux zImage; a bzImage is needed");
    if ((h->xloadflags & LINUX_XLF_KERNEL_64) == 0)
        return image_refuse(image, "is a 32-bit Linux kernel; a 64-bit one is needed");
    return true;
}

/*
 * syssize counts 16-byte units, rounded up: the last may be incomplete. What lies behind, such as
 * a signature, is not loaded.
 */
static bool linux_find_code(struct image *image, const struct image_request *rq,
                            struct linux_kernel *k)
{
    const struct linux_header *h = &k->header;
    const uint32_t sects = h->setup_sects == 0 ? LINUX_SECTS_DEFAULT : h->setup_sects;
    const uint64_t at = (uint64_t)(sects + 1) * LINUX_SECTOR;
    const uint64_t size = (uint64_t)h->syssize * 16;

    if (at >= rq->size || size > rq->size - at + 15)
        return image_refuse(image, "is cut off: its Linux kernel has %lu bytes, the file only %lu",
                            at + size, rq->size);
    k->code = rq->bytes + at;
    k->code_size = min_u64(size, rq->size - at);
    if (k->code_size <= LINUX_ENTRY_64)
        return image_refuse(image, "holds no Linux kernel after its setup header");
    return true;
}

/* The kernel is loaded where it prefers, which spares it a move; there it must have init_size. */
static bool linux_place_kernel(struct image *image, const struct image_request *rq,
                               struct linux_kernel *k)
{
    const struct linux_header *h = &k->header;
    const uint64_t base = h->pref_address, size = h->init_size;
    char have[24];

    if (size < k->code_size)
        return image_refuse(image,
                            "has a damaged Linux setup header: init_size 0x%x is less than "
                            "the kernel's size",
                            h->init_size);
    if (base < GUEST_HOLE_END || size > LINUX_MAPPED || base > LINUX_MAPPED - size ||
        !is_aligned(base, PAGE_SIZE))
        return image_refuse(image,
                            "has a Linux kernel for address 0x%lx; it must be from 1 MiB to "
                            "1 GiB",
                            base);
    k->memory = (struct range){.base = base, .size = size};
    if (image_has_ram(rq->map, k->memory))
        return true;
    fmt_size(have, sizeof(have), guest_map_ram(rq->map).size);
    return image_refuse(image,
                        "needs memory up to 0x%lx to unpack itself, but the guest has %s: write "
                        "'memory = %luM' or more",
                        image_last(k->memory), have, image_last(k->memory) / MIB + 1);
}
_Static_assert(LINUX_MAPPED <= GUEST_LOW_MAX, "where the kernel is placed there may be RAM");

static bool linux_check_cmdline(struct image *image, const struct image_request *rq,
                                const struct linux_kernel *k)
{
    const uint64_t length = strlen(rq->cmdline);

    if (length <= k->header.cmdline_size)
        return true;
    return image_refuse(image, "takes a cmdline of at most %u characters; this one has %lu",
                        k->header.cmdline_size, length);
}

/* ------------------------------------------------------------------ what the kernel is told */

static void linux_fill_tables(struct linux_boot_data *data)
{
    const uint64_t at = LINUX_BOOT_DATA + offsetof(struct linux_boot_data, tables);

    data->tables[LINUX_PML4][0] = (at + LINUX_PDPT * PAGE_SIZE) | PAGE_PRESENT | PAGE_WRITE;
    data->tables[LINUX_PDPT][0] = (at + LINUX_PD * PAGE_SIZE) | PAGE_PRESENT | PAGE_WRITE;
    for (uint64_t i = 0; i < ARRAY_SIZE(data->tables[LINUX_PD]); i++)
        data->tables[LINUX_PD][i] = i * PAGE_SIZE_2M | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
}
_Static_assert(512 * PAGE_SIZE_2M == LINUX_MAPPED, "one page directory");

static void linux_fill_params(struct linux_boot_params *params, const struct image_request *rq,
                              const struct linux_kernel *k, uint64_t initrd_at)
{
    static const uint32_t types[] = {[IMAGE_RAM] = LINUX_E820_RAM,
                                     [IMAGE_RESERVED] = LINUX_E820_RESERVED,
                                     [IMAGE_DISK] = LINUX_E820_PRAM};
    struct image_map_row rows[IMAGE_MAP_MAX];
    const uint32_t count = image_memory_map(rq->map, rows);

    params->header = k->header;
    params->header.type_of_loader = LINUX_LOADER_OTHER;
    params->header.cmd_line_ptr =
        (uint32_t)(LINUX_BOOT_DATA + offsetof(struct linux_boot_data, cmdline));
    params->header.ramdisk_image = (uint32_t)initrd_at;
    params->header.ramdisk_size = rq->initrd == NULL ? 0 : (uint32_t)rq->initrd_size;
    params->header.hardware_subarch = 0; /* a PC */
    params->header.setup_data = 0;
    params->acpi_rsdp_addr = ACPI_TABLES_AT;
    params->e820_count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++)
        params->e820[i] = (struct linux_e820){
            .base = rows[i].range.base, .size = rows[i].range.size, .type = types[rows[i].what]};
}
_Static_assert(GUEST_LOW_MAX <= UINT32_MAX, "an initrd's place and size have 32 bits");

static void linux_fill_boot_data(struct image *image, const struct image_request *rq,
                                 const struct linux_kernel *k, uint64_t initrd_at)
{
    struct linux_boot_data *data = &image->boot_data.linux_boot;

    linux_fill_tables(data);
    linux_fill_params(&data->params, rq, k, initrd_at);
    image_fill_cmdline(data->cmdline, image, rq,
                       min_u64(k->header.cmdline_size, sizeof(data->cmdline) - 1));
    data->gdt[LINUX_GDT_CODE] = GDT_CODE64;
    data->gdt[LINUX_GDT_DATA] = GDT_DATA;

    image->start_info = gpa(LINUX_BOOT_DATA + offsetof(struct linux_boot_data, params));
    image->tables = gpa(LINUX_BOOT_DATA + offsetof(struct linux_boot_data, tables));
    image->gdt = gpa(LINUX_BOOT_DATA + offsetof(struct linux_boot_data, gdt));
    image_add_piece(image, LINUX_BOOT_DATA, data, sizeof(*data));
}
_Static_assert(LINUX_BOOT_DATA + sizeof(struct linux_boot_data) <= GUEST_HOLE_BASE, "in low RAM");

bool image_prepare_linux(struct image *image, const struct image_request *rq)
{
    struct linux_kernel k;
    uint64_t initrd_at;

    image->mode = IMAGE_ENTER_LINUX64;
    image->is_linux = true;
    /* memtest86+, which starts like a Linux, has no other way to know the time. A Linux on AMD is
     * told the rate on its command line, but may try the timer all the same, once, at its start. */
    image->has_pit = true;
    if (!linux_read_header(image, rq, &k) || !linux_check_kind(image, &k) ||
        !linux_find_code(image, rq, &k) || !linux_place_kernel(image, rq, &k) ||
        !linux_check_cmdline(image, rq, &k))
        return false;
    image->entry = gpa(k.memory.base + LINUX_ENTRY_64);
    image_add_piece(image, k.memory.base, k.code, k.code_size);
    if (!image_place_initrd(image, rq, &k.memory, 1, (uint64_t)k.header.initrd_addr_max + 1,
                            &initrd_at))
        return false;
    linux_fill_boot_data(image, rq, &k, initrd_at);
    return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * fuzz_image: any bytes as a guest's image. Where they are accepted every piece lies in guest
 * memory, apart from all others and off the legacy hole, its source lies in what it was given, and
 * the boot data says the truth.
 *
 * Input: the file, then 16 bytes: memory in pages, kind and size of the initrd, command line.
 */
#include "kernel/image.h"

#include "kernel/config.h"
#include "kernel/pvh.h"
#include "support.h"

#define TAIL_BYTES 16

static struct image image;
static uint8_t initrd[3 * 65536];

static bool within(const uint8_t *at, uint64_t size, const void *from, uint64_t room)
{
    const uintptr_t offset = (uintptr_t)at - (uintptr_t)from;

    return (uintptr_t)at >= (uintptr_t)from && offset <= room && size <= room - offset;
}

static bool in_ram(uint64_t at, uint64_t size, uint64_t memory)
{
    const uint64_t low = memory < GUEST_LOW_MAX ? memory : GUEST_LOW_MAX;

    if (at < GUEST_HIGH_BASE)
        return at <= low && size <= low - at;
    return at - GUEST_HIGH_BASE <= memory - low && size <= memory - low - (at - GUEST_HIGH_BASE);
}

static void check_piece(const struct image_request *rq, uint32_t i)
{
    const struct image_piece *p = &image.pieces[i];

    DEMAND(p->size > 0 && in_ram(p->to.v, p->size, rq->memory));
    DEMAND(p->to.v + p->size <= GUEST_HOLE_BASE || p->to.v >= GUEST_HOLE_END);
    DEMAND(within(p->source, p->size, rq->bytes, rq->size) ||
           within(p->source, p->size, image.boot_data, sizeof(image.boot_data)) ||
           (rq->initrd != NULL && within(p->source, p->size, rq->initrd, rq->initrd_size)));
    for (uint32_t k = 0; k < i; k++) {
        const struct image_piece *q = &image.pieces[k];
        DEMAND(p->to.v + p->size <= q->to.v || q->to.v + q->size <= p->to.v);
    }
}

static void check_boot_data(const struct image_request *rq)
{
    struct pvh_start_info info;

    memcpy(&info, image.boot_data, sizeof(info));
    DEMAND(info.magic == PVH_START_MAGIC && image.start_info.v < GUEST_HOLE_BASE);
    DEMAND(info.cmdline >= image.start_info.v && info.cmdline < image.start_info.v + PAGE_SIZE);
    DEMAND(info.memory_map_count >= 2 && info.memory_map_count <= 4);
    DEMAND(info.module_count == (rq->initrd != NULL ? 1u : 0u));
    if (rq->initrd == NULL)
        return;
    struct pvh_module module;
    DEMAND(info.modules - image.start_info.v <= PAGE_SIZE - sizeof(module));
    memcpy(&module, image.boot_data + (info.modules - image.start_info.v), sizeof(module));
    DEMAND(module.size == rq->initrd_size && in_ram(module.base, module.size, rq->memory));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input tail;
    char cmdline[CMDLINE_MAX];

    if (!fuzz_tail(data, &size, TAIL_BYTES, &tail))
        return 0;
    uint8_t *file = malloc(size);
    DEMAND(file != NULL || size == 0);
    if (size > 0)
        memcpy(file, data, size);
    struct image_request rq = {.bytes = file, .size = size, .cmdline = cmdline};
    rq.memory = fuzz_take(&tail, 5) % (GUEST_MEMORY_MAX / PAGE_SIZE) * PAGE_SIZE;
    if (rq.memory < GUEST_MEMORY_MIN)
        rq.memory += GUEST_MEMORY_MIN;
    const uint8_t kind = fuzz_u8(&tail);
    rq.initrd_size = fuzz_take(&tail, kind & 2 ? 5 : 2) + 1;
    if (kind & 1)
        rq.initrd = initrd; /* never read by image_prepare(), so it may claim to be larger */
    else
        rq.initrd_size = 0;
    memset(cmdline, 'x', sizeof(cmdline));
    cmdline[fuzz_take(&tail, 2) % CMDLINE_MAX] = '\0';
    cmdline[CMDLINE_MAX - 1] = '\0';

    memset(&image, 0xa5, sizeof(image));
    if (image_prepare(&image, &rq)) {
        DEMAND(image.piece_count >= 1 && image.piece_count <= IMAGE_PIECES_MAX);
        for (uint32_t i = 0; i < image.piece_count; i++)
            check_piece(&rq, i);
        DEMAND(in_ram(image.entry.v, 1, rq.memory) && image.entry.v <= UINT32_MAX);
        check_boot_data(&rq);
    } else {
        DEMAND(image.why[0] != '\0' && strnlen(image.why, IMAGE_WHY_MAX) < IMAGE_WHY_MAX);
    }
    free(file);
    return 0;
}

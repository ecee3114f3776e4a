/* SPDX-License-Identifier: MIT */
/*
 * image_look: an image's file in a host test, prepared and looked at as its guest would. The test
 * has the request; `map` and the rest of it are its own.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernel/image/image.h"
#include "support.h"

static struct image image;
static struct image_request request;

/* Prepares request.size bytes from `file` on, from a copy on the heap that is exactly as long: a
 * byte read behind it ends the test. Pieces of the copy are told as pieces of `file`. */
static inline bool image_look_prepare(const uint8_t *file)
{
    uint8_t *exact = malloc(request.size == 0 ? 1 : request.size);

    assert_non_null(exact);
    memcpy(exact, file, request.size);
    memset(&image, 0x55, sizeof(image));
    request.bytes = exact;
    bool ok = image_prepare(&image, &request);
    assert_int_equal(ok, image.why[0] == '\0');
    for (uint32_t i = 0; ok && i < image.piece_count; i++)
        if (image.pieces[i].source >= exact && image.pieces[i].source < exact + request.size)
            image.pieces[i].source = file + (image.pieces[i].source - exact);
    free(exact);
    request.bytes = file;
    return ok;
}

/* What the guest reads at `at`, by way of the pieces. */
static inline const void *image_look_at(uint64_t at, uint64_t size)
{
    for (uint32_t i = 0; i < image.piece_count; i++) {
        const struct image_piece *p = &image.pieces[i];
        if (at >= p->to.v && at - p->to.v <= p->size && size <= p->size - (at - p->to.v))
            return p->source + (at - p->to.v);
    }
    fail_msg("nothing at 0x%lx", at);
    return NULL;
}

/* The test's own: image_look_prepare(), and what it wants before. */
static bool prepare(void);

static inline void accept(void)
{
    if (!prepare())
        fail_msg("refused: %s", image.why);
}

static inline void refuse(const char *why)
{
    assert_false(prepare());
    assert_string_equal(image.why, why);
}

/* SPDX-License-Identifier: MIT */
#include "kernel/console/logring.h"

#include "lib/fmt.h"
#include "lib/string.h"

static void logring_append(struct logring *ring, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ring->bytes[ring->head++ % LOGRING_BYTES] = (uint8_t)text[i];
}

void logring_put(struct logring *ring, const char *prefix, const char *text, size_t len)
{
    const size_t prefix_len = strlen(prefix);

    lock_take(&ring->lock);
    /* Once lines are lost, later ones are as well until the loss has been shown: it is shown where
     * it happened. */
    if (ring->lost == 0 && LOGRING_BYTES - (ring->head - ring->tail) > prefix_len + len) {
        logring_append(ring, prefix, prefix_len);
        logring_append(ring, text, len);
        logring_append(ring, "\n", 1);
    } else {
        ring->lost++;
    }
    lock_release(&ring->lock);
}

uint32_t logring_take(struct logring *ring, const char *prefix, uint8_t line[LOGRING_LINE])
{
    uint32_t len = 0;
    uint8_t byte;

    lock_take(&ring->lock);
    while (logring_next_byte(ring, &byte) && byte != '\n')
        line[len++] = byte;
    if (len == 0 && ring->lost > 0) {
        len = (uint32_t)fmt_print((char *)line, LOGRING_LINE, "%s%u line%s %s lost here", prefix,
                                  ring->lost, fmt_plural(ring->lost),
                                  ring->lost == 1 ? "was" : "were");
        ring->lost = 0;
    }
    lock_release(&ring->lock);
    return len;
}

bool logring_next_byte(struct logring *ring, uint8_t *byte)
{
    if (ring->tail == ring->head)
        return false;
    *byte = ring->bytes[ring->tail++ % LOGRING_BYTES];
    return true;
}

bool logring_is_empty(const struct logring *ring)
{
    return ring->head == ring->tail && ring->lost == 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * rewrite: the text of bulkhead.conf with another command line in it. Pure.
 */
#pragma once

#include "kernel/config/config.h"

/*
 * Writes `text` to `out`, with `cmdline` as that of `guest`, whom config_parse() read from it; an
 * empty one takes the key away. Other lines stay as they are, and keep their numbers unless the
 * guest had no command line. Returns the length; 0 where `room` bytes are too few.
 */
size_t rewrite_cmdline(const char *text, size_t size, const struct config_guest *guest,
                       const char *cmdline, char *out, size_t room);

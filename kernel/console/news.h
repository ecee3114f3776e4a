/* SPDX-License-Identifier: MIT */
/*
 * news: tells the operator in the log what became of the typed bytes. Not with the console lock.
 */
#pragma once

#include "kernel/console/input.h"

/* `who` as in input_take_news(), `name` is that of the guest. */
void news_tell(enum input_news news, uint32_t who, const char *name, uint32_t dropped);

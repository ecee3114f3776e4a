/* SPDX-License-Identifier: MIT */
#include "kernel/console/news.h"

#include "lib/log.h"

static void news_of_monitor(enum input_news news, uint32_t dropped)
{
    if (news == INPUT_HUSHED)
        log_line("dropped %u bytes that came in after the end of the raw view, before a pause",
                 dropped);
    else
        log_line("dropped %u of the typed bytes: the keyboard changed hands before they were read",
                 dropped);
}

void news_tell(enum input_news news, uint32_t who, const char *name, uint32_t dropped)
{
    if (news == INPUT_NO_NEWS)
        return;
    if (who == INPUT_MONITOR)
        news_of_monitor(news, dropped);
    else if (news == INPUT_UNREAD)
        log_line("dropped %u of the bytes typed for guest '%s': it did not read them", dropped,
                 name);
    else
        log_line("guest '%s' is not running: your input is dropped; %s opens the monitor", name,
                 KEYS_NAME);
}

/* SPDX-License-Identifier: MIT */
/*
 * menu_edit: a guest's command line, changed in the text of the configuration for one start.
 */
#include "boot/loader.h"

#include "boot/line.h"
#include "kernel/config/rewrite.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define MENU_EDIT_ROW 2

/* Which guest; MENU_NONE: none after all. */
static uint32_t menu_pick_guest(struct loader *l)
{
    char names[GUESTS_MAX][FILE_NAME_MAX];
    EFI_INPUT_KEY key = {0};
    uint32_t at = 0;

    if (l->config.guest_count == 1)
        return 0;
    for (uint32_t i = 0; i < l->config.guest_count; i++)
        (void)text_copy(names[i], sizeof(names[i]), l->config.guests[i].name);
    terminal_clear(l);
    terminal_row(l, 0, "The command line of which guest?");
    do {
        uint32_t row;

        menu_move(&at, l->config.guest_count, &key);
        row = menu_show_list(l, (const char(*)[FILE_NAME_MAX])names, l->config.guest_count, at);
        terminal_row(l, row + 1, "Arrows or digits choose, Enter edits, Esc goes back");
        if (!terminal_wait(l, &key) || key.ScanCode == SCAN_CODE_ESC)
            return MENU_NONE;
    } while (!line_is_enter(key.UnicodeChar));
    return at;
}

/* The part of a long line that the cursor is in. */
static void menu_show_line(const struct loader *l, const struct line *line)
{
    const uint32_t width = l->terminal.columns - 2;
    const uint32_t first = line->at / width * width;

    terminal_row(l, MENU_EDIT_ROW, line->text + first);
    terminal_cursor(l, line->at - first, MENU_EDIT_ROW);
}

static bool menu_type(struct loader *l, const char *guest, struct line *line)
{
    char text[TERMINAL_COLUMNS_MAX];
    enum line_end end = LINE_GOES_ON;
    EFI_INPUT_KEY key;

    terminal_clear(l);
    fmt_print(text, sizeof(text), "Command line of guest '%s', for this start only", guest);
    terminal_row(l, 0, text);
    terminal_row(l, MENU_EDIT_ROW + 2, "Enter accepts, Esc drops the changes");
    while (end == LINE_GOES_ON) {
        menu_show_line(l, line);
        if (!terminal_wait(l, &key))
            return false;
        end = line_key(line, key.ScanCode, key.UnicodeChar);
    }
    return end == LINE_ACCEPTED;
}

/* Takes the changed text if the parser reads from it what was typed; else says what it reads. */
static bool menu_accept(struct loader *l, uint32_t which, const struct line *line)
{
    static struct line typed; /* as the parser has it: without blanks at its ends */
    struct menu_room *room = l->menu.room;
    size_t size = rewrite_cmdline(room->text, l->menu.size, &l->config.guests[which], line->text,
                                  room->changed, sizeof(room->changed));

    l->report = (struct errors){.count = 0};
    if (size == 0)
        errors_add(&l->report, 0, "the file becomes too long");
    else if (config_parse(&l->config, room->changed, size, &l->report)) {
        line_begin(&typed, line->text);
        line_trim(&typed);
        if (strcmp(typed.text, l->config.guests[which].cmdline) == 0) {
            memcpy(room->text, room->changed, size);
            l->menu.size = size;
            return true;
        }
        errors_add(&l->report, 0, "a '#' after a blank begins a comment here, not a word");
    }
    menu_show_errors(
        l, "This command line cannot be written into the file:", l->menu.names[l->menu.loaded]);
    (void)menu_parse(l); /* the text as it was */
    return false;
}

void menu_edit(struct loader *l)
{
    static struct line line;
    const uint32_t which = menu_pick_guest(l);
    bool is_done = which == MENU_NONE;

    if (!is_done)
        line_begin(&line, l->config.guests[which].cmdline);
    while (!is_done) {
        if (!menu_type(l, l->config.guests[which].name, &line))
            break;
        is_done = menu_accept(l, which, &line);
        l->menu.edited = l->menu.edited || is_done;
        is_done = is_done || l->terminal.no_keys;
    }
    terminal_clear(l);
}

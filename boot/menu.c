/* SPDX-License-Identifier: MIT */
/*
 * menu: asks which of several *.conf files is to run. The first one does after a while, unless a
 * key is pressed. A file with errors is not started: they are shown, in plancheck's words.
 */
#include "boot/loader.h"

#include "boot/line.h"
#include "kernel/config/text_span.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define MENU_ENDING    ".conf"
#define MENU_FIRST_ROW 2 /* of a list: below the title */
#define MENU_BELOW     6 /* rows that a list leaves for what is below it */
#define MENU_LINE_MAX  (TERMINAL_COLUMNS_MAX + 1)
#define MENU_POLLS     (1000 / TERMINAL_POLL_MS) /* in a second */

/* ------------------------------------------------------------------ the files */

static bool menu_is_first(const char *name)
{
    return span_is_any_case(span_of(name), FOLDER_CONFIG);
}

static bool menu_is_before(const char *a, const char *b)
{
    if (menu_is_first(a) || menu_is_first(b))
        return menu_is_first(a) && !menu_is_first(b);
    return span_compare(span_of(a), b) < 0;
}

void menu_add(struct menu *menu, const char *name)
{
    uint32_t at = menu->count;
    size_t len;

    if (name == NULL) {
        menu->unlisted++;
        return;
    }
    len = strlen(name);
    if (len < strlen(MENU_ENDING) ||
        !span_is_any_case(span_of(name + len - strlen(MENU_ENDING)), MENU_ENDING))
        return;
    while (at > 0 && menu_is_before(name, menu->names[at - 1]))
        at--;
    if (menu->count == MENU_MAX)
        menu->unlisted++;
    else
        menu->count++;
    if (at == MENU_MAX)
        return;
    memmove(&menu->names[at + 1], &menu->names[at],
            (menu->count - at - 1) * sizeof(menu->names[0]));
    memcpy(menu->names[at], name, len + 1);
}

/* Keeps what was edited as long as no other file is looked at. */
static EFI_STATUS menu_load(struct loader *l, EFI_FILE_HANDLE folder, uint32_t which)
{
    EFI_STATUS s;

    if (l->menu.loaded == which)
        return EFI_SUCCESS;
    l->menu.loaded = MENU_NONE;
    l->menu.edited = false;
    s = files_read_text(folder, l->menu.names[which], l->menu.room->text, CONFIG_SIZE_MAX + 1,
                        &l->menu.size);
    if (!EFI_ERROR(s))
        l->menu.loaded = which;
    return s;
}

bool menu_parse(struct loader *l)
{
    l->report = (struct errors){.count = 0};
    return config_parse(&l->config, l->menu.room->text, l->menu.size, &l->report);
}

/* Whether it can be started, or edited; says why not. */
static bool menu_is_sound(struct loader *l, EFI_FILE_HANDLE folder, uint32_t which)
{
    char title[MENU_LINE_MAX];
    const char *name = l->menu.names[which];

    fmt_print(title, sizeof(title), "%s has errors and cannot be started:", name);
    if (EFI_ERROR(menu_load(l, folder, which))) {
        l->report = (struct errors){.count = 0};
        errors_add(&l->report, 0, "the file cannot be read");
    } else if (menu_parse(l)) {
        return true;
    }
    menu_show_errors(l, title, name);
    return false;
}

/* ------------------------------------------------------------------ the screen */

uint32_t menu_show_list(const struct loader *l, const char (*names)[FILE_NAME_MAX], uint32_t count,
                        uint32_t at)
{
    const uint32_t room = l->terminal.rows - MENU_FIRST_ROW - MENU_BELOW;
    const uint32_t shown = count < room ? count : room;
    const uint32_t first = at < shown ? 0 : at - shown + 1;
    char text[MENU_LINE_MAX];

    for (uint32_t i = 0; i < shown; i++) {
        const uint32_t n = first + i;

        fmt_print(text, sizeof(text), "  %c %3u  %s", n == at ? '>' : ' ', n + 1, names[n]);
        terminal_row(l, MENU_FIRST_ROW + i, text);
    }
    if (shown < count) {
        fmt_print(text, sizeof(text), "         %u to %u of %u", first + 1, first + shown, count);
        terminal_row(l, MENU_FIRST_ROW + shown, text);
        return MENU_FIRST_ROW + shown + 1;
    }
    return MENU_FIRST_ROW + shown;
}

void menu_move(uint32_t *at, uint32_t count, const EFI_INPUT_KEY *key)
{
    const uint16_t c = key->UnicodeChar;

    if (key->ScanCode == SCAN_CODE_UP && *at > 0)
        --*at;
    else if (key->ScanCode == SCAN_CODE_DOWN && *at + 1 < count)
        ++*at;
    else if (key->ScanCode == SCAN_CODE_HOME || key->ScanCode == SCAN_CODE_PAGE_UP)
        *at = 0;
    else if (key->ScanCode == SCAN_CODE_END || key->ScanCode == SCAN_CODE_PAGE_DOWN)
        *at = count - 1;
    else if (c >= '1' && c <= '9' && (uint32_t)(c - '1') < count)
        *at = (uint32_t)(c - '1');
}

void menu_show_errors(struct loader *l, const char *title, const char *name)
{
    char text[sizeof(l->report.rows[0].text) + FILE_NAME_MAX + 16];
    EFI_INPUT_KEY key;
    uint32_t row = MENU_FIRST_ROW;

    terminal_clear(l);
    terminal_row(l, 0, title);
    for (uint32_t i = 0; errors_print(&l->report, i, name, text, sizeof(text)); i++) {
        if (row + MENU_BELOW > l->terminal.rows) {
            terminal_row(l, row++, "...");
            break;
        }
        row = terminal_text(l, row, text);
    }
    terminal_row(l, row + 1, "Press a key to go back");
    (void)terminal_wait(l, &key);
    terminal_clear(l);
}

/* Returns the row for the countdown. */
static uint32_t menu_show(const struct loader *l, uint32_t at)
{
    char text[MENU_LINE_MAX];
    uint32_t row;

    terminal_row(l, 0, "Bulkhead: choose a configuration");
    row = menu_show_list(l, l->menu.names, l->menu.count, at);
    if (l->menu.unlisted > 0) {
        fmt_print(text, sizeof(text), "         and %u not listed: too many, or an unusual name",
                  l->menu.unlisted);
        terminal_row(l, row++, text);
    }
    terminal_row(l, row + 1, "Arrows or digits choose, Enter starts, e edits a command line");
    text[0] = '\0';
    if (l->menu.edited)
        fmt_print(text, sizeof(text), "Edited for this start only: %s",
                  l->menu.names[l->menu.loaded]);
    terminal_row(l, row + 3, text);
    return row + 2;
}

/* ------------------------------------------------------------------ the choice */

/* False: nobody has pressed a key for so long. */
static bool menu_countdown(struct loader *l, EFI_INPUT_KEY *key)
{
    const uint32_t seconds = l->config.machine.timeout;
    char text[MENU_LINE_MAX];
    uint32_t row;

    if (seconds == 0 || l->terminal.no_keys)
        return false;
    terminal_clear(l);
    row = menu_show(l, 0);
    for (uint32_t left = seconds; left > 0; left--) {
        fmt_print(text, sizeof(text), "%s starts in %u s; any key stops this", l->menu.names[0],
                  left);
        terminal_row(l, row, text);
        for (uint32_t i = 0; i < MENU_POLLS; i++) {
            if (terminal_poll(l, key)) {
                terminal_row(l, row, "");
                return true;
            }
            terminal_pause(l);
        }
    }
    return false;
}

/* The key that has stopped the countdown counts as well. Without keys the first file is taken, as
 * it is: the hypervisor says what is wrong with it. */
static uint32_t menu_run(struct loader *l, EFI_FILE_HANDLE folder)
{
    EFI_INPUT_KEY key = {0};
    uint32_t at = 0;

    if (!menu_countdown(l, &key) && (l->terminal.no_keys || menu_is_sound(l, folder, 0)))
        return 0;
    terminal_clear(l);
    for (;;) {
        if (line_is_enter(key.UnicodeChar) && menu_is_sound(l, folder, at))
            return at;
        if ((key.UnicodeChar == 'e' || key.UnicodeChar == 'E') && menu_is_sound(l, folder, at))
            menu_edit(l);
        menu_move(&at, l->menu.count, &key);
        (void)menu_show(l, at);
        if (!terminal_wait(l, &key))
            return 0;
    }
}

EFI_STATUS menu_choose(struct loader *l, EFI_FILE_HANDLE folder, uint32_t *chosen)
{
    EFI_STATUS s;

    *chosen = MENU_NONE;
    if (l->menu.count + l->menu.unlisted < 2 || l->menu.count == 0)
        return EFI_SUCCESS;
    s = memory_take_block(l, BLOCK_MENU, sizeof(*l->menu.room));
    if (EFI_ERROR(s))
        return s;
    l->menu.room = (struct menu_room *)l->blocks[BLOCK_MENU].base;
    l->menu.loaded = MENU_NONE;
    terminal_open(l);
    l->config.machine.timeout = TIMEOUT_DEFAULT;
    if (!EFI_ERROR(menu_load(l, folder, 0)))
        (void)menu_parse(l);
    *chosen = menu_run(l, folder);
    terminal_close(l);
    s = menu_load(l, folder, *chosen);
    if (EFI_ERROR(s))
        return say_failure(l, l->menu.names[*chosen], "cannot be read", s);
    return EFI_SUCCESS;
}

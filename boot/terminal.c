/* SPDX-License-Identifier: MIT */
/*
 * terminal: the firmware's console as rows of text and keys, whatever it is made of: a screen and a
 * USB keyboard, or a serial terminal. UEFI "Simple Text Output Protocol", "Simple Text Input
 * Protocol". Nothing here fails: a console without a keyboard has no keys.
 */
#include "boot/loader.h"

#include "lib/bits.h"
#include "lib/string.h"

/* Every firmware has 80x25; what claims less than can be used, or nothing, is taken for that. */
#define TERMINAL_COLUMNS     80
#define TERMINAL_COLUMNS_MIN 40
#define TERMINAL_ROWS        25
#define TERMINAL_ROWS_MIN    12
#define TERMINAL_ROWS_MAX    60

void terminal_open(struct loader *l)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = l->st->ConOut;
    UINTN columns = 0;
    UINTN rows = 0;

    l->terminal = (struct terminal){.columns = TERMINAL_COLUMNS, .rows = TERMINAL_ROWS};
    if (out != NULL && out->Mode != NULL && out->Mode->Mode >= 0 &&
        !EFI_ERROR(out->QueryMode(out, (UINTN)out->Mode->Mode, &columns, &rows)) &&
        columns >= TERMINAL_COLUMNS_MIN && rows >= TERMINAL_ROWS_MIN) {
        l->terminal.columns = (uint32_t)min_u64(columns, TERMINAL_COLUMNS_MAX);
        l->terminal.rows = (uint32_t)min_u64(rows, TERMINAL_ROWS_MAX);
    }
    l->terminal.no_keys =
        l->st->ConIn == NULL || EFI_ERROR(l->st->ConIn->Reset(l->st->ConIn, FALSE));
}

void terminal_close(struct loader *l)
{
    if (!l->terminal.used)
        return;
    terminal_clear(l);
    terminal_cursor(l, 0, 0);
}

void terminal_clear(struct loader *l)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = l->st->ConOut;

    l->terminal.used = true;
    if (out == NULL)
        return;
    out->EnableCursor(out, FALSE);
    out->ClearScreen(out);
}

/* The last column stays free: what is written there may scroll. */
void terminal_row(const struct loader *l, uint32_t row, const char *text)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = l->st->ConOut;
    CHAR16 wide[TERMINAL_COLUMNS_MAX];
    uint32_t i = 0;

    if (out == NULL || row >= l->terminal.rows)
        return;
    for (; text[i] != '\0' && i < l->terminal.columns - 1; i++)
        wide[i] = text[i] >= ' ' && text[i] <= '~' ? (CHAR16)text[i] : '?';
    while (i < l->terminal.columns - 1)
        wide[i++] = ' ';
    wide[i] = 0;
    out->SetCursorPosition(out, 0, row);
    out->OutputString(out, wide);
}

uint32_t terminal_text(const struct loader *l, uint32_t row, const char *text)
{
    const size_t width = l->terminal.columns - 1;
    size_t left = strlen(text);

    do {
        char part[TERMINAL_COLUMNS_MAX] = "";
        const size_t len = min_u64(left, width);

        memcpy(part, text, len);
        terminal_row(l, row++, part);
        text += len;
        left -= len;
    } while (left > 0);
    return row;
}

void terminal_cursor(const struct loader *l, uint32_t column, uint32_t row)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE *out = l->st->ConOut;

    if (out == NULL)
        return;
    out->SetCursorPosition(out, column, row);
    out->EnableCursor(out, TRUE);
}

bool terminal_poll(struct loader *l, EFI_INPUT_KEY *key)
{
    SIMPLE_INPUT_INTERFACE *in = l->st->ConIn;
    EFI_STATUS s;

    if (l->terminal.no_keys)
        return false;
    s = in->ReadKeyStroke(in, key);
    if (EFI_ERROR(s) && s != EFI_NOT_READY)
        l->terminal.no_keys = true;
    return !EFI_ERROR(s);
}

void terminal_pause(const struct loader *l)
{
    l->bs->Stall(TERMINAL_POLL_MS * 1000);
}

bool terminal_wait(struct loader *l, EFI_INPUT_KEY *key)
{
    while (!l->terminal.no_keys) {
        if (terminal_poll(l, key))
            return true;
        terminal_pause(l);
    }
    return false;
}

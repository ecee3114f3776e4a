/* SPDX-License-Identifier: MIT */
/*
 * efi_console: the firmware's console of efi_machine.h: rows of text, and keys that a test types.
 */
#pragma once

#include "efi_machine.h"

static inline EFI_STATUS EFIAPI efi_print(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *text)
{
    char *row = efi.grid[efi.row];
    size_t len = 0;

    (void)out;
    if (efi_fails(efi.placed ? CALL_MENU_PRINT : CALL_PRINT))
        return efi.fault;
    for (; !efi.placed && *text != 0; text++)
        efi_text(efi.screen, &efi.screen_len, (char)*text);
    for (; *text != 0; text++) {
        assert_true(*text >= ' ' && *text <= '~' && len < sizeof(efi.grid[0]) - 1);
        row[len++] = (char)*text;
    }
    if (!efi.placed)
        return EFI_SUCCESS;
    assert_true(efi.columns < 40 || efi.columns > 160 || len < efi.columns); /* it never scrolls */
    row[len] = '\0';
    assert_true(efi.shown_len + len + 2 < sizeof(efi.shown));
    memcpy(efi.shown + efi.shown_len, row, len);
    efi.shown_len += (uint32_t)len;
    efi.shown[efi.shown_len++] = '\n';
    efi.placed = false;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_clear(SIMPLE_TEXT_OUTPUT_INTERFACE *out)
{
    (void)out;
    if (efi_fails(CALL_MENU_PRINT))
        return efi.fault;
    memset(efi.grid, 0, sizeof(efi.grid));
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_place(SIMPLE_TEXT_OUTPUT_INTERFACE *out, UINTN column,
                                          UINTN row)
{
    (void)out;
    assert_true(column < 132 && row < 60);
    efi.row = (uint32_t)row;
    efi.placed = column == 0;
    return efi_fails(CALL_MENU_PRINT) ? efi.fault : EFI_SUCCESS;
}

/* The cursor is shown where a person types, and what comes then is not a row. */
static inline EFI_STATUS EFIAPI efi_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE *out, BOOLEAN visible)
{
    (void)out;
    efi.placed = efi.placed && !visible;
    return efi_fails(CALL_MENU_PRINT) ? efi.fault : EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_query_text(SIMPLE_TEXT_OUTPUT_INTERFACE *out, UINTN mode,
                                               UINTN *columns, UINTN *rows)
{
    (void)out;
    assert_int_equal(mode, 0);
    if (efi_fails(CALL_MENU_PRINT))
        return efi.fault;
    *columns = efi.columns;
    *rows = efi.rows;
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_keys_reset(SIMPLE_INPUT_INTERFACE *in, BOOLEAN extended)
{
    (void)in;
    assert_false(extended);
    return efi_fails(CALL_KEYS_RESET) ? efi.fault : EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_key(SIMPLE_INPUT_INTERFACE *in, EFI_INPUT_KEY *key)
{
    (void)in;
    if (efi_fails(CALL_KEY))
        return efi.fault;
    if (efi.key_at == efi.key_count)
        return efi.unplugged ? EFI_DEVICE_ERROR : EFI_NOT_READY;
    const uint16_t k = efi.keys[efi.key_at++];
    *key = (EFI_INPUT_KEY){.ScanCode = (k & KEY_SCAN) != 0 ? (UINT16)(k & 0xff) : 0,
                           .UnicodeChar = (k & KEY_SCAN) != 0 ? 0 : k};
    return EFI_SUCCESS;
}

static inline EFI_STATUS EFIAPI efi_stall(UINTN us)
{
    efi.stalled += us;
    return efi_fails(CALL_STALL) ? efi.fault : EFI_SUCCESS;
}

static SIMPLE_TEXT_OUTPUT_MODE efi_text_mode = {.MaxMode = 1};
static SIMPLE_TEXT_OUTPUT_INTERFACE efi_output = {.OutputString = efi_print,
                                                  .QueryMode = efi_query_text,
                                                  .ClearScreen = efi_clear,
                                                  .SetCursorPosition = efi_place,
                                                  .EnableCursor = efi_cursor,
                                                  .Mode = &efi_text_mode};
static SIMPLE_INPUT_INTERFACE efi_input = {.Reset = efi_keys_reset, .ReadKeyStroke = efi_key};

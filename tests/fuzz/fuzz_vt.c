/* SPDX-License-Identifier: MIT */
/*
 * fuzz_vt: any bytes to a small terminal of any size, drawn at any time → the cursor stays inside,
 * each row is there once, cells are printable ASCII, and what was drawn is what stands there. After
 * a full reset nothing that came before counts.
 *
 * Input: columns, rows, then the bytes; 0xfe draws.
 */
#include "drivers/vt.h"

#include "support.h"

#define DRAW 0xfe /* in no UTF-8 */

static struct vt vt, fresh;
static uint16_t drawn[VT_GRID_ROWS][VT_GRID_COLUMNS];

static void check_state(void)
{
    const struct vt_grid *g = &vt.grid;
    uint32_t seen = 0;

    DEMAND(g->cursor.row < g->rows && g->cursor.column <= g->columns);
    DEMAND(g->top < g->bottom && g->bottom < g->rows && vt.at <= VT_PARAMETERS);
    for (uint32_t row = 0; row < VT_GRID_ROWS; row++)
        seen |= UINT32_C(1) << g->order[row];
    DEMAND(seen == (UINT32_C(1) << VT_GRID_ROWS) - 1);
}

static void check_drawn(void)
{
    uint32_t row, column;
    uint16_t cell;

    for (;;) {
        const enum text_look look = vt_grid_next_change(&vt.grid, &row, &column, &cell);
        if (look == TEXT_DRAWN)
            break;
        if (look == TEXT_CHANGE) {
            DEMAND(row < vt.grid.rows && column < vt.grid.columns);
            drawn[row][column] = cell;
        }
    }
    for (row = 0; row < vt.grid.rows; row++) {
        for (column = 0; column < vt.grid.columns; column++) {
            const uint32_t character = VT_GRID_CHARACTER(drawn[row][column]);
            DEMAND(drawn[row][column] == vt_grid_cell(&vt.grid, row, column));
            DEMAND(character >= 0x20 && character < 0x7f);
        }
    }
}

/* "\n" ends any sequence, and ESC c all the rest. */
static void check_reset(void)
{
    static const uint8_t reset[] = "\n\x1b"
                                   "c"
                                   "plain\r\n\x1b[31mred";

    vt_init(&fresh, vt.grid.columns, vt.grid.rows);
    for (uint32_t i = 0; i < sizeof(reset) - 1; i++) {
        vt_put(&vt, reset[i]);
        vt_put(&fresh, reset[i]);
    }
    for (uint32_t row = 0; row < vt.grid.rows; row++) {
        for (uint32_t column = 0; column < vt.grid.columns; column++)
            DEMAND(vt_grid_cell(&vt.grid, row, column) == vt_grid_cell(&fresh.grid, row, column));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    const uint32_t columns = 1 + fuzz_u8(&in) % VT_GRID_COLUMNS;

    vt_init(&vt, columns, 2 + fuzz_u8(&in) % (VT_GRID_ROWS - 1));
    while (in.left > 0) {
        const uint8_t byte = fuzz_u8(&in);
        if (byte == DRAW)
            check_drawn();
        else
            vt_put(&vt, byte);
        check_state();
    }
    check_drawn();
    check_reset();
    check_drawn();
    return 0;
}

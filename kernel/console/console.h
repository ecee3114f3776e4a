/* SPDX-License-Identifier: MIT */
/*
 * console: merges the output of the guests and the hypervisor, line by line, onto the serial port
 * and the screen, and passes input to the guest that has the focus, or to the monitor. Every line
 * gets its prefix here: `[name] text`, the hypervisor's `[bulkhead] text`. A guest can neither
 * forge a prefix nor break up a line, unless the operator gives it the terminal for itself.
 *
 * No core waits for a device: output stays in rings until console_pump() finds room for it. Core 0
 * does the pumping: as the monitor's core, while its guest is stopped, or from a timer.
 */
#pragma once

#include "boot/boot_info.h"
#include "kernel/console/keys.h"
#include "kernel/console/stream.h"
#include "lib/types.h"

#define CONSOLE_KEY_NAME KEYS_NAME

/* First thing at boot: lines go out at once, each waiting for the devices. */
void console_init(const struct boot_framebuffer *framebuffer);

/* Shows a line of ours, in order with those that are logged, but keeps it in no log: the monitor's
 * answers, through answer_line(). */
void console_show(const char *line, size_t len);

/* The serial port and devices that the firmware or the file asked for; a port where nothing answers
 * gives way to COM1. */
void console_use_serial(uint16_t port, uint32_t baud);
void console_select(bool serial, bool screen);

/* Somebody may be reading along elsewhere: else only the screen shows what was said. */
bool console_has_serial(void);

/* A key was pressed, and is nobody's now: for an end where no guest and no monitor reads. */
MUST_CHECK bool console_take_key(void);

/* Waits for one so long, where the TSC's rate is known. */
void console_wait_for_key(uint32_t seconds);

/* The screen becomes empty; and the room on it, or that of a serial terminal. */
void console_clear(void);
void console_size(uint32_t *columns, uint32_t *rows);

/* Before launch; the stream stays for good. The first one has the focus. */
void console_add_stream(struct console_stream *stream);

/* From now on lines only go into the log ring and console_pump() brings them out. */
void console_start_pumping(void);

/* Moves what there is, as far as the devices take it now, in about `ticks` of the TSC: no step of
 * it is longer than a line or some characters drawn. Any core; returns true while more waits to go
 * out, or somebody types. Does nothing when another core is at it. */
bool console_pump(uint64_t now, uint64_t ticks);

/* All lines of ours that any guest's do not wait for are on their way out: there is room for more.
 */
bool console_is_clear(void);

/* Waits until everything is out, or nothing has moved for about three seconds; at most ten times as
 * long. For a power-off. */
void console_flush(void);

/* A line of ours about a guest, at its place among what the guest says. Nobody waits for that. Any
 * core. */
void console_note(struct console_stream *stream, enum note_kind kind, const char *text, size_t len);

/* What is typed and what is counted belongs to one life of the guest, and what it says ends at the
 * notes of its end and of the next beginning. Before a life, while no vCPU runs: what was typed is
 * gone, and counts begin at 0. After it: what is typed for it is dropped. */
void console_begin_life(struct console_stream *stream);
void console_end_life(const struct console_stream *stream);

/* A panic begins: brings out what waits, as console_emergency() does. Once. */
void console_emergency_begin(void);

/* A panic's line: takes no lock, waits for the device. */
void console_emergency(const char *text, size_t len);

/* Set once the TSC's rate is known; before, unfinished lines are not shown. */
void console_set_tick_rate(uint64_t tsc_hz);

/* ------------------------------------------------------------------ for the monitor */

/* Whether the monitor has the focus. Any core. */
bool console_is_monitor(void);

/* Gives the focus to a stream. What the monitor has not read yet is dropped. */
void console_focus(const struct console_stream *stream);

/* The same, and the terminal for its bytes as they are, until the key comes or it is detached. */
void console_attach(const struct console_stream *stream);

/* No other life follows: where the stream has the terminal, that ends once all is out. */
void console_detach(const struct console_stream *stream);

/* The stream that had the focus last, before the monitor. */
const struct console_stream *console_last_focus(void);

/* Who has the focus: a guest's name, or "monitor". */
const char *console_focus_name(void);

/* The line at the bottom of the screen; nothing on the serial port. */
void console_set_status(const char *line);

/* A byte typed at the monitor; false: none. Core 0 only. */
MUST_CHECK bool console_read(uint8_t *byte);

/* What stands on the last line while the monitor has the focus: `len` characters, the cursor before
 * character `cursor`. Other lines appear above it. */
void console_set_prompt(const char *text, uint32_t len, uint32_t cursor);

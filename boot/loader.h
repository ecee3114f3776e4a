/* SPDX-License-Identifier: MIT */
/*
 * loader: what the loader's files share: one structure with its state, and who fills what.
 * Everything here runs on the firmware's stack and page tables, one core, boot services alive
 * unless said otherwise. References: UEFI Specification, by section title.
 */
#pragma once

#include <efi.h>

#include "boot/boot_info.h"
#include "boot/place.h"
#include "boot/ranges.h"
#include "kernel/config/config.h"
#include "kernel/config/folder.h"
#include "kernel/config/next.h"

#define LOADER_FOLDER "\\bulkhead"

/* The memory that the loader takes beside the modules; all but the last two outlive the jump. */
enum loader_block {
    BLOCK_HANDOVER,    /* struct loader_handover */
    BLOCK_IMAGE,       /* bulkhead.elf as placed */
    BLOCK_LOW,         /* boot_info.low_page */
    BLOCK_LASTLOG,     /* boot_info.lastlog */
    BLOCK_LEVELS_CODE, /* where the firmware has 5-level paging: levels.asm, ... */
    BLOCK_LEVELS_DATA, /* ... the root of the four-level tables and a stack */
    BLOCK_RUNTIME,     /* struct boot_runtime[], for boot_info.runtime */
    BLOCK_RANGES,      /* struct boot_range[], for boot_info.ranges */
    BLOCK_SCRATCH,     /* the firmware's map and our edges: free memory after the jump */
    BLOCK_MENU,        /* struct menu_room, likewise */
    BLOCK_COUNT
};

struct loader_handover {
    struct boot_info info;
    struct boot_module modules[FOLDER_MAX];
};

/* ---- which *.conf files there are to choose from, and the text of the one looked at last ---- */

/* More are counted and not listed. */
#define MENU_MAX 128

#define MENU_NONE UINT32_MAX

/* A byte more than the limit shows that a file is too long; an edited one may be longer yet. */
#define MENU_TEXT_MAX (CONFIG_SIZE_MAX + 1 + CMDLINE_MAX + 64)

/* In BLOCK_MENU. */
struct menu_room {
    char text[MENU_TEXT_MAX];
    char changed[MENU_TEXT_MAX];
};

struct menu {
    char names[MENU_MAX][FILE_NAME_MAX]; /* bulkhead.conf first, then by name */
    uint32_t count;
    uint32_t unlisted; /* beyond MENU_MAX, or with a name that cannot be shown */

    struct menu_room *room;
    uint32_t loaded; /* whose text is in the room; MENU_NONE: nobody's */
    size_t size;     /* of that text */
    bool edited;
};

struct loader {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *st;
    EFI_BOOT_SERVICES *bs;
    bool leaving;              /* ExitBootServices was tried once: the firmware's console is gone */
    bool is_reading;           /* between say_reading() and say_read() */
    bool is_next;              /* \bulkhead\next\ is being read, not \bulkhead\ */
    uint64_t entered, seconds; /* boot_info's: BOOT_STAMP_ENTRY, seconds */
    char why[BOOT_NOTE_MAX];   /* the last failure in words */

    struct block {
        uint64_t base;  /* bytes */
        uint64_t pages; /* 0: not taken */
    } blocks[BLOCK_COUNT];
    struct boot_info *info;      /* in BLOCK_HANDOVER */
    struct boot_module *modules; /* info->module_count of them */

    struct folder folder; /* what \bulkhead\ holds, as far as it counts */
    struct config config; /* which files it names, and what the menu shows and changes */
    struct errors report; /* its errors; without a menu the hypervisor shows them */

    struct menu menu;
    struct terminal {
        uint32_t columns, rows;
        bool no_keys; /* or none any more */
        bool used;    /* something was written on it */
    } terminal;

    struct place place; /* bulkhead.elf */

    void *map;                 /* in BLOCK_SCRATCH: the firmware's memory map */
    UINTN map_capacity;        /* bytes */
    UINTN map_size;            /* bytes in use */
    UINTN map_step;            /* bytes from one descriptor to the next */
    uint32_t runtime_capacity; /* rows that BLOCK_RUNTIME has room for */
    struct ranges edges;       /* in BLOCK_SCRATCH */
};

/* The folder that is being read. */
static inline const char *loader_folder(const struct loader *l)
{
    return l->is_next ? NEXT_FOLDER : LOADER_FOLDER;
}

/* Reads the folder and puts its bulkhead.elf in place. Comes back with nothing taken that
 * memory_free_all() does not know of. */
EFI_STATUS loader_load(struct loader *l);

/* ---- say.c: failures in words, on the firmware's console and the first serial port ---- */

/* All three take the name of a file of the folder or NULL, and return what efi_main returns. The
 * sentence stays in l->why. */
EFI_STATUS say_refusal(struct loader *l, const char *name, const char *why);
EFI_STATUS say_failure(struct loader *l, const char *name, const char *why, EFI_STATUS cause);
EFI_STATUS say_no_memory(struct loader *l, const char *name, uint64_t bytes);

/* What is no failure, on the firmware's console only: the boot log has it, too. */
void say_note(struct loader *l, const char *text);

/* That a file takes its time, on the firmware's console only: a line for it, a dot for each part,
 * and its end. */
void say_reading(struct loader *l, const char *name, uint64_t bytes);
void say_part(struct loader *l);
void say_read(struct loader *l);

/* The last line of a failed boot, serial port only, so that a test run knows where to stop. */
void say_goodbye(const struct loader *l);

/* A broken ASSERT, serial port only. */
void say_bug(const char *expr);

/* ---- memory.c: pages ---- */

/* `bytes` (> 0) as whole pages of free memory anywhere; on failure says so for file `name`. */
EFI_STATUS memory_take(struct loader *l, const char *name, uint64_t bytes, uint64_t *base,
                       uint64_t *pages);

/* The same on PLACE_ALIGN and in multiples of it. */
EFI_STATUS memory_take_large(struct loader *l, const char *name, uint64_t bytes, uint64_t *base,
                             uint64_t *pages);
EFI_STATUS memory_take_block(struct loader *l, enum loader_block which, uint64_t bytes);

/* A block that ends at or below address `last`. */
EFI_STATUS memory_take_below(struct loader *l, enum loader_block which, EFI_MEMORY_TYPE type,
                             uint64_t pages, uint64_t last);

/* BLOCK_IMAGE: executable, below 4 GiB, PLACE_ALIGN-aligned. */
EFI_STATUS memory_take_image(struct loader *l, uint64_t bytes);

/* BLOCK_LOW: one page below 640 KiB but not page 0. Not finding any is no failure. */
void memory_take_low(struct loader *l);

/* BLOCK_LASTLOG: the same pages in each boot, as they are. Not finding any is no failure. */
void memory_take_lastlog(struct loader *l);

/* Gives everything back, modules too: only after a failure, before ExitBootServices. Nothing is
 * remembered of it then. */
void memory_free_all(struct loader *l);

/* ---- files.c ---- */

/* Whether the volume has a \bulkhead\next\bulkhead.conf; a volume that cannot be read has none. */
bool files_has_next(struct loader *l);

/*
 * Fills l->modules from the folder, on the volume the loader came from: the hypervisor, the
 * configuration and what it names are read, of other files there is the name.
 */
EFI_STATUS files_read(struct loader *l);

/* Reads at most `room` bytes of a file; what fails is returned and not said. */
EFI_STATUS files_read_text(EFI_FILE_HANDLE folder, const char *name, char *to, size_t room,
                           size_t *size);

/* The module called `name`, in any case as FAT has it, or NULL. */
const struct boot_module *files_find(const struct loader *l, const char *name);

/* ---- next.c: \bulkhead\next\, tried once ---- */

/* loader_load() of one folder or the other. */
EFI_STATUS next_load(struct loader *l);

/* ---- menu.c, menu_edit.c: which configuration, where there are several ---- */

/* A file of the folder; one whose name ends in .conf is listed. `name` NULL: it has such an ending,
 * and cannot be spelt. */
void menu_add(struct menu *menu, const char *name);

/*
 * Asks on the firmware's console. l->menu.room then has the text, which may have been edited, and
 * *chosen is its name's index; MENU_NONE where there is nothing to choose from.
 */
EFI_STATUS menu_choose(struct loader *l, EFI_FILE_HANDLE folder, uint32_t *chosen);

/* A list on the screen from row 2 on; its cursor at `at`. Returns the first row below it. */
uint32_t menu_show_list(const struct loader *l, const char (*names)[FILE_NAME_MAX], uint32_t count,
                        uint32_t at);

/* Moves `at`, where the key is one for that. */
void menu_move(uint32_t *at, uint32_t count, const EFI_INPUT_KEY *key);

/* Parses the text that is loaded. Returns whether it has no errors, which l->report has. */
bool menu_parse(struct loader *l);

/* l->report, until a key is pressed. */
void menu_show_errors(struct loader *l, const char *title, const char *name);

/* Lets a guest's command line be edited in the text that is loaded and has no errors. */
void menu_edit(struct loader *l);

/* ---- terminal.c: the firmware's console ---- */

#define TERMINAL_COLUMNS_MAX 132
#define TERMINAL_POLL_MS     50

void terminal_open(struct loader *l);

/* What comes next is written on an empty screen, if anything of ours is on it. */
void terminal_close(struct loader *l);
void terminal_clear(struct loader *l);

/* One row, all of it; what does not fit is cut. */
void terminal_row(const struct loader *l, uint32_t row, const char *text);

/* As many rows as it takes. Returns the next one. */
uint32_t terminal_text(const struct loader *l, uint32_t row, const char *text);

/* Where a person types. */
void terminal_cursor(const struct loader *l, uint32_t column, uint32_t row);

/* A key if there is one. */
bool terminal_poll(struct loader *l, EFI_INPUT_KEY *key);

/* For TERMINAL_POLL_MS. */
void terminal_pause(const struct loader *l);

/* Waits for a key; false: there are none any more. */
bool terminal_wait(struct loader *l, EFI_INPUT_KEY *key);

/* ---- firmware.c: facts that only the firmware knows ---- */

void firmware_name(const struct loader *l, struct boot_info *info);

/* One of its configuration tables, or NULL. */
const void *firmware_table(const struct loader *l, const EFI_GUID *guid);
uint64_t firmware_seconds(const struct loader *l); /* 0: not known */
uint64_t firmware_rsdp(const struct loader *l);
void firmware_framebuffer(const struct loader *l, struct boot_framebuffer *fb);

/* ---- attributes.c: page permissions, where the firmware lets them be changed ---- */

/*
 * UEFI "EFI_MEMORY_ATTRIBUTE_PROTOCOL"; without it both do nothing. What fails is put into words,
 * for file `name` or NULL; it is returned only where the firmware says that it was needed.
 */
EFI_STATUS attributes_make_writable(struct loader *l, const char *name, uint64_t base,
                                    uint64_t size);

/* Executable and not writable. */
EFI_STATUS attributes_make_code(struct loader *l, const char *name, uint64_t base, uint64_t size);

/* ---- runtime.c ---- */

/* Why SetVariable cannot be called by the hypervisor, or NULL. */
const char *runtime_lacks(const struct loader *l);

/* Takes BLOCK_RUNTIME where the set of files is to be confirmed; `descriptors`: at most, of the
 * memory map. */
EFI_STATUS runtime_prepare(struct loader *l, size_t descriptors);

/* Fills info->runtime from the map that memmap_exit() left behind. Cannot fail. */
void runtime_convert(struct loader *l);

/* ---- levels.c ---- */

/* Takes BLOCK_LEVELS_*, where the firmware runs with 5-level paging. */
EFI_STATUS levels_prepare(struct loader *l);

/* handoff(), with four levels of paging. After memmap_convert(). */
NORETURN void levels_handoff(const struct loader *l, uint64_t entry);

/* ---- memmap.c ---- */

/* Takes BLOCK_RANGES and BLOCK_SCRATCH: the last allocation before the jump. */
EFI_STATUS memmap_prepare(struct loader *l);

/*
 * Leaves boot services. On success nothing of the firmware but its page tables, GDT and stack may
 * be used any more; on failure the machine must be given back to the firmware.
 */
EFI_STATUS memmap_exit(struct loader *l);

/* Fills info->ranges from the map that memmap_exit() left behind. Cannot fail. */
void memmap_convert(struct loader *l);

/* ---- handoff.asm ---- */

/* Interrupts off, then entry(info), which does not return. */
NORETURN void handoff(uint64_t entry, const struct boot_info *info);

/* The same by way of levels.asm's copy at `code`. */
NORETURN void handoff_levels(uint64_t entry, const struct boot_info *info, uint64_t root,
                             uint64_t stack, uint64_t code);

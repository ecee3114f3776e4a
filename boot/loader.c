/* SPDX-License-Identifier: MIT */
/*
 * loader: the EFI program. Reads \bulkhead\, puts bulkhead.elf in place, tells it what only the
 * firmware knows, and jumps. It has no policy: in the configuration it looks for names of files.
 */
#include "boot/loader.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st); /* called by gnu-efi's crt0 */

static EFI_STATUS loader_take_handover(struct loader *l)
{
    struct loader_handover *h;
    EFI_STATUS s = memory_take_block(l, BLOCK_HANDOVER, sizeof(*h));

    if (EFI_ERROR(s))
        return s;
    h = (struct loader_handover *)l->blocks[BLOCK_HANDOVER].base;
    memset(h, 0, sizeof(*h));
    l->info = &h->info;
    l->modules = h->modules;
    h->info.magic = BOOT_INFO_MAGIC;
    h->info.version = BOOT_INFO_VERSION;
    h->info.size = sizeof(h->info);
    h->info.modules = (uint64_t)h->modules;
    h->info.stamps[BOOT_STAMP_ENTRY] = l->entered;
    h->info.seconds = l->seconds;
    (void)text_copy(h->info.config_name, sizeof(h->info.config_name), FOLDER_CONFIG);
    return EFI_SUCCESS;
}

/* Each segment of code, once the image is complete. */
static EFI_STATUS loader_make_code(struct loader *l, const char *name)
{
    const struct elf *elf = &l->place.elf;
    EFI_STATUS s = EFI_SUCCESS;

    for (uint32_t i = 0; i < elf->segment_count && !EFI_ERROR(s); i++) {
        const struct elf64_phdr *p = &elf->segments[i];
        const uint64_t first = align_down(p->vaddr, PAGE_SIZE);
        const uint64_t pages = (p->vaddr + p->memsz - first + PAGE_SIZE - 1) / PAGE_SIZE;

        if (p->type == PT_LOAD && (p->flags & PF_X) != 0 && p->memsz != 0)
            s = attributes_make_code(l, name, l->info->image_base + first, pages * PAGE_SIZE);
    }
    return s;
}

static EFI_STATUS loader_place_kernel(struct loader *l)
{
    const struct boot_module *kernel = files_find(l, FOLDER_PROGRAM);
    uint64_t base;
    EFI_STATUS s;

    if (kernel == NULL)
        return say_refusal(l, FOLDER_PROGRAM, "is missing on the boot volume");
    if (!place_check(&l->place, (const void *)kernel->base, kernel->size))
        return say_refusal(l, kernel->name, l->place.why);
    s = memory_take_image(l, l->place.size);
    if (EFI_ERROR(s))
        return s;
    base = l->blocks[BLOCK_IMAGE].base;
    s = attributes_make_writable(l, kernel->name, base, l->place.size);
    if (EFI_ERROR(s))
        return s;
    if (!place_image(&l->place, (void *)base, base))
        return say_refusal(l, kernel->name, l->place.why);
    l->info->image_base = base;
    l->info->image_size = l->place.size;
    return loader_make_code(l, kernel->name);
}

EFI_STATUS loader_load(struct loader *l)
{
    EFI_STATUS s = loader_take_handover(l);

    if (!EFI_ERROR(s))
        s = files_read(l);
    if (EFI_ERROR(s))
        return s;
    l->info->stamps[BOOT_STAMP_FILES] = rdtsc();
    return loader_place_kernel(l);
}

static void loader_ask_firmware(struct loader *l)
{
    memory_take_low(l);
    l->info->low_page = l->blocks[BLOCK_LOW].base;
    memory_take_lastlog(l);
    l->info->lastlog = l->blocks[BLOCK_LASTLOG].base;
    l->info->lastlog_size = l->blocks[BLOCK_LASTLOG].pages * PAGE_SIZE;
    firmware_name(l, l->info);
    l->info->rsdp = firmware_rsdp(l);
    firmware_framebuffer(l, &l->info->framebuffer);
}

/* Comes back only after a failure, which has then been put into words. */
static EFI_STATUS loader_run(struct loader *l)
{
    EFI_STATUS s;

    l->entered = rdtsc();
    l->bs->SetWatchdogTimer(0, 0, 0, NULL); /* reading gigabytes may take its five minutes */
    l->seconds = firmware_seconds(l);
    s = next_load(l);
    if (EFI_ERROR(s))
        return s;
    loader_ask_firmware(l);
    s = levels_prepare(l);
    if (EFI_ERROR(s))
        return s;
    s = memmap_prepare(l); /* after everything else that takes memory */
    if (EFI_ERROR(s))
        return s;
    s = memmap_exit(l);
    if (EFI_ERROR(s))
        return s;
    l->info->stamps[BOOT_STAMP_EXIT] = rdtsc();
    memmap_convert(l);
    levels_handoff(l, l->info->image_base + l->place.entry);
}

/* UEFI "EFI Image Entry Point". */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *st)
{
    static struct loader loader; /* too large for a stack that is not ours */
    EFI_STATUS s;

    loader = (struct loader){.image = image, .st = st, .bs = st->BootServices};
    s = loader_run(&loader);
    say_goodbye(&loader);
    if (loader.leaving) /* half shut down: the firmware cannot take the machine back */
        st->RuntimeServices->ResetSystem(EfiResetShutdown, s, 0, NULL);
    else
        memory_free_all(&loader);
    return s;
}

/* A bug of ours, after boot services were left: nothing to go back to. */
void assert_fail(const char *expr, const char *file, int line)
{
    (void)file;
    (void)line;
    say_bug(expr);
    for (;;)
        __asm__ volatile("cli; hlt");
}

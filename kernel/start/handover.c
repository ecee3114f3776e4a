/* SPDX-License-Identifier: MIT */
#include "kernel/start/handover.h"

#include "drivers/uart.h"
#include "kernel/config/next.h"
#include "kernel/console/console.h"
#include "kernel/console/kept.h"
#include "kernel/core/machine_lines.h"
#include "kernel/core/machine_reset.h"
#include "kernel/core/power.h"
#include "kernel/start/machine_devices.h"
#include "kernel/start/quiesce.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uart16550.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

/* linker.ld */
extern const uint8_t image_start[];

bool handover_is_try(const struct boot_info *info)
{
    return info->magic == BOOT_INFO_MAGIC && info->version >= BOOT_INFO_HAS_SET &&
           info->set == BOOT_SET_TRIED;
}

bool handover_check(const struct boot_info *info)
{
    if (info->magic != BOOT_INFO_MAGIC || info->version != BOOT_INFO_VERSION ||
        info->size < sizeof(*info)) {
        log_line("the loader (BOOTX64.EFI) and bulkhead.elf are of different versions: install "
                 "both from one build");
        return false;
    }
    if (info->image_base != (uintptr_t)image_start || info->range_count == 0) {
        log_line("the loader's description of this machine is invalid");
        return false;
    }
    return true;
}

void handover_keep_log(const struct boot_info *info)
{
    const uint32_t count = kept_init((void *)(uintptr_t)info->lastlog, info->lastlog_size);
    if (count > 0)
        log_line("%u line%s of the previous boot %s kept: `log last` shows the last of them", count,
                 fmt_plural(count), count == 1 ? "is" : "are");
}

void handover_tell_set(const struct boot_info *info)
{
    if (info->set == BOOT_SET_TRIED)
        log_line(NEXT_FOLDER " is tried: unless it is confirmed, the next boot takes \\bulkhead");
    else if (info->set == BOOT_SET_CONFIRMED)
        log_line(NEXT_FOLDER " was confirmed: it is taken");
    else if (info->set_note[0] != '\0')
        log_line("%s", info->set_note);
}

/* Firmware tables may lie in any RAM that nobody else uses, so free memory counts too: nothing has
 * been written to it yet. */
static const void *handover_acpi_at(void *context, hpa_t address, uint64_t size)
{
    return memory_map_readable(context, (struct range){address.v, size})
               ? (const void *)(uintptr_t)address.v
               : NULL;
}

/* SDM "CPUID—CPU Identification", leaf 80000008H. */
struct ram_list handover_ram_list(const struct boot_info *info)
{
    struct ram_list list = {.ranges = (const struct boot_range *)(uintptr_t)info->ranges,
                            .count = info->range_count,
                            .physical_bits = cpuid_leaf(0x80000008, 0).eax & 0xff};

    if (list.physical_bits == 0)
        list.physical_bits = 36;
    return list;
}

void handover_read_firmware(struct start_state *start, const struct boot_info *info)
{
    struct ram_list ram = handover_ram_list(info);
    const struct acpi_memory memory = {handover_acpi_at, &ram};

    start->info = info;
    start->low_page = hpa(info->low_page);
    memcpy(start->stamps, info->stamps, sizeof(start->stamps));
    start->seconds = info->seconds;
    memcpy(start->config_name, info->config_name, sizeof(start->config_name) - 1);
    start->machine.has_screen = info->framebuffer.format != BOOT_PIXEL_NONE;
    if (!acpi_read(&start->acpi, &memory, hpa(info->rsdp)))
        log_line("no usable ACPI tables: only the boot core will be used");
    memory_map_near(&start->machine, &start->acpi);
    memory_map_check_ioapics(&start->acpi, &ram);
    memory_map_check_ecams(&start->acpi, &ram);
    memory_map_check_iommus(&start->acpi, &ram);
    memory_map_check_reserved(&start->acpi, &ram);
    memory_map_check_reset(&start->acpi, &ram);
    machine_reset_init(&start->acpi);
    power_init(&start->acpi);
    if (start->acpi.has_serial)
        console_use_serial(start->acpi.serial_port, start->acpi.serial_baud);
    start->machine.console_port = start->acpi.has_serial ? start->acpi.serial_port : 0;
    start->machine.has_serial2 = uart_is_there(UART_COM2);
    quiesce_interrupts(&start->acpi);
    start->ecam = quiesce_devices(&start->acpi, start->machine.has_screen, &start->machine.devices);
    memory_map_check_functions(&start->machine.devices, &ram);
    machine_devices(&start->machine.devices, &start->acpi, machine_lines_say);
}

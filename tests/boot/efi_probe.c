// SPDX-License-Identifier: MIT
/*
 * A stand-in for Bulkhead, to test the test bed: an EFI program that reports on the machine and
 * then obeys one-letter commands from the serial port.
 *
 *   o  power off through the emulators' ports     s  power off through the firmware
 *   p  print what looks like our panic, and hang  g  print what a guest's panic would look like
 *   t  triple fault                               h  hang
 *   e  echo the rest of the line                  c  paint the screen
 */
#include <efi.h>
#include <efilib.h>

enum { COM1 = 0x3f8, LSR = COM1 + 5, LSR_RECEIVED = 0x01, LSR_READY = 0x20, LSR_IDLE = 0x40 };

static void out8(UINT16 port, UINT8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void out16(UINT16 port, UINT16 value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static UINT8 in8(UINT16 port)
{
    UINT8 value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void put(char c)
{
    while (!(in8(LSR) & LSR_READY))
        ;
    out8(COM1, (UINT8)c);
}

static char get(void)
{
    while (!(in8(LSR) & LSR_RECEIVED))
        ;
    return (char)in8(COM1);
}

static void say(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            put('\r');
        put(*text);
    }
}

static void say_number(const char *name, UINT64 value)
{
    char digits[24];
    char *first = digits + sizeof(digits) - 1;

    *first = '\0';
    do
        *--first = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    say(name);
    say(first);
    say("\n");
}

/* The bytes in the UART are lost if the machine goes before they do. */
static void flush(void)
{
    while (!(in8(LSR) & LSR_IDLE))
        ;
}

static void report_idiv(void)
{
    volatile INT64 dividend = -1000000007, divisor = 10;

    say(dividend / divisor == -100000000 && dividend % divisor == -7 ? "idiv right\n"
                                                                     : "idiv WRONG\n");
}

struct mp_services { /* EFI_MP_SERVICES_PROTOCOL, as far as we need it */
    EFI_STATUS(EFIAPI *number)(struct mp_services *, UINTN *all, UINTN *enabled);
};

static void report_cores(void)
{
    EFI_GUID guid = {0x3fdda605, 0xa76e, 0x4f46, {0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08}};
    struct mp_services *mp;
    UINTN all = 0, enabled = 0;

    if (uefi_call_wrapper(BS->LocateProtocol, 3, &guid, NULL, (void **)&mp) == EFI_SUCCESS)
        uefi_call_wrapper(mp->number, 3, mp, &all, &enabled);
    say_number("cores ", all);
}

static void report_memory(void)
{
    UINTN count, key, size;
    UINT32 version;
    UINT64 pages = 0;
    char *map = (char *)LibMemoryMap(&count, &key, &size, &version);

    for (UINTN i = 0; i < count; i++) {
        EFI_MEMORY_DESCRIPTOR *d = (EFI_MEMORY_DESCRIPTOR *)(map + i * size);

        if (d->Type == EfiConventionalMemory)
            pages += d->NumberOfPages;
    }
    say_number("free MiB ", pages >> 8);
}

/* Left half red, right half blue. */
static void paint(void)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *gop;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info;
    UINT32 *pixels;

    if (uefi_call_wrapper(BS->LocateProtocol, 3, &guid, NULL, (void **)&gop) != EFI_SUCCESS) {
        say("no screen\n");
        return;
    }
    info = gop->Mode->Info;
    pixels = (UINT32 *)(UINTN)gop->Mode->FrameBufferBase;
    for (UINTN y = 0; y < info->VerticalResolution; y++)
        for (UINTN x = 0; x < info->HorizontalResolution; x++)
            pixels[y * info->PixelsPerScanLine + x] =
                x < info->HorizontalResolution / 2 ? 0xff0000 : 0x0000ff;
    say_number("painted, width ", info->HorizontalResolution);
}

static void echo_line(void)
{
    char c;

    do
        put(c = get());
    while (c != '\n');
}

static void power_off(void)
{
    flush();
    for (const char *word = "Shutdown"; *word != '\0'; word++)
        out8(0x8900, (UINT8)*word); /* Bochs */
    out16(0x604, 0x2000);           /* QEMU q35: ACPI S5 */
}

static void firmware_off(void)
{
    flush();
    uefi_call_wrapper(RT->ResetSystem, 4, EfiResetShutdown, EFI_SUCCESS, 0, NULL);
}

static void triple_fault(void)
{
    struct __attribute__((packed)) {
        UINT16 limit;
        UINT64 base;
    } no_idt = {0, 0};

    flush();
    __asm__ volatile("lidt %0; ud2" : : "m"(no_idt));
}

static void obey(char command)
{
    switch (command) {
    case 'c':
        paint();
        break;
    case 'e':
        echo_line();
        break;
    case 'g':
        say("[guest] PANIC is mine alone\nno prefix, PANIC\n");
        break;
    case 'h':
        for (;;)
            ;
    case 'o':
        power_off();
        break;
    case 'p':
        say("[bulkhead] PANIC: as asked\nthe rest of it\n");
        for (;;)
            ;
    case 's':
        firmware_off();
        break;
    case 't':
        triple_fault();
        break;
    default:
        break;
    }
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    InitializeLib(image, system);
    say("\nprobe\n");
    report_idiv();
    report_cores();
    report_memory();
    /* The firmware must not read the serial port any more: its timer has to stop. */
    uefi_call_wrapper(BS->RaiseTPL, 1, TPL_HIGH_LEVEL);
    say("[bulkhead] guest 'probe' starts and listens\n");
    for (;;)
        obey(get());
}

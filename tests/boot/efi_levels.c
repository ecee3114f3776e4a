// SPDX-License-Identifier: MIT
/*
 * Stands before Bulkhead's loader and makes the firmware one that runs with 5-level paging, which
 * Debian's OVMF is not built for: \bulkhead\loader.efi is started with CR4.LA57 on and a PML5 whose
 * first entry is the firmware's PML4, and finds it so up to its end. Only inside ExitBootServices,
 * where this firmware starts its other cores once more with the tables it knows, LA57 is off.
 */
#include <efi.h>
#include <efilib.h>

#define BELOW_4G 0xffffffff
#define LA57     (1 << 12)

/*
 * Toggles CR4.LA57. RDI = the other tables' root, RSI = top of a stack, both below 4 GiB. Returns
 * on the stack and with the segments it was called with, interrupts on.
 */
__asm__(".pushsection .rodata\n"
        "toggle:\n"
        "    push %rbx\n"
        "    push %rbp\n"
        "    cli\n"
        "    mov %rsp, %r8\n"
        "    mov %rsi, %rsp\n"
        "    push %r8\n"
        "    sub $10, %rsp\n"
        "    sgdt (%rsp)\n"
        "    mov %cs, %eax\n"
        "    push %rax\n"
        "    mov %ss, %eax\n"
        "    push %rax\n"
        "    sub $10, %rsp\n"
        "    lea 9f(%rip), %rax\n"
        "    movw $31, (%rsp)\n"
        "    mov %rax, 2(%rsp)\n"
        "    lgdt (%rsp)\n"
        "    add $10, %rsp\n"
        "    lea 3f(%rip), %rbp\n"
        "    push $8\n"
        "    lea 1f(%rip), %rax\n"
        "    push %rax\n"
        "    lretq\n"
        ".code32\n"
        "1:  mov $16, %eax\n"
        "    mov %eax, %ss\n"
        "    mov %cr0, %eax\n"
        "    btr $31, %eax\n"
        "    mov %eax, %cr0\n"
        "    jmp 2f\n"
        "2:  mov %cr4, %eax\n"
        "    btc $12, %eax\n"
        "    mov %eax, %cr4\n"
        "    mov %edi, %cr3\n"
        "    mov %cr0, %eax\n"
        "    bts $31, %eax\n"
        "    mov %eax, %cr0\n"
        "    jmp 4f\n"
        "4:  push $24\n"
        "    push %ebp\n"
        "    lret\n"
        ".code64\n"
        "3:  mov %esp, %esp\n"
        "    pop %rcx\n"
        "    pop %rdx\n"
        "    lgdt (%rsp)\n"
        "    add $10, %rsp\n"
        "    mov %ecx, %ss\n"
        "    pop %rsp\n"
        "    push %rdx\n"
        "    lea 5f(%rip), %rax\n"
        "    push %rax\n"
        "    lretq\n"
        "5:  sti\n"
        "    pop %rbp\n"
        "    pop %rbx\n"
        "    ret\n"
        "    .balign 8\n"
        "9:  .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00af9b000000ffff\n"
        "toggle_end:\n"
        ".popsection\n");
extern const char toggle[], toggle_end[];

/* The PML5, the code and its stack: what boot services have is free memory once they are left. */
static EFI_PHYSICAL_ADDRESS pages;
static UINT64 pml4;
static EFI_EXIT_BOOT_SERVICES real_exit;

static UINT64 cr3(void)
{
    UINT64 v;

    __asm__ volatile("mov %%cr3, %0" : "=r"(v));
    return v;
}

static UINT64 cr4(void)
{
    UINT64 v;

    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

static BOOLEAN has_la57(void)
{
    UINT32 a = 7, b, c = 0, d;

    __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (c >> 16 & 1) != 0;
}

static void switch_to(UINT64 root)
{
    __asm__ volatile("call *%2"
                     : "+D"(root)
                     : "S"(pages + 3 * 4096), "r"(pages + 4096)
                     : "rax", "rcx", "rdx", "r8", "memory", "cc");
}

static EFI_STATUS EFIAPI exit_with_levels(EFI_HANDLE image, UINTN key)
{
    EFI_STATUS s;

    switch_to(pml4);
    s = real_exit(image, key);
    switch_to(pages);
    __asm__ volatile("cli");
    return s;
}

static EFI_STATUS turn_on(void)
{
    EFI_STATUS s;

    pages = BELOW_4G;
    s = BS->AllocatePages(AllocateMaxAddress, EfiBootServicesCode, 3, &pages);
    if (EFI_ERROR(s))
        return s;
    ZeroMem((void *)pages, 3 * 4096);
    pml4 = cr3();
    *(UINT64 *)pages = (pml4 & ~(UINT64)0xfff) | 3;
    CopyMem((void *)(pages + 4096), (void *)toggle, toggle_end - toggle);
    real_exit = BS->ExitBootServices;
    BS->ExitBootServices = exit_with_levels;
    switch_to(pages);
    return EFI_SUCCESS;
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *system)
{
    EFI_GUID loaded = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    EFI_LOADED_IMAGE *self;
    EFI_HANDLE loader;
    EFI_STATUS s;

    InitializeLib(image, system);
    BS->HandleProtocol(image, &loaded, (void **)&self);
    s = BS->LoadImage(FALSE, image, FileDevicePath(self->DeviceHandle, L"\\bulkhead\\loader.efi"),
                      NULL, 0, &loader);
    if (EFI_ERROR(s))
        return s;
    Print(L"[levels] 5-level paging: CPU %s, firmware %s\r\n", has_la57() ? L"yes" : L"no",
          (cr4() & LA57) != 0 ? L"on" : L"off");
    if (has_la57() && (cr4() & LA57) == 0) {
        s = turn_on();
        if (EFI_ERROR(s))
            return s;
        Print(L"[levels] turned %s\r\n", (cr4() & LA57) != 0 ? L"on" : L"off");
    }
    return BS->StartImage(loader, NULL, NULL);
}

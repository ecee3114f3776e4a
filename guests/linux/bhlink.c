/* SPDX-License-Identifier: MIT */
/*
 * bhlink: a link to other guests, from Linux' user space and without a driver (docs/devices.md).
 *
 *   bhlink                  lists this guest's links
 *   bhlink show N           prints the text at the beginning of link N's window
 *   bhlink write N TEXT     writes it there
 *   bhlink ring N SIDE      rings a doorbell
 *   bhlink net N [NAME]     makes the network interface NAME (link0) out of link N and the cable
 *
 * The network: each side has half of the window as its ring of frames, a length of two bytes before
 * each. Who puts a frame into an empty ring sends a byte through the cable (ttyS1), for which the
 * other sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#include "guests/kit/link.h"

#define FRAME_MAX 2048
#define TTY       "/dev/ttyS1"
#define ID        "0x1af4\n0x1110\n"
#define HEAL_MS   1000 /* a byte of the cable may be lost where the other guest starts anew */
#define FULL_MS   1
#define READ_ONLY 0x80000000u /* of the register at 12 */

static void die(const char *what)
{
    fprintf(stderr, "bhlink: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int usage(void)
{
    fputs("bhlink                  lists this guest's links\n"
          "bhlink show N           prints the text at the beginning of link N's window\n"
          "bhlink write N TEXT     writes it there\n"
          "bhlink ring N SIDE      rings a doorbell\n"
          "bhlink net N [NAME]     makes the network interface NAME (link0) of link N and the "
          "cable\n",
          stderr);
    return 2;
}

/* ------------------------------------------------------------------ the PCI function */

struct function {
    char folder[64]; /* in sysfs */
    int registers;   /* of which offset 0 is the side, 4 who is alive, 8 the doorbell */
};

static bool function_is_link(const char *folder)
{
    char path[128], id[32] = "";
    static const char *const files[] = {"vendor", "device"};
    size_t len = 0;

    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
        FILE *f = fopen(path, "r");
        if (!f)
            return false;
        len += fread(id + len, 1, sizeof(id) - 1 - len, f);
        fclose(f);
    }
    return strcmp(id, ID) == 0;
}

/* Link `n` in the order of their slots, which is that of the file. */
static bool function_find(struct function *f, unsigned n)
{
    glob_t all;
    bool found = false;

    if (glob("/sys/bus/pci/devices/*", 0, NULL, &all) != 0)
        return false;
    for (size_t i = 0; i < all.gl_pathc && !found; i++) {
        if (!function_is_link(all.gl_pathv[i]) || n-- > 0)
            continue;
        snprintf(f->folder, sizeof(f->folder), "%s", all.gl_pathv[i]);
        found = true;
    }
    globfree(&all);
    if (!found)
        return false;
    char path[128];
    snprintf(path, sizeof(path), "%s/resource4", f->folder);
    f->registers = open(path, O_RDWR);
    if (f->registers < 0)
        die(path);
    return true;
}

static uint32_t function_read(const struct function *f, off_t reg)
{
    uint32_t value = 0;

    if (pread(f->registers, &value, sizeof(value), reg) != sizeof(value))
        die("reading a register");
    return value;
}

/* A write where it may only read would end the whole guest. */
static bool function_may_write(const struct function *f)
{
    return (function_read(f, 12) & READ_ONLY) == 0;
}

static void function_ring(const struct function *f, uint32_t side)
{
    const uint32_t value = side << 16;

    if (pwrite(f->registers, &value, sizeof(value), 8) != sizeof(value))
        die("ringing a doorbell");
}

/* The whole window; *size 0: the link has none. */
static void *function_window(const struct function *f, uint64_t *size, int rights)
{
    char path[128];
    struct stat status;

    snprintf(path, sizeof(path), "%s/resource2", f->folder);
    *size = 0;
    if (stat(path, &status) != 0)
        return NULL;
    const int fd = open(path, rights & PROT_WRITE ? O_RDWR : O_RDONLY);
    *size = (uint64_t)status.st_size;
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, *size, rights, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        die(path);
    close(fd);
    return at;
}

/* ------------------------------------------------------------------ the network */

struct net {
    int tap, tty;
    struct link_ring out, in;
};

static int net_open_tap(const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
        die("/dev/net/tun");
    return fd;
}

static int net_open_tty(void)
{
    struct termios raw;
    const int fd = open(TTY, O_RDWR | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 || tcgetattr(fd, &raw) != 0)
        die(TTY);
    cfmakeraw(&raw);
    raw.c_cflag |= CLOCAL;
    if (tcsetattr(fd, TCSANOW, &raw) != 0)
        die(TTY);
    return fd;
}

/* All that is there, to the kernel. */
static void net_receive(const struct net *net)
{
    uint8_t frame[FRAME_MAX], wakes[64];
    uint16_t len;

    while (read(net->tty, wakes, sizeof(wakes)) > 0)
        ;
    while (link_get(&net->in, &len, sizeof(len))) {
        if (len > sizeof(frame) || !link_get(&net->in, frame, len))
            return; /* nonsense from the other side: the next frame may be better */
        /* EINVAL: too short to be a frame, so nonsense, too. */
        if (write(net->tap, frame, len) < 0 && errno != EAGAIN && errno != EIO && errno != EINVAL)
            die("writing a frame");
    }
}

/* Frames of the kernel's, as long as there is room for the largest; false: there is none. */
static bool net_send(const struct net *net)
{
    struct {
        uint16_t len;
        uint8_t bytes[FRAME_MAX];
    } frame;

    while (net->out.size - link_waiting(&net->out) > sizeof(frame)) {
        const ssize_t len = read(net->tap, frame.bytes, sizeof(frame.bytes));
        bool may_sleep = false;
        if (len <= 0)
            return true;
        frame.len = (uint16_t)len;
        if (!link_put(&net->out, &frame, (uint32_t)(sizeof(frame.len) + (size_t)len), &may_sleep))
            return false;
        if (may_sleep && write(net->tty, "!", 1) < 0 && errno != EAGAIN)
            die(TTY);
    }
    return false;
}

static void net_run(const struct function *f, const char *name)
{
    uint64_t size;
    uint8_t *window = function_window(f, &size, PROT_READ | PROT_WRITE);
    const uint32_t side = function_read(f, 0);

    if (size < 8 * FRAME_MAX || side > 1) {
        fprintf(stderr, "bhlink: a network wants a window of 16K or more and two sides\n");
        exit(1);
    }
    const struct net net = {
        .tap = net_open_tap(name),
        .tty = net_open_tty(),
        .out = link_ring((uintptr_t)window + side * size / 2, size / 2),
        .in = link_ring((uintptr_t)window + (1 - side) * size / 2, size / 2),
    };
    for (;;) {
        net_receive(&net);
        const bool has_room = net_send(&net);
        struct pollfd fds[] = {{.fd = net.tty, .events = POLLIN},
                               {.fd = net.tap, .events = has_room ? POLLIN : 0}};
        (void)poll(fds, 2, has_room ? HEAL_MS : FULL_MS);
    }
}

/* ------------------------------------------------------------------ commands */

static void list(void)
{
    struct function f;

    unsigned n = 0;

    for (; function_find(&f, n); n++) {
        char path[128];
        struct stat status;

        snprintf(path, sizeof(path), "%s/resource2", f.folder);
        const uint64_t size = stat(path, &status) == 0 ? (uint64_t)status.st_size : 0;
        printf("link %u: %s, side %u, running 0x%x, window of %llu KiB, %s\n", n,
               strrchr(f.folder, '/') + 1, function_read(&f, 0), function_read(&f, 4),
               (unsigned long long)(size / 1024), function_may_write(&f) ? "rw" : "ro");
        close(f.registers);
    }
    if (n == 0)
        printf("this guest has no links\n");
}

int main(int argc, char **argv)
{
    struct function f;
    uint64_t size;

    if (argc == 1) {
        list();
        return 0;
    }
    const char *command = argv[1];
    const bool writes = strcmp(command, "write") == 0, rings = strcmp(command, "ring") == 0;
    const bool shows = strcmp(command, "show") == 0, is_net = strcmp(command, "net") == 0;
    if (argc < 3 || !(shows || is_net || ((writes || rings) && argc == 4)))
        return usage();
    if (!function_find(&f, (unsigned)strtoul(argv[2], NULL, 0))) {
        fprintf(stderr, "bhlink: there is no link %s\n", argv[2]);
        return 1;
    }
    if ((writes || is_net) && !function_may_write(&f)) {
        fprintf(stderr, "bhlink: this guest may only read link %s\n", argv[2]);
        return 1;
    }
    if (shows) {
        const char *window = function_window(&f, &size, PROT_READ);
        printf("%.*s\n", (int)size, size > 0 ? window : "");
    } else if (writes) {
        char *window = function_window(&f, &size, PROT_READ | PROT_WRITE);
        snprintf(window, size, "%s", argv[3]);
    } else if (rings) {
        function_ring(&f, (uint32_t)strtoul(argv[3], NULL, 0));
    } else {
        net_run(&f, argc > 3 ? argv[3] : "link0");
    }
    return 0;
}

# SPDX-License-Identifier: MIT
"""Bochs: the emulator that has VT-x. It has no management socket; its log says how a run ended."""
import calendar
import os
import pathlib
import re
import subprocess
import termios

from . import png, process

LAUNCHER = pathlib.Path(__file__).resolve().parent.parent / "bochs" / "bochs"
FIRMWARE = pathlib.Path("/usr/share/ovmf/OVMF.fd")
DEFAULT_CPU = "corei7_icelake_u"
NOON_S = 12 * 3600      # in a day
CORES_MAX = 15          # with more it stops at once: "register_timer: too many registered timers"

# Firmware reads MSRs that this model of Bochs lacks. Elsewhere an unknown MSR must #GP, as it does
# on hardware.
IGNORES_BAD_MSRS = {"ryzen"}

# What the log says, see poll() and screenshot().
POWER_OFF = (b"shutdown requested", b"soft power off")
TRIPLE_FAULT = b"exception with no resolution"
VIDEO_MODE = re.compile(rb"VBE enabling x (\d+), y (\d+), bpp (\d+)")
SCREEN = re.compile(rb'Bochs connected to screen "([^"]+)"')
WORTH_SAYING = re.compile(r"\d+([ewp]\[|i\[CPU\d+ *\] (\| )?(RIP=|CR2=|0x[0-9a-f]+>>))")

# The display "term" draws on a terminal: it needs no window and opens no port. It cannot draw
# graphics and calls that a panic, which is harmless (term=report).
# reset_on_triple_fault=0 because a triple fault of ours is the end of a run, not the start of one.
# cpuid_freq=ips makes CPUID name the rate that the TSC has.
BOCHSRC = """\
plugin_ctrl: fw_cfg=1, unmapped=1, biosdev=1, speaker=0, parallel=0, serial=1, gameport=0, iodebug=1
display_library: term
config_interface: textconfig
cpu: model={cpu}, count={count}, ips={mhz}000000, reset_on_triple_fault=0, \
ignore_bad_msrs={ignore_bad_msrs}, cpuid_freq=ips
memory: guest={memory}, host={memory}
romimage: file={firmware}, address=0xffe00000
vgaromimage: file=$BULKHEAD_VGABIOS
fw_cfg: enabled=1
pci: enabled=1, chipset=i440fx{slots}
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=disk.img, mode=flat
boot: disk
com1: enabled=1, mode=term, dev={tty}
{com2}clock: sync=none, time0={date}
port_e9_hack: enabled=1
log: bochs.log
panic: action=fatal, term=report
error: action=report
"""


class Bochs:
    """One machine in Bochs. The caller has put disk.img into `work`."""
    name = "bochs"

    def __init__(self, args, work, tty):
        self._work = work
        self._log = work / "bochs.log"
        self._log_read = 0
        self._triple_fault = self._power_off = False
        self._process = None
        self._keyboard = None
        self._environment = dict(os.environ, TERM="vt100")
        if args.screen:
            self._environment["BULKHEAD_VRAM"] = str(work / "vram.bin")
        (work / "bochsrc").write_text(BOCHSRC.format(
            cpu=args.cpu or DEFAULT_CPU, count=f"1:{args.cores // args.threads}:{args.threads}" if args.threads > 1 else args.cores,
            mhz=args.mhz, memory=args.memory, tty=tty,
            com2=f"com2: enabled=1, mode=term, dev={args.debug.tty}\n" if args.debug else "",
            date=calendar.timegm(args.date.timetuple()) + NOON_S if args.date else "local",
            slots=", slot1=pcivga" if args.screen else "", firmware=FIRMWARE,
            ignore_bad_msrs=int(args.cpu in IGNORES_BAD_MSRS)), encoding="utf-8")

    def start(self):
        self._display, display = os.openpty()
        with open(self._work / "bochs.out", "wb") as out:
            self._process = process.start([LAUNCHER, "-q", "-f", "bochsrc"], cwd=self._work,
                                          env=self._environment, stdin=subprocess.DEVNULL,
                                          stdout=display, stderr=out)
        os.close(display)
        return self._process

    def event_fd(self):
        """The terminal that Bochs draws on must be read, or Bochs would wait for us."""
        return self._display

    def on_event(self):
        """Reads from event_fd(); False when there is nothing more to come."""
        try:
            return bool(os.read(self._display, 65536))
        except OSError:
            return False

    def write(self, keys):
        """Presses one key: what arrives on the terminal that the display has opened for itself is
        typed on the machine's PS/2 keyboard, whose controller holds 16 codes, four of them for one
        key with shift. Returns how many it took."""
        if self._keyboard is None:
            screen = SCREEN.search((self._work / "bochs.out").read_bytes())
            if not screen:
                return 0
            self._keyboard = os.open(screen[1], os.O_RDWR | os.O_NOCTTY)
            mode = termios.tcgetattr(self._keyboard)
            mode[1] &= ~termios.OPOST
            termios.tcsetattr(self._keyboard, termios.TCSANOW, mode)
        return os.write(self._keyboard, keys[:1].replace(b"\r", b"\n"))

    def poll(self):
        """Returns why the machine cannot go on, or None."""
        try:
            with open(self._log, "rb") as log:
                log.seek(self._log_read)
                news = log.read()
        except FileNotFoundError:
            return None
        self._log_read += news.rfind(b"\n") + 1        # a half line is read again
        self._triple_fault |= TRIPLE_FAULT in news
        self._power_off |= any(word in news for word in POWER_OFF)
        return "the processor shut down: triple fault" if self._triple_fault else None

    def screenshot(self, path):
        """Saves the screen; returns why it could not."""
        modes = VIDEO_MODE.findall(self._log.read_bytes())
        if not modes or int(modes[-1][2]) != 32:
            return "the machine has no 32-bit graphics mode set"
        width, height = int(modes[-1][0]), int(modes[-1][1])
        with open(self._work / "vram.bin", "rb") as vram:
            path.write_bytes(png.from_bgrx(vram.read(width * height * 4), width, height))
        return None

    def end(self):
        """Ends the machine; returns None after a clean power-off, else what happened."""
        running = self._process.poll() is None
        status = process.end(self._process)
        os.close(self._display)
        if self._keyboard is not None:
            os.close(self._keyboard)
        reason = self.poll()    # a core may have shut down, and another have powered off
        if self._power_off and not self._triple_fault:
            return None
        return reason or ("ended from outside" if running else f"Bochs ended with status {status}")

    def last_words(self, count=15):
        """The last lines that are worse than chatter, of the log or of Bochs' own output."""
        for path in (self._log, self._work / "bochs.out"):
            text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
            lines = text.splitlines()
            if lines:
                return ([line for line in lines if WORTH_SAYING.match(line)] or lines)[-count:]
        return []

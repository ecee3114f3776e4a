# SPDX-License-Identifier: MIT
"""QEMU, with TCG or KVM. Its management socket (QMP) is its standard input and output: it tells why
the machine stopped, and takes the picture of the screen."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

from . import process, us_keyboard

PROGRAM = pathlib.Path(__file__).resolve().parent.parent / "qemu" / "qemu"
# Debian's and Ubuntu's, Fedora's.
FIRMWARES = [pathlib.Path("/usr/share/ovmf/OVMF.fd"), pathlib.Path("/usr/share/edk2/ovmf/OVMF_CODE.fd")]
FIRMWARE = next((file for file in FIRMWARES if file.exists()), FIRMWARES[0])
# The same firmware in two flash chips: its code, and an empty store of variables, which stay.
FLASHES = [(pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
           (pathlib.Path("/usr/share/edk2/ovmf/OVMF_CODE.fd"), pathlib.Path("/usr/share/edk2/ovmf/OVMF_VARS.fd"))]
FLASH = next((files for files in FLASHES if files[0].exists()), FLASHES[0])
# The model of an AMD processor of which TCG has most; its SVM is on, its x2APIC has to be asked for.
DEFAULT_CPU = {"qemu": "EPYC-Rome,+x2apic", "kvm": "host"}
ACCELERATOR = {"qemu": "tcg", "kvm": "kvm"}
# With all that they can do. No processor looks at the vendor.
IOMMUS = {"intel": "intel-iommu,intremap=on,eim=on,aw-bits=48", "amd": "amd-iommu,intremap=on,xtsup=on"}
GDB_PORT = "localhost:1234"
REPLY_TIMEOUT_S = 10

# What QEMU says of every machine: what the model has and TCG has not, and modules of another QEMU's
# that it has looked into.
NOISE = re.compile(r"TCG doesn't support requested feature|[Ff]ailed to initialize module"
                   r"|Only modules from the same build can be loaded")

# Reasons in QMP's SHUTDOWN event.
POWER_OFF = "guest-shutdown"
STOPS = {
    POWER_OFF: "the machine powered off",
    "guest-reset": "the machine was reset: triple fault, or a reset asked for",
}


# Kinds of --device with a disk of FILE.
DISKS = {"sata": ["ich9-ahci,id={name}-ports", "ide-hd,bus={name}-ports.0,drive={name}"],
         "nvme": ["nvme,serial={name},drive={name}"],
         "usb": ["qemu-xhci,id={name}-ports", "usb-storage,bus={name}-ports.0,drive={name}"]}


def device(spec, number, iommu):
    """The options for a device of scripts/run's --device."""
    kind, _, file = spec.partition("=")
    name = f"given{number}"
    if kind in DISKS:
        return ["-drive", f"if=none,format=raw,id={name},file={file.replace(',', ',,')}",
                *(word for option in DISKS[kind] for word in ("-device", option.format(name=name)))]
    if spec == "ethernet":
        card = ["-netdev", f"user,id={name}", "-device", f"igb,netdev={name}"]
        if iommu == "amd":      # QEMU's takes what is behind a port for a device of bus 0
            return card
        return ["-device", f"pcie-root-port,id={name}-port,chassis={number},slot={number}",
                *card[:-1], f"{card[-1]},bus={name}-port"]
    return ["-device", spec]


def kvm_refusal():
    """Why the kvm engine cannot offer VT-x or SVM here; None if it can. A /dev/kvm that opens proves
    nothing: QEMU is asked for a virtual CPU that must have it."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as error:
        return f"/dev/kvm: {error.strerror}"
    flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
    feature = next((flag for flag in ("vmx", "svm") if flag in flags), None)
    if feature is None:
        return "/dev/kvm exists, but this processor has neither VT-x nor SVM"
    probe = subprocess.run(
        [PROGRAM, "-machine", "q35,accel=kvm", "-cpu", f"host,+{feature},enforce", "-m", "64",
         "-display", "none", "-nodefaults", "-S", "-qmp", "stdio"],
        input='{"execute":"qmp_capabilities"}{"execute":"quit"}', text=True, check=False,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=REPLY_TIMEOUT_S)
    if probe.returncode != 0:
        return f"KVM does not offer {feature} to its guests: " + "; ".join(worth_saying(probe.stderr))
    return None


def worth_saying(stderr):
    """The lines that are not noise."""
    return [line for line in stderr.splitlines() if not NOISE.search(line)]


class Qmp:
    """The few words of QMP that we need, over a connected socket."""

    def __init__(self, sock):
        self.sock = sock
        self.events = []
        self.noise = []     # what an aborting QEMU prints between them
        self._partial = b""

    def receive(self):
        """Reads once; returns the messages that became complete. An empty read is the end."""
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        *lines, self._partial = (self._partial + data).split(b"\n")
        messages = [json.loads(line) for line in lines if line.startswith(b"{")]
        self.noise += [line.decode(errors="replace").strip() for line in lines
                       if not line.startswith(b"{") and line.strip()]
        self.events += [message for message in messages if "event" in message]
        return messages

    def send(self, command, **arguments):
        self.sock.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())

    def ask(self, command, **arguments):
        """Returns the reply's error text, or None."""
        self.send(command, **arguments)
        while True:
            for message in self.receive():
                if "return" in message:
                    return None
                if "error" in message:
                    return message["error"]["desc"]


def firmware(variables):
    """QEMU's options for the firmware. Its variables are lost with the machine, unless they have a file."""
    if variables is None:
        return ["-bios", FIRMWARE]
    code, empty = FLASH
    if not variables.exists():
        shutil.copyfile(empty, variables)
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={variables}"]


class Qemu:
    """One machine in QEMU. The caller has put disk.img into `work`."""

    def __init__(self, args, work, tty):
        self.name = args.engine
        self._work = work
        self._process = None
        self._qmp = None
        cpu = args.cpu or DEFAULT_CPU[args.engine]
        # KVM's own interrupt controllers do not remap.
        split = ",kernel-irqchip=split" if args.iommu and args.engine == "kvm" else ""
        self._command = [
            PROGRAM, "-machine", f"q35,accel={ACCELERATOR[args.engine]}{split}", "-cpu", cpu,
            "-smp", f"{args.cores},sockets=1,threads={args.threads}" if args.threads > 1 else args.cores,
            "-m", args.memory, *firmware(args.vars),
            "-drive", f"format=raw,file={work / 'disk.img'}", "-serial", tty,
            *(["-serial", args.debug.tty] if args.debug else []),
            "-display", "none", "-net", "none", "-qmp", "stdio",
            # Stay, stopped, at power-off: the screen is still to be read. A reset ends the run.
            "-no-shutdown", "-no-reboot",
            *(["-device", IOMMUS[args.iommu]] if args.iommu else []),
            *(word for n, spec in enumerate(args.device) for word in device(spec, n, args.iommu)),
            *args.qemu,
        ]
        if args.date:
            self._command += ["-rtc", f"base={args.date}T12:00:00"]
        if args.plugin:
            self._command += ["-plugin", args.plugin[0], "-d", "plugin", "-D", args.plugin[1]]
        if args.gdb:
            self._command += ["-S", "-gdb", f"tcp:{GDB_PORT}" if args.gdb == GDB_PORT
                              else f"unix:{args.gdb},server=on,wait=off"]

    def start(self):
        ours, theirs = socket.socketpair()
        with theirs, open(self._work / "qemu.err", "wb") as err:
            self._process = process.start(self._command, stdin=theirs, stdout=theirs, stderr=err)
        ours.settimeout(REPLY_TIMEOUT_S)
        self._qmp = Qmp(ours)
        self._qmp.send("qmp_capabilities")
        return self._process

    def event_fd(self):
        return self._qmp.sock

    def on_event(self):
        """Reads from event_fd(); False when there is nothing more to come."""
        try:
            self._qmp.receive()
        except (OSError, EOFError):
            return False
        return True

    def poll(self):
        """Returns why the machine cannot go on, or None."""
        return STOPS.get(reason, f"QEMU stopped: {reason}") if (reason := self._stop()) else None

    def _stop(self):
        """QEMU's word for why the machine stopped; None while it runs."""
        for event in self._qmp.events:
            if event["event"] == "SHUTDOWN":
                return event["data"]["reason"]
        return None

    def write(self, keys):
        """Presses one key on the PS/2 keyboard. Returns how many it took."""
        codes = us_keyboard.CODES.get(keys[:1], ())
        presses = [(code, True) for code in codes] + [(code, False) for code in reversed(codes)]
        if presses:
            self._qmp.send("input-send-event", events=[
                {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": code}}}
                for code, down in presses])
        return 1

    def screenshot(self, path):
        """Saves the screen; returns why it could not."""
        try:
            return self._qmp.ask("screendump", filename=str(path.absolute()), format="png")
        except (OSError, EOFError):
            return "QEMU ended before the screen could be saved"

    def end(self):
        """Ends the machine; returns None after a clean power-off, else what happened."""
        running = self._process.poll() is None
        status = process.end(self._process)
        self._qmp.sock.close()
        if self._stop() == POWER_OFF:
            return None
        return self.poll() or ("ended from outside" if running
                               else f"QEMU ended with status {status}")

    def last_words(self, count=15):
        text = (self._work / "qemu.err").read_text(encoding="utf-8", errors="replace")
        lines = worth_saying(text) + self._qmp.noise
        fatal = next((at for at, line in enumerate(lines) if "fatal: " in line), -count)
        return lines[fatal:][:count]    # behind that word come all registers

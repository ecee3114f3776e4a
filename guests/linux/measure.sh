# SPDX-License-Identifier: MIT
# Run by guests/linux/init for scripts/bench-devices: makes /bin/measure, which does one thing and says
# when it is done. How long that took is for the host to say: an emulated machine's clock may be wrong.
cat > /bin/measure <<'END'
#!/bin/sh
# measure read|write|small DISK NUMBER; measure fetch URL. In MiB, without the kernel's cache; of 4 KiB.
case $1 in
read) dd if="$2" of=/dev/null bs=1M count="$3" iflag=direct 2>/dev/null ;;
write) dd if=/dev/zero of="$2" bs=1M count="$3" oflag=direct 2>/dev/null ;;
small) dd if="$2" of=/dev/null bs=4k count="$3" iflag=direct 2>/dev/null ;;
fetch) wget -q -O /dev/null "$2" ;;
esac
echo "status=$?="
END
chmod +x /bin/measure
if [ -d /sys/class/net/eth0 ]; then
    ip link set eth0 up
    ip addr add 10.0.2.15/24 dev eth0
fi

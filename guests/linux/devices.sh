# SPDX-License-Identifier: MIT
# Run by guests/linux/init: the network of the card that the guest has, by DHCP.
mkdir -p /tmp && mount -t tmpfs tmp /tmp
cat > /tmp/dhcp <<'END'
#!/bin/sh
[ "$1" = bound ] || [ "$1" = renew ] || exit 0
ip addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
[ -n "$router" ] && ip route replace default via "${router%% *}"
[ -n "$dns" ] && echo "nameserver ${dns%% *}" > /etc/resolv.conf
echo "$interface has address $ip"
END
chmod +x /tmp/dhcp
mkdir -p /etc
ip link set lo up
if [ -d /sys/class/net/eth0 ]; then
    ip link set eth0 up
    udhcpc -q -n -t 20 -i eth0 -s /tmp/dhcp
fi

# SPDX-License-Identifier: MIT
# What a guest of links.conf does before its shell: the network to its neighbour, at the address that
# its command line names.
address=$(sed -n 's/.*\<address=\([^ ]*\).*/\1/p' /proc/cmdline)
ip link set lo up
bhlink net 0 link0 &
for i in $(seq 50); do [ -e /sys/class/net/link0 ] || sleep 0.1; done
ip addr add "$address/24" dev link0
ip link set link0 up
echo "link0 has $address. Try: ping -c 3 10.0.0.1 (or .2); bhlink; bhlink show 1"

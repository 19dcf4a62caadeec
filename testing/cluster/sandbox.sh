#!/bin/bash
# Process 1 of a sandbox: arranges the namespaces that it was started in and runs what it is given. All that was started
# in here ends with it. Arguments: a folder for the sandbox's own files, then the command.
set -eu
folder=$1
shift

# Nothing of the machine's network is in here, and no way leads out: every address is free to take.
ip link set lo up
ip link add node0 type veth peer name node1
ip link set node0 up
ip link set node1 up
echo 1 >/proc/sys/net/ipv4/ip_forward

# Programs write at these places; the machine's own stay as they are.
for place in /run /var/log /var/lib/cni; do
  mkdir -p "$place"
  mount -t tmpfs tmpfs "$place"
done
mkdir -p /run/netns
# Volumes that a kubelet mounts here reach containers that run already.
mount --bind "$folder" "$folder"
mount --make-rshared "$folder"
# Names of Services are known in here.
printf 'nameserver 10.96.0.10\nsearch svc.cluster.local cluster.local\noptions ndots:2\n' >"$folder/resolv.conf"
names=$(realpath -m /etc/resolv.conf)
if [[ $names == /run/* ]]; then
  mkdir -p "$(dirname "$names")"
  touch "$names"
fi
mount --bind "$folder/resolv.conf" "$names"

"$@" &
command=$!
trap 'kill -TERM $command' TERM
trap : INT
# A signal ends a wait early; orphans are reaped by the way.
status=0
while kill -0 $command 2>/dev/null; do
  status=0
  wait $command || status=$?
done
exit $status

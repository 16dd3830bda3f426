#!/usr/bin/env bash
# Records demo.pcap on the running kernel, and writes its golden file and PROVENANCE.md.
#
# Usage: examples/dump/record-demo.sh        (from the top of the repository)
#
# Needs root, and a machine without an audit daemon and without audit rules.
set -euo pipefail

cargo build --release --examples --tests
# a temporary directory, so that no build path gets into the capture
folder=$(mktemp -d /tmp/demo.XXXX)
cp target/release/examples/{dump,auditctl} "$folder"
cp "$(ls -t target/release/deps/live-* | grep -v '\.d$' | head -1)" "$folder/helper"
here=$PWD
cd "$folder"
export PATH="$folder:/usr/sbin:/usr/bin:/sbin:/bin"

limit=$(cat /proc/sys/net/core/rmem_max)
restore() {
    echo "$limit" >/proc/sys/net/core/rmem_max
    "$folder/auditctl" -D >/dev/null
    "$folder/auditctl" -e 0 >/dev/null
    rm -rf "$folder"
}
trap restore EXIT

./auditctl -e 1 >/dev/null
# a small receive buffer, so that a stall overflows it; only CAP_NET_ADMIN could exceed the limit
echo 50000 >/proc/sys/net/core/rmem_max
setpriv --bounding-set -net_admin --inh-caps -net_admin \
    "$folder/dump" --observer --format none --write demo.pcap &
dump=$!
sleep 0.5
user=61234
for arch in b64 b32; do
    ./auditctl -a always,exit -F arch=$arch -S clone,fork,vfork,execve,execveat,exit,exit_group,clone3,connect \
        -F uid=$user -k demo
    ./auditctl -a always,exit -F arch=$arch -S getppid -F uid=$user -k storm
done
as_user() { setpriv --reuid $user --clear-groups "$@"; }
as_user /bin/bash -c '/bin/echo "two words" "ünïcode" >/dev/null; exit 3' || true
as_user /bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' 2>/dev/null || true
as_user "$folder/helper" storm 1 b32
"$folder/helper" say 'op=demo acct="nobody" exe="/usr/bin/demo" res=success'
# two threads at once, for interleaved events
as_user "$folder/helper" pair 12
sleep 0.3
kill -STOP $dump
as_user "$folder/helper" storm 200
sleep 0.3
kill -CONT $dump
sleep 0.3
as_user "$folder/helper" storm 2
sleep 2.5
kill -TERM $dump
wait $dump

cp demo.pcap "$here/examples/dump/demo.pcap"
cd "$here"
"$folder/dump" --capture examples/dump/demo.pcap --format json >examples/dump/demo.expected.jsonl 2>/dev/null
cat >examples/dump/PROVENANCE.md <<EOF
# Where demo.pcap comes from

| | |
|---|---|
| made by | \`examples/dump/record-demo.sh\`, with this project's own \`dump --observer --write\` |
| kernel | Linux $(uname -r | cut -d- -f1), $(uname -m) |
| date | $(date -u +%F) |
| shows | a shell with an \`exec\` whose arguments are in hex, forks, exits with status 3, a refused \`connect\`, a 32-bit system call, a user message, records of two threads interleaved, and one loss: the reader was stopped while 200 calls were recorded, with a receive buffer of 100 kB |
| expected output | \`demo.expected.jsonl\`: \`dump --capture examples/dump/demo.pcap --format json\`, written by the same script; read its diff when the capture or the format changes |
EOF

#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The recorder as the DaemonSet runs it, as far as that goes without Kubernetes: only the binary and its libraries, a root that cannot be
# written, namespaces of its own for mounts, cgroups and IPC, exactly the manifest's arguments and capabilities. It records, names pod and
# container of who waits and of who had the CPU, answers the probe; without one of the two capabilities it needs it says so.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/python.sh"
need_bpf
need_command unshare
need_command setpriv
need_module yaml python3-yaml

manifest=scripts/kubernetes/daemonset.yaml
"$python" tests/e2e/manifest.py "$manifest" >"$tmp/manifest" || fail "$manifest is not as it should be"
said() {
	sed -n "s/^$1 //p" "$tmp/manifest"
}

# The image's packages hold every library that is linked: those of others come with them.
listed=$(sed -n '/^FROM debian:12-slim/,/^COPY/p' scripts/container/Dockerfile)
for library in bpf1 cap-ng0 elf1 inih1 jansson4 microhttpd12 seccomp2; do
	case $listed in *"lib$library"*) ;; *) fail "the Dockerfile does not install lib$library" ;; esac
done
objdump -p "$kflight" 2>/dev/null | sed -n 's/^ *NEEDED *//p' >"$tmp/needed"
while read -r library; do
	case $library in libc.so.* | libz.so.* | ld-linux*) continue ;; esac
	name=${library%.so.*}${library##*.so.}
	case $listed in *"$name"*) ;; *) fail "the Dockerfile does not install '$library'" ;; esac
done <"$tmp/needed"

# The image: binary, libraries, and setpriv, which takes the place of the container runtime.
image=$tmp/image
mkdir -p "$image"/{usr/bin,run/kflight,var/lib/kflight,proc,sys,dev,tmp} "$tmp/out"
cp "$kflight" "$(command -v setpriv)" "$image/usr/bin/"
ldd "$kflight" "$(command -v setpriv)" | grep -oE '/[^ ]+\.so[^ ]*' | sort -u >"$tmp/libraries"
while read -r library; do
	mkdir -p "$image$(dirname "$library")"
	cp -L "$library" "$image$library"
done <"$tmp/libraries"

cat >"$tmp/run" <<'END'
#!/bin/bash
# run IMAGE OUT CAPABILITIES COMMAND...
set -e
image=$1 out=$2 capabilities=$3
shift 3
mount --make-rprivate /
mount --bind "$image" "$image"
mount --rbind /proc "$image/proc"
mount --rbind /sys "$image/sys"
mount --bind /dev "$image/dev"
mount --bind "$out" "$image/var/lib/kflight"
mount -t tmpfs none "$image/run/kflight"
mount -o remount,bind,ro "$image"
exec chroot "$image" /usr/bin/setpriv --no-new-privs --bounding-set="-all,$capabilities" --inh-caps=-all "$@"
END
chmod +x "$tmp/run"

groups=()
remove_groups() {
	local i p

	for p in "${started[@]}"; do # a cgroup with somebody in it stays
		is_gone "$p" || kill "$p"
		end_within 10 "$p"
	done
	for ((i = ${#groups[@]} - 1; i >= 0; i--)); do
		until_true 5 rmdir "${groups[i]}"
	done
}
# make_group FOLDER PATH: below a cgroup folder that exists; the last one in $group.
declare -A realtime=([kflight-test-$$]=900000 [kubepods]=850000 [self]=0)
make_group() {
	local part

	group=$1
	for part in $2; do
		group=$group/$part
		[ -d "$group" ] && continue
		mkdir "$group" || return 1
		groups+=("$group")
		# Where a kernel gives cgroups real-time time of their own, new ones have none.
		echo "${realtime[$part]:-400000}" 2>/dev/null >"$group/cpu.rt_runtime_us"
	done
	return 0
}
at_end+=(remove_groups)
hierarchy=/sys/fs/cgroup
[ -e "$hierarchy/cgroup.procs" ] || hierarchy=/sys/fs/cgroup/cpu
[ -e "$hierarchy/cgroup.procs" ] || skip 'no cgroup hierarchy with the cpu controller'

# in_group FOLDER COMMAND...
in_group() {
	echo "$BASHPID" >"$1/cgroup.procs" && shift && exec "$@"
}

# in_container CAPABILITIES COMMAND...: in a cgroup of its own, which is the root it sees.
in_container() {
	in_group "$own_group" unshare --mount --cgroup --ipc "$tmp/run" "$image" "$tmp/out" "$@"
}
top=kflight-test-$$
make_group "$hierarchy" "$top self" || skip "cannot make a cgroup in '$hierarchy'"
own_group=$group

for missing in bpf perfmon; do
	(in_container "$(said capabilities | sed "s/+$missing,\?//")" /usr/bin/kflight record -o /var/lib/kflight --duration 1s) \
		>"$tmp/rec.out" 2>"$tmp/rec.err"
	expect "status without $missing" 3 $?
	expect_match "the error without $missing" "no CAP_${missing^^}" "$tmp/rec.err"
done

# A pod each for victim and hog; those of a node that is no container.
id=0ba8ac17e4e7a31fb82279503552fe94e64bab4745bf6fd2ff231e7c8ca8bed0
other=358607a37e7ada357032e7f5729c9ae6a3efdb7962acbcbe47ff6a3c5506cb1c
make_group "$hierarchy" "$top kubepods burstable pod2ca4a155-3599-498d-bb9d-4446693fa3ea $id" || fail 'no cgroup for the victim'
start in_group "$group" "$work/victim" -c "$(last_cpu)" -r -s 60 2>"$tmp/victim.err"
victim=$pid
make_group "$hierarchy" "$top kubepods besteffort pod7c9e1d22-0b6a-4f0e-9a55-d1a0a4b8e6f1 $other" || fail 'no cgroup for the hog'
start in_group "$group" "$work/hog" -c "$(last_cpu)" -r -s 60 2>"$tmp/hog.err"
hog=$pid

# The hog's pod weighs more: else the victim, which sleeps most of the time, hardly waits.
give_weight() {
	echo "$3" 2>/dev/null >"$1/cpu.shares" || echo "$2" 2>/dev/null >"$1/cpu.weight"
}
give_weight "$hierarchy/$top/kubepods/burstable" 1 2
give_weight "$hierarchy/$top/kubepods/besteffort" 10000 262144

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# shellcheck disable=SC2046 # a word each
set -- $(said args | sed "s/--trigger=[^ ]*/--trigger=runq>5ms/; s/\$(NODE_IP):9477/127.0.0.1:$port/")
start in_container "$(said capabilities)" /usr/bin/kflight "$@" -p "$victim" --after 300ms >"$tmp/rec.out" 2>"$tmp/rec.err"
recorder=$pid
wait_recording "$recorder" "$tmp/rec.err"
until_true 20 grep -q '\.kfl$' "$tmp/rec.out" || fail "no snapshot: $(tail -5 "$tmp/rec.err")"
snapshot=$tmp/out/$(basename "$(tail -1 "$tmp/rec.out")")
"$kflight" report "$snapshot" >"$tmp/report" || fail "report failed"
expect_match 'containers in the sentence' "victim/$victim \[0ba8ac17e4e7\] waited .* hog/$hog \[358607a37e7a\]" "$tmp/report"
"$kflight" export -f csv "$snapshot" >"$tmp/csv" || fail "export failed"
expect_match 'pods in the table' \
	',2ca4a155-3599-498d-bb9d-4446693fa3ea,0ba8ac17e4e7,[^,]*,7c9e1d22-0b6a-4f0e-9a55-d1a0a4b8e6f1,358607a37e7a,[^,]*$' "$tmp/csv"
curl -sSf "http://127.0.0.1:$port/metrics" >"$tmp/metrics" || fail 'no metrics'
expect_match 'the snapshot is counted' '^kflight_snapshots_total\{result="written"\} [1-9]' "$tmp/metrics"

# The probe runs beside the recorder: in its mount namespace, below the same root.
# shellcheck disable=SC2046 # a word each
nsenter --mount --root --target "$recorder" $(said probe) >"$tmp/status" 2>&1 || fail "the probe failed: $(cat "$tmp/status")"
expect_match 'what it says' 'recording' "$tmp/status"
sed -n 's/^Cap\(Eff\|Bnd\):\t*/\1 /p' "/proc/$recorder/status" >"$tmp/caps"
figure "capabilities in the container: $(said capabilities); of the recorder while it records: $(tr '\n' ' ' <"$tmp/caps")"
stop_recorder
kill "$victim" "$hog"
end_within 5 "$victim" && end_within 5 "$hog"

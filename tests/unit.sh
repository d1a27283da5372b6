#!/usr/bin/env bash
# Runs the Debian package's unit under a systemd of its own, in namespaces over a copy of this machine that is gone
# afterwards: installed, started, reloaded, restarted with its history, bound by a socket unit, restarted by its
# watchdog, stopped, purged. What tests/package.sh does without a service manager, with one.
#
#   tests/package.sh build && tests/unit.sh [PACKAGE]
#
# Needs root with CAP_SYS_ADMIN, systemd 250 or later as a program, overlayfs, python3, and a cgroup2 file system somewhere.
# Nothing of the machine's own systemd is touched, if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "failed: $*" >&2; exit 1; }
deb=${1:-$(ls -t "${CARGO_TARGET_DIR:-target}"/debian/parlor_*.deb 2>/dev/null | head -n 1)}
[ -f "$deb" ] || fail "there is no package; tests/package.sh build makes one"
[ "$(id -u)" = 0 ] || fail "it needs root"
[ -x /lib/systemd/systemd ] || fail "there is no systemd to try it with"
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$groups" ] || fail "no cgroup2 is mounted"

work=$(mktemp -d)
group=$groups/parlor-unit-$$
system=
cleanup() {
  if [ -n "$system" ]; then
    kill -9 "$system" 2>/dev/null || true
    wait "$system" 2>/dev/null || true
  fi
  for _ in $(seq 50); do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || sleep 0.1
  done
  rm -rf "$work"
}
trap cleanup EXIT

cat >"$work/begin" <<'EOF'
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for folder in dev run tmp; do mount -t tmpfs tmpfs "$folder"; done
for device in null zero full random urandom tty; do
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
# Another machine: its own number, nothing to mount, no services but the basic ones.
: >etc/machine-id
: >etc/fstab
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
rm -f etc/systemd/system/multi-user.target.wants/* usr/sbin/policy-rc.d
ip link set lo up
mkdir -p old
# A root that is no chroot: in one, no user namespace can be made, and PrivateUsers= needs one.
pivot_root . old
exec env -i container=parlor-test PATH=/usr/bin:/bin:/usr/sbin:/sbin \
  /bin/sh -c 'umount -l /old; exec /lib/systemd/systemd --system --show-status=no'
EOF

mkdir "$group" "$work/system"
(
  echo "$BASHPID" >"$group/cgroup.procs"
  exec unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child bash "$work/begin" "$work/system"
) >"$work/log" 2>&1 &
system=$!

first=
inside() { nsenter -t "$first" -m -p -u -i -n -C -r -w "$@"; }
until_true() {
  local what=$1
  shift
  for _ in $(seq 300); do
    ! "$@" >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  cat "$work/log" >&2
  inside journalctl --no-pager -n 50 -u parlor.service >&2 || true
  fail "$what"
}
find_first() { first=$(pgrep -P "$system"); }
is_up() { inside systemctl is-system-running | grep >/dev/null -E 'running|degraded'; }
journal_has() { inside journalctl --no-pager -u parlor.service | grep >/dev/null "$1"; }
pid() { inside systemctl show parlor.service -p MainPID --value; }
# Says something, and shows all that is heard.
talk() {
  inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/8888; printf "%s\n" "$@" /quit >&3; timeout 10 cat <&3' talk "$@"
}
operate() {
  inside python3 -c '
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect("/run/parlor/admin")
line.sendall(("\n".join(sys.argv[1:]) + "\nquit\n").encode())
line.shutdown(socket.SHUT_WR)
while heard := line.recv(65536):
    sys.stdout.write(heard.decode())' "$@"
}

until_true "there is no first process" find_first
until_true "systemd does not come up" is_up
echo "== systemd is up: $(inside systemctl --version | head -n 1)"

cp "$deb" "/proc/$first/root/parlor.deb"
inside dpkg --install /parlor.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg" >&2; fail "it does not install"; }
inside systemctl is-active --quiet parlor.service || fail "it was not started"
echo "== $(inside systemd-analyze security parlor.service --no-pager | tail -n 1)"

inside tee /etc/parlor/parlor.toml >/dev/null <<'EOF'
listen = ["chat=127.0.0.1:8888", "admin=unix:/run/parlor/admin", "files=unix:/run/parlor/files", "run=unix:/run/parlor/run"]
accounts = "/etc/parlor/accounts"
[run.who]
argv = ["id", "-un"]
EOF
echo 'a password of alice' | inside parlor passwd /etc/parlor/accounts alice
inside chown parlor /etc/parlor/accounts
inside systemctl restart parlor.service || fail "it does not start with a configuration of ours"
talk 'said before the restart' | grep >/dev/null '^- parlor chat: you are guest1' || fail "it does not greet"
operate stats | grep >/dev/null '^- end stats' || fail "its admin socket does not answer"
inside parlor run --at unix:/run/parlor/run who | grep >/dev/null -x parlor || fail "it runs no command"
inside parlor put /etc/hostname unix:/run/parlor/files >/dev/null 2>&1 || fail "it takes no file"
echo "== it serves the chat, its operator, files and commands"

talk '/login alice a password of alice' | grep >/dev/null '^- you are alice' || fail "nobody can log in"
niced() { grep -hq '^[0-9]* ([^)]*) [A-Z]\( [-0-9]*\)\{15\} 19 ' /proc/"$1"/task/*/stat; }
inside bash -c "$(declare -f niced); niced $(pid)" || fail "passwords are not checked by a helper that lets others go first"
echo "== somebody logs in; the helper lets others go first"

inside sed -i '1i max-connections = 77' /etc/parlor/parlor.toml
inside systemctl reload parlor.service || fail "it does not reload"
until_true "it has not read its configuration again" journal_has 'reloaded: max-connections = 77 (was 10000)'
inside systemctl restart parlor.service
talk /history | grep >/dev/null '<guest1> said before the restart$' || fail "it has forgotten"
[ -z "$(inside find /var/lib/parlor ! -user parlor -o -perm /077)" ] || fail "others could read the history"
echo "== it reloads, and restarts with its history"

inside mkdir -p /run/systemd/system/parlor.service.d
printf '[Service]\nWatchdogSec=1\nRestartSec=100ms\n' | inside tee /run/systemd/system/parlor.service.d/soon.conf >/dev/null
inside systemctl daemon-reload
inside systemctl restart parlor.service
before=$(pid)
sleep 3
[ "$(pid)" = "$before" ] || fail "its watchdog bites though the loop turns"
inside kill -STOP "$before"
is_another() { [ "$(pid)" != "$before" ] && [ "$(pid)" != 0 ] && inside systemctl is-active --quiet parlor.service; }
until_true "its watchdog does not bite" is_another
echo "== a loop that hangs is restarted"

inside systemctl stop parlor.service
[ "$(inside systemctl show parlor.service -p Result --value)" = success ] || fail "it did not stop cleanly"
printf '[Socket]\nListenStream=127.0.0.1:8888\nFileDescriptorName=chat\n' | inside tee /run/systemd/system/parlor.socket >/dev/null
inside sed -i '/^listen/d' /etc/parlor/parlor.toml
inside systemctl daemon-reload
inside systemctl start parlor.socket
talk /history | grep >/dev/null '<guest1> said before the restart$' || fail "it does not take a socket over"
inside systemctl is-active --quiet parlor.service || fail "the socket has not started it"
echo "== it takes over a socket, and is started by whoever comes"

inside systemctl stop parlor.socket parlor.service
inside rm /run/systemd/system/parlor.socket
inside dpkg --remove parlor >/dev/null 2>&1 || fail "it can't be removed"
inside dpkg --install /parlor.deb >/dev/null 2>&1 || fail "it does not install again"
inside systemctl is-active --quiet parlor.service || fail "it is not started when it is installed again"
talk /history | grep >/dev/null '<guest1> said before the restart$' || fail "it was removed, and has forgotten"
inside systemctl disable --now parlor.service >/dev/null 2>&1
inside dpkg --install /parlor.deb >/dev/null 2>&1 || fail "it does not install over itself"
! inside systemctl is-active --quiet parlor.service || fail "it starts though its administrator has disabled it"
echo "== it is removed and comes back; disabled, it stays so"

inside dpkg --purge parlor >/dev/null 2>&1 || fail "it can't be purged"
[ -z "$(inside sh -c 'ls -d /etc/parlor /var/lib/parlor /usr/bin/parlor 2>/dev/null')" ] || fail "purging left something"
echo "the unit starts, serves, reloads, restarts with its history, hears its watchdog, takes over a socket, stops and goes"

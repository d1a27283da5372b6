#!/usr/bin/env bash
# Builds the Debian package and tries it: installs it, starts it as its user, serves, restarts it with its history, stops
# it, and purges it. Needs root, dpkg and cargo-deb (`cargo install cargo-deb`). No service manager is needed: what the
# unit would do is done here.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
package=$target/release/package
step() { printf '\n== %s\n' "$*" >&2; "$@"; }
fail() { echo "failed: $*" >&2; exit 1; }

step cargo build --release --locked
mkdir -p "$package"
rm -f "$package"/*
parlor=$target/release/parlor
"$parlor" generate man >"$package/parlor.1"
for command in $("$parlor" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v help); do
  "$parlor" generate man "$command" >"$package/parlor-$command.1"
done
gzip -9n "$package"/*.1
"$parlor" generate completions bash >"$package/parlor.bash"
"$parlor" generate completions fish >"$package/parlor.fish"
"$parlor" generate completions zsh >"$package/_parlor"
deb=$(step cargo deb --no-build --locked | tail -n 1)
ls -l "$deb" >&2
[ "${1:-}" != build ] || exit 0
[ "$(id -u)" = 0 ] || fail "trying it needs root"
! dpkg -s parlor >/dev/null 2>&1 || fail "a package of this name is installed already; it is left alone"

work=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  dpkg --purge parlor >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT

step dpkg --install "$deb"
for file in /usr/bin/parlor /usr/lib/systemd/system/parlor.service /etc/parlor/parlor.toml; do
  [ -f "$file" ] || fail "$file is missing"
done
# Looked for in the package: a system may be told to leave manuals out.
contents=$(dpkg --contents "$deb")
for file in man/man1/parlor.1.gz man/man1/parlor-serve.1.gz bash-completion/completions/parlor; do
  grep -q "/usr/share/$file\$" <<<"$contents" || fail "$file is not in the package"
done
id parlor >/dev/null || fail "there is no user parlor"
parlor check /etc/parlor/parlor.toml

# As the unit does it.
state=/var/lib/parlor
install -d -m 700 -o parlor -g parlor "$state"
begin() {
  (cd / && exec setpriv --reuid parlor --regid parlor --clear-groups --no-new-privs --bounding-set=-all env -i \
    PATH=/usr/bin:/bin STATE_DIRECTORY="$state" PARLOR_LISTEN=chat=127.0.0.1:0 \
    /usr/bin/parlor serve --config /etc/parlor/parlor.toml) 2>"$work/log" &
  server=$!
  for _ in $(seq 200); do
    port=$(sed -n 's/.*listening chat 127.0.0.1:\([0-9]*\)$/\1/p' "$work/log")
    [ -z "$port" ] || return 0
    sleep 0.05
  done
  cat "$work/log" >&2
  fail "it does not listen"
}
finish() {
  kill "$server"
  wait "$server" || fail "it ended with $?"
  server=
}
# Says something, and shows all that is heard.
talk() {
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf '%s\n' "$@" /quit >&3
  timeout 10 cat <&3
  exec 3>&-
}

begin
talk 'said before the restart' | grep -q '^- parlor chat: you are guest1' || fail "it does not greet"
finish
begin
talk /history | grep -q '<guest1> said before the restart$' || fail "it has forgotten"
finish
[ -z "$(find "$state" ! -user parlor -o -perm /077)" ] || fail "others could read the history"

step dpkg --remove parlor
[ ! -e /usr/bin/parlor ] || fail "the program is still there"
[ -e /etc/parlor/parlor.toml ] && [ -d "$state" ] || fail "removing took the configuration or the history along"
step dpkg --purge parlor
[ ! -e /etc/parlor ] && [ ! -e "$state" ] || fail "purging left something behind"
userdel parlor 2>/dev/null || true
echo "the package installs, serves, restarts with its history, stops and goes"

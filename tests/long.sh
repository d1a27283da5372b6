#!/usr/bin/env bash
# The long versions of the tests that have one, with figures. Not part of the gate.
#
#   tests/long.sh                all of them, about ten minutes on two processors
#   tests/long.sh crash          200 lives that end by kill -9 (or, every fourth, by SIGTERM), receipts checked
#   tests/long.sh crowd          100 members, 20 of whom say a million messages; the same with ten who stop reading;
#                                a resume over a million messages while twenty go on talking
#   tests/long.sh slow           a million messages to one member who reads slowly, in each of the three ways
#   tests/long.sh idle           10,000 members who say nothing: memory, processor time, heartbeats
#   tests/long.sh client         a server killed 50 times under a client that speaks and one that follows; 100,000 lines said
#   tests/long.sh files          a gibibyte over a line that is cut twenty times; needs 2 GiB of disk and of memory
#   tests/long.sh accounts       19,800 passwords at once, from 9,900 addresses: how long others' words take meanwhile
#   tests/long.sh datagrams      a silent source of datagrams is forgotten, which takes half a minute
#
# idle and accounts need some 20,000 descriptors (ulimit -n).
set -euo pipefail
cd "$(dirname "$0")/.."
export PARLOR_LONG_TESTS=1
# Linked as for every day: what is measured differs little, and each test crate would be optimised as a whole.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
ulimit -n "$(ulimit -H -n)"
for test in ${*:-crash crowd slow idle client files accounts datagrams}; do
  printf '\n== %s\n' "$test"
  cargo test --release --locked --test "$test" -- --include-ignored --nocapture --test-threads=1
done

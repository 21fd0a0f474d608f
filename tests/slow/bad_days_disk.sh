#!/usr/bin/env bash
# Disks that are full, read-only or failing. Whatever is still mounted when this ends is unmounted.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
TMPDIR=$(mktemp -d)
export TMPDIR
clean() {
  awk -v below="$TMPDIR/" 'index($2, below) == 1 { print $2 }' /proc/mounts 2>/dev/null | sort -r | xargs -r umount -l
  rm -rf "$TMPDIR"
}
trap clean EXIT
trap 'exit 130' INT TERM
node_modules/.bin/bun test ./tests/e2e/bad_days_disk.ts

#!/usr/bin/env bash
# Disks that are full, read-only or failing. Mounts live in a namespace of their own, which goes when this ends.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
tests=(node_modules/.bin/bun test ./tests/e2e/bad_days_disk.ts)
if [ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null; then exec unshare --mount "${tests[@]}"; fi
exec "${tests[@]}"

#!/usr/bin/env bash
# Memory of a server under 64 uploads at once and slow readers; the whole of it: tests/soak/memory.
exec "$(dirname "${BASH_SOURCE[0]}")/../soak/memory" --megabytes 16 --seconds 5

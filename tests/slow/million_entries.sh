#!/usr/bin/env bash
# CI's share of tests/soak/million_entries: a tenth of the entries.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." && exec tests/soak/million_entries --entries 100000 --gap 1500

#!/usr/bin/env bash
# CI's share of tests/soak/push: a twentieth of the full run. Repeat a failure with ARTIFACTSTORE_TEST_SEED=<printed seed>.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." && exec tests/soak/push --mib 256 --files 100 --kills 2

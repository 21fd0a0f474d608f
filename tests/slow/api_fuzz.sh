#!/usr/bin/env bash
# CI's share of tests/fuzz/nightly: 50 cases for each operation, on Bun. Repeat a failure with ARTIFACTSTORE_TEST_SEED=<printed seed>.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." && exec tests/fuzz/api --examples 50

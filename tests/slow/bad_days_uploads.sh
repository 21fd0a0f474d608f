#!/usr/bin/env bash
# CI's share of tests/soak/uploads: a tenth of the full run. Repeat a failure with ARTIFACTSTORE_TEST_SEED=<printed seed>.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." && exec tests/soak/uploads --rounds 10 --seconds 60

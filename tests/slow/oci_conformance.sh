#!/usr/bin/env bash
# The conformance suite of the distribution spec on each runtime, where ARTIFACTSTORE_TEST_OCI_SUITE names its program.
exec "$(dirname "${BASH_SOURCE[0]}")/../oci/conformance" --runtimes bun,deno,node

# For suites in bash: `check SENTENCE COMMAND...` is one test, `finish` prints the count that .ci/run reads.
passed=0
failed=0

check() {
  local sentence=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    printf '(pass) %s\n' "$sentence"
  else
    failed=$((failed + 1))
    printf '(FAIL) %s: %s\n' "$sentence" "$*"
  fi
}

finish() {
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

# Settings of whoever runs this would change what is tested.
for name in $(compgen -e ARTIFACTSTORE_ || true); do unset "$name"; done

# For suites of several runs: `run COMMAND...` is one, whose last line counts; `finish` prints the sum for .ci/run. Where
# every run ended with 77, because what it needs is not here, so does the suite.
passed=0
failed=0
skipped=0

run() {
  local out p f status=0
  out=$("$@" 2>&1) || status=$?
  printf '%s\n' "$out"
  if [ "$status" -eq 77 ]; then skipped=1; return; fi
  read -r p _ f _ <<<"$(tail -n 1 <<<"$out")"
  if ! [[ $p =~ ^[0-9]+$ && $f =~ ^[0-9]+$ ]]; then p=0 f=1; fi
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  passed=$((passed + p)) failed=$((failed + f))
}

finish() {
  if [ "$skipped" -eq 1 ] && [ "$((passed + failed))" -eq 0 ]; then exit 77; fi
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

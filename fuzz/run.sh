#!/usr/bin/env bash
# Runs every target for some time, and fails if any of them found a crash.
#
# usage: fuzz/run.sh [seconds for each target, 60 by default]
set -euo pipefail

seconds=${1:-60}
cd "$(dirname "$0")"

cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked

# Sanitizers are not for stable compilers, unless they are told to forget that they are stable.
toolchain=()
if cargo +nightly --version >/dev/null 2>&1 && cargo +nightly fuzz build --fuzz-dir .; then
    toolchain=(+nightly)
else
    export RUSTC_BOOTSTRAP=1
    cargo fuzz build --fuzz-dir .
fi

dictionary_of() {
    case $1 in
    json | json_pointer | patches | comparison | credentials) echo json ;;
    configuration) echo toml ;;
    esac
}

failed=()
for file in fuzz_targets/*.rs; do
    target=$(basename "$file" .rs)
    dictionary=$(dictionary_of "$target")
    # New inputs go to the first folder; the seeds stay as they are.
    mkdir -p "corpus/$target"
    cargo "${toolchain[@]}" fuzz run --fuzz-dir . "$target" "corpus/$target" "seeds/$target" -- \
        ${dictionary:+-dict="dictionaries/$dictionary.dict"} \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 ||
        failed+=("$target")
done

if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: failed: ${failed[*]}; the inputs that crash are in fuzz/artifacts" >&2
    exit 1
fi
echo "fuzz: no crash"

#!/usr/bin/env bash
# Look for the Debian packages the tests use; as root with CI=true, install what is missing.
set -euo pipefail

list=$(dirname "$0")/debian-packages.txt
missing=()
untested=()
while IFS='|' read -r package program purpose; do
    if ! command -v "${program// /}" >/dev/null; then
        missing+=("${package// /}")
        untested+=("${purpose# }")
    fi
done < <(grep -v '^#' "$list")
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "${CI:-}" != true ] || [ "$(id -u)" -ne 0 ]; then
    echo "missing Debian packages; install them with: apt-get install --no-install-recommends ${missing[*]}"
    printf 'not tested without them: %s\n' "${untested[@]}"
    exit 0
fi

# While this policy stands, installing a package starts no daemon.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
apt-get install --yes --quiet --no-install-recommends "${missing[@]}"

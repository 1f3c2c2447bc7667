# Sourced by every shell script here: strict mode, the repository root as the working directory,
# and stamp files that let a step be skipped while its inputs stay the same. Bash 3.2 suffices (macOS).
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
BUILD=$ROOT/build
VENV=$BUILD/venv
mkdir -p "$BUILD/stamps"

# Commands here run unattended: nothing may wait for an answer, or colour what a program reads.
exec </dev/null
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false

say() { printf '==> %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# fingerprint TEXT FILE...: one line that changes when the text, or a file's name or content, changes.
fingerprint() {
  local text=$1
  shift
  { printf '%s\n' "$text" && for file in "$@"; do cksum "$file" 2>/dev/null || printf 'no %s\n' "$file"; done; } \
    | cksum | tr ' ' '-'
}

# fresh NAME FINGERPRINT: true when the step NAME last succeeded with this very fingerprint.
fresh() { [ -f "$BUILD/stamps/$1" ] && [ "$(cat "$BUILD/stamps/$1")" = "$2" ]; }

# stamp NAME FINGERPRINT: records success. Call it last.
stamp() { printf '%s\n' "$2" >"$BUILD/stamps/$1"; }

# unstamp NAME: call it before changing what NAME stands for, so that an interrupted step runs again.
unstamp() { rm -f "$BUILD/stamps/$1"; }

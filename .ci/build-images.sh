#!/usr/bin/env bash
# Builds the images sbc-agent:local and sbc-agent-mock-sbc:local.
# usage: build-images.sh [full|runtime]
#   full      from the sources, on BASE_IMAGE (node:22-bookworm-slim)
#   runtime   from what this machine compiles, on BASE_IMAGE (an image of this machine's own node, made here)
# Without an argument: full where the default base image is there or can be pulled, else runtime.
set -euo pipefail
cd "$(dirname "$0")/.."

default_base=node:22-bookworm-slim
has() { docker image inspect "$1" >/dev/null 2>&1; }
target="${1:-}"
if [ -z "$target" ]; then
  base="${BASE_IMAGE:-$default_base}"
  if has "$base" || timeout 120 docker pull -q "$base" >/dev/null 2>&1; then target=full; else target=runtime; fi
fi

case "$target" in
  full)
    base="${BASE_IMAGE:-$default_base}"
    context=.
    ;;
  runtime)
    base="${BASE_IMAGE:-sbc-agent-node-base:$(node -p process.version)}"
    [ -n "${BASE_IMAGE:-}" ] || has "$base" || .ci/make-node-base.sh "$base" >/dev/null
    context="$(mktemp -d)"
    trap 'rm -rf "$context"' EXIT
    node .ci/stage-runtime.mjs "$context"
    ;;
  *)
    echo "usage: build-images.sh [full|runtime]" >&2
    exit 2
    ;;
esac
docker build -q --build-arg "BASE_IMAGE=$base" --target "$target" -f config/deploy/Dockerfile -t sbc-agent:local "$context" >/dev/null
docker build -q --build-arg "BASE_IMAGE=$base" --target "$target" -f mocks/sbc/Dockerfile -t sbc-agent-mock-sbc:local "$context" >/dev/null
echo "built sbc-agent:local and sbc-agent-mock-sbc:local (target $target on $base)"

#!/usr/bin/env bash
# Makes sure that a container engine answers: installs Debian's docker.io where there is none, and starts dockerd by
# hand where no systemd does. May be called again. Exit 0: `docker info` works; exit 3: it cannot on this machine.
# Never stops or restarts an engine that runs. The log of one that it starts: DOCKERD_LOG (/tmp/dockerd.log).
set -euo pipefail

log() { printf 'ensure-docker: %s\n' "$*" >&2; }
alive() { timeout 10 docker info >/dev/null 2>&1; }
version() { docker version -f '{{.Server.Version}}'; }

if command -v docker >/dev/null && alive; then log "engine $(version) is there"; exit 0; fi

SUDO=""; [ "$(id -u)" = 0 ] || SUDO="sudo -n"
if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null; then
  command -v apt-get >/dev/null || { log "no dockerd, and no apt-get to install it with"; exit 3; }
  log "installing docker.io"
  export DEBIAN_FRONTEND=noninteractive
  # Without an init the package must not try to start its service: 101 forbids it.
  policy=""
  if [ ! -d /run/systemd/system ] && [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | $SUDO tee /usr/sbin/policy-rc.d >/dev/null
    $SUDO chmod +x /usr/sbin/policy-rc.d
    policy=made
  fi
  installed=yes
  { $SUDO apt-get update -qq && $SUDO apt-get install -y -qq --no-install-recommends docker.io iptables ca-certificates >/dev/null; } || installed=no
  [ -z "$policy" ] || $SUDO rm -f /usr/sbin/policy-rc.d
  [ "$installed" = yes ] || { log "apt-get could not install docker.io"; exit 3; }
fi

dockerd_log="${DOCKERD_LOG:-/tmp/dockerd.log}"
started=""
if [ -d /run/systemd/system ]; then
  $SUDO systemctl start docker || true
elif pgrep -x dockerd >/dev/null; then
  log "a dockerd runs already; waiting for its answer"
else
  log "starting dockerd, log in $dockerd_log"
  # A session of its own: it outlives this script and its terminal.
  $SUDO sh -c "setsid nohup dockerd >>'$dockerd_log' 2>&1 </dev/null & echo \$! >/tmp/dockerd.ensured.pid"
  started="$(cat /tmp/dockerd.ensured.pid)"
fi
for _ in $(seq 1 120); do
  if alive; then log "engine $(version) is up"; exit 0; fi
  [ -z "$started" ] || kill -0 "$started" 2>/dev/null || break
  sleep 0.5
done
log "no engine came up; the end of $dockerd_log:"
tail -5 "$dockerd_log" >&2 || true
exit 3

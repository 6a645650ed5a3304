#!/usr/bin/env bash
# Makes sure that a container engine answers: installs Debian's docker.io where there is none, and starts dockerd by
# hand where no systemd does. May be called again, also after an engine was killed. Exit 0: `docker info` works; exit 3:
# it cannot on this machine. Never stops or restarts an engine that runs. The log of one that it starts: DOCKERD_LOG
# (/tmp/dockerd.log).
set -euo pipefail

log() { printf 'ensure-docker: %s\n' "$*" >&2; }
alive() { timeout 10 docker info >/dev/null 2>&1; }
version() { docker version -f '{{.Server.Version}}'; }
# Is this process there, and no zombie? Where nothing reaps it, a killed one stays in /proc for good.
runs() {
  local key value
  while read -r key value; do
    [ "$key" != State: ] || { [ "${value:0:1}" != Z ]; return; }
  done 2>/dev/null <"/proc/$1/status"
  return 1
}
# The process ids of what runs by this name.
running() {
  local process comm
  for process in /proc/[0-9]*; do
    { read -r comm <"$process/comm"; } 2>/dev/null || continue
    if [ "$comm" = "$1" ] && runs "${process#/proc/}"; then echo "${process#/proc/}"; fi
  done
}
# Ends dockerd's own containerd, by its command line, where it outlived its dockerd: a new dockerd gets no answer from it
# and gives up. Containers outlive it, as they do any restart.
end_orphans() {
  local process signal
  for signal in TERM KILL; do
    for process in $(running containerd); do
      tr '\0' ' ' <"/proc/$process/cmdline" | grep -q 'run/docker/containerd/containerd\.toml' || continue
      log "ending containerd $process, left without its dockerd"
      $SUDO kill "-$signal" "$process" || true
      for _ in $(seq 1 25); do runs "$process" || break; sleep 0.2; done
    done
  done
}
# Removes a pid file whose process runs no longer by this name: what was killed leaves it behind, and the number may
# belong to a zombie or to somebody else by now. Then dockerd would refuse to start, or wait for a containerd.
forget() {
  local pid process
  pid="$($SUDO cat "$1" 2>/dev/null)" || return 0
  for process in $(running "$2"); do [ "$process" != "$pid" ] || return 0; done
  log "removing $1, left by $2 $pid"
  $SUDO rm -f "$1"
}

if command -v docker >/dev/null && alive; then log "engine $(version) is there"; exit 0; fi

SUDO=""; [ "$(id -u)" = 0 ] || SUDO="sudo -n"
if ! command -v docker >/dev/null || ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null; then
  command -v apt-get >/dev/null || { log "no docker, and no apt-get to install it with"; exit 3; }
  log "installing docker.io"
  export DEBIAN_FRONTEND=noninteractive
  # Without an init the package must not try to start its service: 101 forbids it.
  policy=""
  if [ ! -d /run/systemd/system ] && [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' | $SUDO tee /usr/sbin/policy-rc.d >/dev/null
    $SUDO chmod +x /usr/sbin/policy-rc.d
    policy=made
  fi
  packages=(docker.io iptables ca-certificates)
  installed=yes
  $SUDO apt-get update -qq || installed=no
  # Debian 13 has the client in a package of its own, which docker.io only recommends.
  if [ -n "$(apt-cache madison docker-cli 2>/dev/null)" ]; then packages+=(docker-cli); fi
  [ "$installed" = no ] || $SUDO apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null || installed=no
  [ -z "$policy" ] || $SUDO rm -f /usr/sbin/policy-rc.d
  [ "$installed" = yes ] || { log "apt-get could not install docker.io"; exit 3; }
fi

dockerd_log="${DOCKERD_LOG:-/tmp/dockerd.log}"
started=""
if [ -d /run/systemd/system ]; then
  $SUDO systemctl start docker || true
elif [ -n "$(running dockerd)" ]; then
  log "a dockerd runs already; waiting for its answer"
else
  end_orphans
  forget /var/run/docker.pid dockerd
  forget /var/run/docker/containerd/containerd.pid containerd
  log "starting dockerd, log in $dockerd_log"
  # A session of its own: it outlives this script and its terminal.
  $SUDO sh -c "setsid nohup dockerd >>'$dockerd_log' 2>&1 </dev/null & echo \$! >/tmp/dockerd.ensured.pid"
  started="$(cat /tmp/dockerd.ensured.pid)"
fi
for _ in $(seq 1 120); do
  if alive; then log "engine $(version) is up"; exit 0; fi
  [ -z "$started" ] || runs "$started" || break
  sleep 0.5
done
log "no engine came up; the end of $dockerd_log:"
tail -5 "$dockerd_log" >&2 || true
exit 3

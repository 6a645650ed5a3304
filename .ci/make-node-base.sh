#!/usr/bin/env bash
# Makes a base image of this machine's own node, without any registry: node and its libraries, and busybox for a shell.
# usage: make-node-base.sh IMAGE
# What native packages were compiled for on this machine runs in it: same node, same glibc. Without busybox (Debian's
# busybox-static) there is no shell, and the Dockerfiles' RUN lines want one: exit 2.
set -euo pipefail

image="$1"
node="$(readlink -f "$(command -v node)")"
busybox="$(command -v busybox)" || { echo "make-node-base: busybox is missing (apt-get install busybox-static)" >&2; exit 2; }
# A dynamic busybox would want libraries that are not in the image.
if ldd "$busybox" >/dev/null 2>&1; then echo "make-node-base: $busybox is not static (apt-get install busybox-static)" >&2; exit 2; fi

root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root"/{bin,dev,etc,home/node,proc,root,sys,tmp,usr/bin,usr/local/bin,var/tmp}
chmod 1777 "$root/tmp" "$root/var/tmp"
install -m755 "$node" "$root/usr/local/bin/node"
# Each library at the very path that the loader asks for. Without libnss_*: a static busybox crashes on them, and glibc
# has files and dns built in.
for library in $(ldd "$node" | awk '/=> \//{print $3} /^[ \t]*\/lib/{print $1}'); do
  install -D -m755 "$(readlink -f "$library")" "$root$library"
done
install -m755 "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
# `#!/usr/bin/env -S node ...` wants env there.
ln -s /bin/busybox "$root/usr/bin/env"
printf 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/home/node:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
certificates=/etc/ssl/certs/ca-certificates.crt
[ ! -f "$certificates" ] || install -D -m644 "$certificates" "$root$certificates"
tar -C "$root" --owner=0 --group=0 --numeric-owner -c . |
  docker import -c 'ENV PATH=/usr/local/bin:/usr/bin:/bin' -c 'CMD ["node"]' - "$image" >/dev/null
echo "$image"

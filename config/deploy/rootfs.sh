#!/bin/sh
# rootfs.sh BINARY FOLDER: what BINARY needs to run, as the root of a file system.
set -eu
binary=$1
root=$2

mkdir -p "$root/etc/ssl/certs"
cp "$binary" "$root/scoregate"
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
# The loader and the libraries, at the paths where the loader looks.
ldd "$binary" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

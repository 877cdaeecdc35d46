#!/bin/bash
#  R's package pbdZMQ opens libzmq.so by the path that it had when it was built (the -L of pkg-config then),
#  before its own shared object is loaded. Where that file is there, on Debian where libzmq3-dev is installed,
#  another libzmq.so.5 in LD_LIBRARY_PATH, R_LD_LIBRARY_PATH or the loader's cache is ignored; one that is
#  preloaded is not. Without libzmq3-dev the loader's choice holds.
#
#  Seen with: pbdZMQ 0.3.9 (r-cran-pbdzmq), R 4.2.2, on Debian 12.
#  Output seen:
#      R_LD_LIBRARY_PATH: /usr/lib/x86_64-linux-gnu/libzmq.so.5.2.4
#      LD_PRELOAD: the other one comes first
#
#  Needs Rscript, pbdZMQ and libzmq3-dev. Fails when the behaviour has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
libdir=$(pkg-config --variable=libdir libzmq)
cp "$libdir/libzmq.so.5" "$work"

mapped='library(pbdZMQ); cat(grep("libzmq", readLines("/proc/self/maps"), value = TRUE), sep = "\n")'
R_LD_LIBRARY_PATH=$work:$(R RHOME)/lib Rscript --vanilla -e "$mapped" 2>/dev/null | awk '/libzmq/ { print $6 }' | sort -u >"$work/seen"
echo "R_LD_LIBRARY_PATH: $(<"$work/seen")"
[ "$(<"$work/seen")" = "$(realpath "$libdir/libzmq.so.5")" ]

LD_PRELOAD=$work/libzmq.so.5 LD_DEBUG=bindings LD_DEBUG_OUTPUT=$work/bindings \
    Rscript --vanilla -e 'library(pbdZMQ); invisible(zmq.ctx.new())' >/dev/null 2>&1
grep -hE "pbdZMQ.so .* to $work/libzmq.so.5 .*symbol .zmq_ctx_new'" "$work"/bindings.* >/dev/null
echo "LD_PRELOAD: the other one comes first"
echo "As it was: pbdZMQ opens libzmq.so by its path."

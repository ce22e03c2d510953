#!/bin/sh
# Unpacks an archive that somebody uploaded.
set -e
cd /srv/uploads
tar xf "$1"
eval "$(cat ./post-install)"

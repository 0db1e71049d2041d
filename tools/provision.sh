#!/usr/bin/env bash
# Makes a Debian with Orthanc into the server: libraries, viewer, plugins. Runs as root inside the container image
# (Dockerfile) and inside the boxes (tools/setup) alike. The releases of Debian that it knows have a folder each in
# requirements/.
# Usage: tools/provision.sh [--dev]     --dev adds what tests and development need.
# Every step leaves a stamp of what it was made from and is skipped as long as that is unchanged.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
venv=/opt/venv
stamps=/opt/.orthanc-ai-stamps
mkdir -p "$stamps"
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1
# Node trusts its own list of certificate authorities unless told of the system's.
export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt

SECONDS=${SECONDS_BEFORE:-0}
say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
locks=$here/requirements/$suite
[ -n "$suite" ] && [ -d "$locks" ] || {
  echo "This is Debian '$suite', for which nothing is locked; there is: $(cd "$here/requirements" && echo */)" >&2
  exit 1
}

# step NAME INPUT...: runs the function NAME unless its stamp is that of the inputs (files, or words).
step() {
  local name=$1 stamp input
  shift
  stamp=$({ declare -f "$name"; for input in "$@"; do if [ -f "$input" ]; then cat "$input"; else echo "$input"; fi; done; } |
          sha256sum | cut -d' ' -f1)
  [ "$(cat "$stamps/$name" 2>/dev/null)" = "$stamp" ] && return
  "$name" "$@"
  echo "$stamp" > "$stamps/$name"
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  say "Debian packages: ${missing[*]}"
  apt-get -qq update
  # An earlier run may have been broken off (Ctrl-C) while dpkg was at work: then nothing is installed before it is put right.
  if [ -n "$(dpkg --audit)" ]; then
    dpkg --configure --pending > /dev/null 2>&1 || true
    apt-get -qq install --fix-broken --yes --no-install-recommends > /var/log/orthanc-ai-apt.log 2>&1 || true
  fi
  apt-get -qq install --yes --no-install-recommends "${missing[@]}" > /var/log/orthanc-ai-apt.log 2>&1 || {
    tail -n 30 /var/log/orthanc-ai-apt.log >&2
    return 1
  }
  apt-get clean
}

server_packages() { install_packages "$@"; }
build_packages() { install_packages "$@"; }
development_packages() { install_packages "$@"; }

# install_locked LOCK: exactly the files that the lock names; a source among them is built with Debian's tools alone, or
# fails. Debian's numpy and torch show through from the system, so what is checked afterwards is that both halves fit.
# Debian builds torch against its own sympy and without setuptools, and sympy against its own mpmath, whatever the
# metadata that it copies from upstream say.
install_locked() {
  local problems debians='torch [^ ]*[+]debian |sympy [^ ]* has requirement mpmath'
  "$venv/bin/pip" install --quiet --no-deps --require-hashes --no-build-isolation --requirement "$1"
  problems=$("$venv/bin/pip" check | grep -vE "^(No broken requirements|$debians)" || true)
  [ -z "$problems" ] || { echo "$problems" >&2; return 1; }
}

server_libraries() {
  say "Python libraries of the server into $venv"
  [ -x "$venv/bin/python3" ] || python3 -m venv --system-site-packages "$venv"
  install_locked "$1"
}

development_libraries() {
  say "Python libraries for development into $venv"
  install_locked "$1"
}

# fetch_packages FOLDER LOCK PACKAGE...: archives of npm into a folder. npm is needed for nothing else, so it comes as a
# Python wheel and goes again.
npm=
fetch_packages() {
  local folder=$1 lock=$2
  shift 2
  if [ -z "$npm" ]; then
    npm=$(mktemp -d)
    trap 'rm -rf "$npm"' EXIT
    python3 -m venv "$npm/venv"
    "$npm/venv/bin/pip" install --quiet --no-deps --require-hashes --requirement "$lock"
  fi
  (cd "$folder" && PATH="$npm/venv/bin:$PATH" npm pack --silent "$@") > "$npm/log" || {
    cat "$npm/log" >&2
    return 1
  }
}

viewer() {
  say "OHIF viewer into /opt/ohif"
  local work version
  work=$(mktemp -d)
  version=$(sed -n 's/^VERSION = "\(.*\)"$/\1/p' "$2")
  fetch_packages "$work" "$1" "@ohif/app@$version"
  python3 "$2" "$work"/ohif-app-*.tgz /opt/ohif
  rm -rf "$work"
}

charts() {
  say "Charts of the catalogue into /opt/charts"
  local work packages
  work=$(mktemp -d)
  read -ra packages <<< "$(python3 "$2")"
  fetch_packages "$work" "$1" "${packages[@]}"
  python3 "$2" "$work" /opt/charts
  rm -rf "$work"
}

# One folder of links to just the wanted plugins: the container image brings twenty more, some of which would take over
# the database, the storage or the web pages as soon as they are loaded.
plugins() {
  local name folder found
  rm -rf /opt/orthanc-plugins
  mkdir /opt/orthanc-plugins
  for name in OrthancPython OrthancDicomWeb OrthancGdcm OrthancExplorer2; do
    found=
    for folder in /usr/local/share/orthanc/plugins /usr/share/orthanc/plugins; do
      [ -z "$found" ] && [ -e "$folder/lib$name.so" ] && found=$folder/lib$name.so
    done
    if [ -n "$found" ]; then
      ln -s "$found" "/opt/orthanc-plugins/lib$name.so"
    elif [ "$name" != OrthancExplorer2 ]; then
      echo "There is no plugin lib$name.so in this system: install orthanc-python, orthanc-dicomweb, orthanc-gdcm." >&2
      return 1
    fi
  done
  say "Orthanc plugins: $(cd /opt/orthanc-plugins && echo lib*.so)"
}

step server_packages python3-venv python3-torch python3-torchvision
# PyPI has no wheel of pyjpegls for Python 3.14 yet: it is built from its source.
[ "$suite" != forky ] || step build_packages g++ python3-dev cython3 python3-setuptools
step server_libraries "$locks/server.lock"
step viewer "$here/requirements/build.lock" "$here/tools/ohif.py" "$here/tools/ohif-config.js"
step charts "$here/requirements/build.lock" "$here/tools/charts.py"
step plugins "$(ls /usr/local/share/orthanc/plugins /usr/share/orthanc/plugins 2>/dev/null | sha256sum)"
mkdir -p /var/lib/orthanc/db /var/lib/orthanc/ai

if [ "${1:-}" = --dev ]; then
  step development_packages dcmtk dicom3tools chromium chromium-driver fonts-dejavu-core iproute2 \
    buildah netavark mmdebstrap dcm2niix
  step development_libraries "$locks/dev.lock"
fi
say "ready"

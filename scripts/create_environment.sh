#!/bin/sh
# Create a virtual environment, and on Debian or Ubuntu as root the system libraries Qt and Xvfb need.
# usage: create_environment.sh FOLDER   (the interpreter is $PYTHON, python3 by default)
set -eu

venv=$1
python=${PYTHON:-python3}
libraries="libglib2.0-0 libegl1 libgl1 libgl1-mesa-dri libglx-mesa0 libxkbcommon-x11-0 libdbus-1-3
  libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0
  libxcb-shape0 libxcb-xinerama0 libfontconfig1 xvfb"

is_installed() {
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "napari-tide needs Python 3.11 or newer; say which with PYTHON=/path/to/python3" >&2
  exit 2
fi

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
  missing=
  for package in $libraries; do
    is_installed "$package" || missing="$missing $package"
  done
  "$python" -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
  if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
      apt-get update -qq
      # shellcheck disable=SC2086  # a list of package names
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    else
      echo "windows on this machine may need:  sudo apt-get install$missing" >&2
    fi
  fi
fi

"$python" -m venv "$venv"

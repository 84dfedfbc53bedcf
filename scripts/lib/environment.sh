# Sourced by the scripts beside it, from the repository's root. Prepares what they need, only when it is missing or old:
#   prepare_python requirements-….txt …   .venv with these locks installed (requirements-demo.txt: without dependencies)
#   prepare_clients                       .clients/NAME for each requirements-clients/NAME.txt: an SDK by itself, for tests
#   prepare_app                           .clients/function-app with requirements.txt alone: what Azure installs, for tests
#   prepare_node                          node_modules, as package-lock.json says
#   show_help NAME ARGUMENT …             if an argument is --help or -h: says what stands atop scripts/NAME, and ends
#   prepare_browser                       Chromium of the system, for tests of the page
# Runs on Debian and macOS (bash 3.2). Each lock is copied to a stamp once it is installed, so a warm start only compares.

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

wants_help() {
    case " $* " in *" --help "* | *" -h "*) return 0 ;; esac
    return 1
}

show_help() {
    local name="$1"
    shift
    if wants_help "$@"; then
        sed -n '2,/^[^#]/s/^# \{0,1\}//p' "scripts/$name"
        exit 0
    fi
}

python_fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if python_fits "$candidate"; then printf '%s' "$candidate"; return; fi
    done
    say "Python 3.11, 3.12 or 3.13 is needed${PYTHON:+, and PYTHON=$PYTHON is none of them}. Install one, then run this again:"
    say "  Debian, Ubuntu:  sudo apt-get install python3 python3-venv"
    fail "  macOS:           brew install python@3.13"
}

make_venv() {
    local python version
    python="$(find_python)" || exit 1
    version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python cannot make virtual environments yet. Run: sudo apt-get install python$version-venv   Then run this again."
    say "Making .venv with Python $version ..."
    rm -rf .venv
    "$python" -m venv .venv || fail "Could not make .venv (see above). Free some disk space or fix the folder's rights, then run this again."
}

install_lock() {
    local lock="$1" stamp=".venv/installed-$1" options=""
    if cmp -s "$lock" "$stamp"; then return; fi
    # The lock of developers has all of this one, in the same versions.
    if [ "$lock" = requirements-serve.txt ] && cmp -s requirements-dev.txt .venv/installed-requirements-dev.txt; then return; fi
    say "Installing $(grep -c '==' "$lock") packages of $lock (only when it changed; up to a minute or two) ..."
    if [ "$lock" = requirements-demo.txt ]; then options="--no-deps"; fi
    .venv/bin/python -m pip install -qq --no-compile --disable-pip-version-check $options -r "$lock" ||
        fail "Could not install $lock (see above). Check the network and run this again; what is installed already stays."
    cp "$lock" "$stamp"
}

prepare_python() {
    local lock
    if ! python_fits .venv/bin/python; then make_venv; fi
    for lock in "$@"; do install_lock "$lock"; done
}

make_environment() {
    local lock="$1" folder="$2"
    if cmp -s "$lock" "$folder/installed.txt"; then return; fi
    say "Making $folder with the packages of $lock (only when it changed) ..."
    rm -rf "$folder" && mkdir -p "$folder"
    .venv/bin/python -m venv --without-pip "$folder" &&
        .venv/bin/python -m pip --python "$folder/bin/python" install -qq --disable-pip-version-check -r "$lock" ||
        fail "Could not make $folder (see above). Check the network and the disk and run this again."
    cp "$lock" "$folder/installed.txt"
}

prepare_clients() {
    local lock
    for lock in requirements-clients/*.txt; do
        make_environment "$lock" ".clients/$(basename "$lock" .txt)"
    done
}

prepare_app() {
    make_environment requirements.txt .clients/function-app
}

prepare_node() {
    node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null ||
        fail "Node 20 or newer with npm is needed for Azurite, the storage emulator. Install it (nodejs.org, or brew install node), then run this again."
    if cmp -s package-lock.json node_modules/installed-package-lock.json; then return; fi
    say "Installing the Node packages of package-lock.json (only when it changed) ..."
    npm ci --no-audit --no-fund --loglevel=error ||
        fail "npm ci failed (see above). Check the network and run this again."
    cp package-lock.json node_modules/installed-package-lock.json
}

# Without rights to install it the tests of the page are skipped, or fail with CI set; they say so.
prepare_browser() {
    local as_root=""
    if command -v chromium chromium-browser google-chrome >/dev/null; then return; fi
    if ! command -v apt-get >/dev/null; then say "Chromium is not installed: the page is not tested."; return; fi
    if [ "$(id -u)" != 0 ]; then as_root="sudo -n"; fi
    say "Installing Chromium, to test the page ..."
    { $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null ||
        say "Chromium could not be installed (see above): the page is not tested. Run: sudo apt-get install chromium"
}

# shellcheck shell=bash
# Sourced by the other scripts. Sets `root`, the project's folder, and gives `set_up [EXTRA...]`,
# which brings $root/.venv up to date.
#
# CNNLAB_PYTHON names the Python to use. Without it the first that works is taken: .venv's own,
# then python3.11, python3.12, python3.13, python3 and python, wherever PATH has them.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

needs='cnnlab needs Python 3.11, 3.12 or 3.13 with its venv module'

candidates() {
    if [ -n "${CNNLAB_PYTHON:-}" ]; then
        printf '%s\n' "$CNNLAB_PYTHON"
        return
    fi
    printf '%s\n' "$root/.venv/bin/python"
    for name in python3.11 python3.12 python3.13 python3 python; do
        type -ap "$name" || :
    done
}

# Prints what Python $1 is: "ok", "Python X.Y" or "no venv: X.Y". What does not run, such as a pyenv
# shim whose version is not selected, prints nothing.
judge() {
    "$1" -c '
import sys
version = "%d.%d" % sys.version_info[:2]
try:
    import ensurepip, venv
    fits = "ok"
except ImportError:
    fits = "no venv: " + version
print(fits if version in ("3.11", "3.12", "3.13") else "Python " + version)
' 2>/dev/null </dev/null || :
}

# Says, in one line, what mends Python $1 of version $2, which lacks venv.
mend_venv() {
    case "$1" in
        /usr/bin/* | /bin/*)
            if command -v apt-get >/dev/null; then
                sudo=$([ "$(id -u)" = 0 ] || echo 'sudo ')
                echo "$1 has no venv module; mend it with: ${sudo}apt-get install python$2-venv"
                return
            fi
            ;;
    esac
    echo "$1 has no venv module: install all of Python $2, or name another: CNNLAB_PYTHON=PATH"
}

find_python() {
    local candidate verdict='' complaint=''
    while IFS= read -r candidate; do
        verdict=$(judge "$candidate")
        case "$verdict" in
            ok)
                python=$candidate
                return
                ;;
            'no venv: '*)
                complaint=${complaint:-$(mend_venv "$candidate" "${verdict#*: }")}
                ;;
        esac
    done < <(candidates)
    if [ -n "$complaint" ]; then
        echo "$complaint" >&2
    elif [ -n "${CNNLAB_PYTHON:-}" ]; then
        echo "CNNLAB_PYTHON=$CNNLAB_PYTHON: ${verdict:-does not run}; $needs" >&2
    else
        echo "$needs, and PATH has none: install one, or name it: CNNLAB_PYTHON=PATH" >&2
    fi
    exit 2
}

set_up() {
    find_python
    "$python" -I "$root/scripts/_setup.py" "$@"
}

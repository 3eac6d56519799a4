# shellcheck shell=bash
# Starts servers, and stops them all; to be sourced by scripts with `set -m`. Job control gives each server a process
# group of its own, so that Ctrl-C reaches the script alone, and it decides the order.
pids=()

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

listens() { # ADDRESS
  local host=${1%:*}
  host=${host#[}
  (exec 3<>"/dev/tcp/${host%]}/${1##*:}") 2>/dev/null
}

# Returns when it listens.
start() { # ADDRESS COMMAND ARGUMENT...
  local address=$1 deadline=$((SECONDS + 30))
  ! listens "$address" || fail "$address is already in use"
  "${@:2}" &
  # The newest first: a gateway stops before the decider that it asks.
  pids=($! "${pids[@]}")
  until listens "$address"; do
    kill -0 "${pids[0]}" 2>/dev/null || fail "${2##*/} ended before it listened on $address; what it said stands above"
    ((SECONDS < deadline)) || fail "${2##*/} does not listen on $address after 30 seconds"
    sleep 0.1
  done
}

stop_all() {
  # A second Ctrl-C does not wait for calls in flight.
  trap 'kill -KILL "${pids[@]}" 2>/dev/null' INT TERM
  for pid in "${pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || true
  done
}

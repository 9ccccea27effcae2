#!/usr/bin/env bash
# The shortest honest program beside xzepr-bridge in bash, with nothing but curl.
#   bash app.sh        WORK_API_URL (http://127.0.0.1:8900), POLL_SECONDS (1)
#
# bash cannot listen, so it asks: what no webhook takes waits at the bridge, and GET /work lists it with the event's id and
# type. Set BRIDGE_WEBHOOK_URL=http://127.0.0.1:9/events, where nobody listens: a refused delivery costs no attempt. What is
# reported completed or failed settles, and leaves the list; all else stays in it, also when this program is killed.
set -u
export LC_ALL=C # texts are bytes: percent-encoding wants them so
api=${WORK_API_URL:-http://127.0.0.1:8900}

# Your work, by the event's type. Prints the report's body in JSON; its exit code says whether that is completed or failed.
work() {
  if [[ $1 == *.failure ]]; then
    echo "{\"error\":\"$1 did not succeed\"}"
    return 1
  fi
  echo "{\"details\":{\"handled\":\"$1\"}}"
}

# It is beside us: no proxy of the environment lies between. A SIGTERM to the whole group must not cut a call short.
call() (
  trap '' TERM
  exec curl --silent --show-error --fail --max-time 30 --noproxy '*' "$@"
)

# A report can be repeated. Prefer: wait=10 has it answered when XZepr holds it, or after ten seconds by the bridge.
report() { # id, what, body
  call -o /dev/null -H 'prefer: wait=10' -H 'content-type: application/json' --data-raw "$3" "$api/work/$1/$2"
}

deliver() { # id, type
  local body code
  report "$1" started '{}' || return
  body=$(trap '' TERM && work "$2")
  code=$?
  if ((code == 0)); then
    report "$1" completed "$body"
  elif ((code < 128)); then # above, a signal has cut it short: neither done nor failed, it stays in the list
    report "$1" failed "$body"
  fi
}

# A JSON string, percent-encoded for a URL.
encoded() {
  local text char code out=
  printf -v text %b "${1//\\\"/\\x22}"
  while [[ $text ]]; do
    char=${text:0:1} text=${text:1}
    if [[ $char != [a-zA-Z0-9._~-] ]]; then
      printf -v code %d "'$char"
      printf -v char %%%02X $((code & 255))
    fi
    out+=$char
  done
  echo "$out"
}

stopping=
trap 'stopping=1' TERM # finishes the work in hand; the next ones wait for the next start
echo "asking $api/work"
string='"(([^"\\]|\\.)*)"'
one_work="\{\"id\":$string,\"state\":\"([a-z-]+)\",[^{}]*\"event_type\":$string"
after=
until [[ $stopping ]]; do
  page=$(call "$api/work?limit=100${after:+&after=$after}") || page=
  while [[ ! $stopping && $page =~ $one_work ]]; do
    page=${page#*"${BASH_REMATCH[0]}"}
    # Works that have ended are listed until XZepr has their report.
    case ${BASH_REMATCH[3]} in
      waiting | attempting | resting) deliver "$(encoded "${BASH_REMATCH[1]}")" "${BASH_REMATCH[4]}" ;;
    esac
  done
  after=
  if [[ $page =~ \"next\":$string ]]; then
    after=$(encoded "${BASH_REMATCH[1]}")
  elif [[ ! $stopping ]]; then
    sleep "${POLL_SECONDS:-1}" & # in the background: a signal ends the wait at once
    wait $!
  fi
done
exit 0 # not the code of a wait that a signal has cut short

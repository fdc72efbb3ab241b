#!/usr/bin/env bash
# Tries the whole platform with simulated customers and a stand-in for their provider: no account anywhere is needed.
#
# Start the platform with the simulator switched on, and WhatsApp's address pointed at the stand-in:
#
#   cargo up --variable @examples/simulator/variables.toml
#
# Then, in a second shell:
#
#   try.sh [--url URL] [--state-dir DIR]
#
#   --url URL         where the platform listens               (default http://127.0.0.1:3000)
#   --state-dir DIR   where its secrets.toml is                (default .kobliat at the repository's root)
#
# An API key that you set yourself is not in secrets.toml: give it as BOOTSTRAP_API_KEY.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
url=http://127.0.0.1:3000
state_dir=$here/../../.kobliat

fail() {
  echo "try.sh: $*" >&2
  exit 1
}

while (($#)); do
  case $1 in
    --url | --state-dir)
      (($# > 1)) || fail "$1 needs a value"
      if [[ $1 == --url ]]; then url=${2%/}; else state_dir=$2; fi
      shift
      ;;
    -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit ;;
    *) fail "unknown argument $1; try --help" ;;
  esac
  shift
done

command -v curl >/dev/null || fail "curl is needed: install it"
key=${BOOTSTRAP_API_KEY:-}
if [[ -z $key && -r $state_dir/secrets.toml ]]; then
  key=$(sed -n 's/^bootstrap_api_key *= *"\(.*\)"$/\1/p' "$state_dir/secrets.toml")
fi
[[ -n $key ]] || fail "no bootstrap_api_key in $state_dir/secrets.toml: start the platform first, name its --state-dir, or set BOOTSTRAP_API_KEY"

show() { # an answer on standard input, prettier where jq is
  if command -v jq >/dev/null; then jq .; else cat && echo; fi
}

field() { # NAME: the first text of this name in an answer on standard input
  grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4
}

number() { # NAME: the same for a number
  grep -o "\"$1\":[0-9.]*" | head -n 1 | cut -d ':' -f 2
}

ask() { # METHOD PATH [BODY]
  curl --silent --show-error --fail-with-body --max-time 60 -X "$1" "$url/api/v1$2" \
    --header "X-API-Key: $key" --header 'Content-Type: application/json' ${3:+--data "$3"}
}

echo "== An angry customer writes, through the real webhook, and will answer once by itself"
hello=$(ask POST /simulate '{"scenario":"angry_customer","seed":7,"answers":1,"pace":0}') || fail "$hello"
show <<<"$hello"
grep -q '"status":"success"' <<<"$hello" || fail "the platform did not take it: see gateway_response"

echo "== You answer. The provider is unkind: every second call fails, every report comes twice, some in the wrong order"
ask PUT /simulate/emulator '{"seed":7,"error_rate":0.5,"report_max_ms":300,"duplicate_rate":1,"reorder_rate":0.5}' >/dev/null
customer=$(ask GET "/customers/external/whatsapp/$(field external_id <<<"$hello")" | field id)
conversation=$(ask GET "/conversations?customer_id=$customer" | field id)
reply="{\"conversation_id\":\"$conversation\",\"direction\":\"outbound\",\"body\":\"We are so sorry! You get a refund.\"}"
sent=$(ask POST /messages "$reply") || fail "$sent"
message=$(field id <<<"$sent")

echo "== ... and the customer answers you (a refused message is tried again after 10 seconds)"
for _ in $(seq 60); do
  heard=$(ask GET "/simulate/conversations/$(field id <<<"$hello")")
  [[ $(grep -o '"from":"customer"' <<<"$heard" | wc -l) -ge 2 ]] && break
  sleep 1
done
show <<<"$heard"
[[ $(grep -o '"from":"customer"' <<<"$heard" | wc -l) -ge 2 ]] ||
  fail "your answer did not reach the customer: was the platform started with whatsapp_api_base_url and whatsapp_access_token as above?"
for _ in $(seq 20); do
  status=$(ask GET "/messages/$message" | field status)
  [[ $status == read ]] && break
  sleep 1
done
echo "your message is: $status"
ask PUT /simulate/emulator '{}' >/dev/null

echo "== 50 customers write 500 messages through a provider that batches, repeats and disorders them"
run=$(ask POST /simulate/run '{"customers":50,"messages":500,"chaos":0.3,"seed":7}') || fail "$run"
id=$(field id <<<"$run")
while grep -q '"ended_at":null' <<<"$run"; do
  echo "$(field status <<<"$run"): $(number webhooks_sent <<<"$run") of $(number webhooks <<<"$run") webhooks sent, messages of $(number customers_checked <<<"$run") customers compared"
  sleep 1
  run=$(ask GET "/simulate/runs/$id")
done
show <<<"$run"
[[ $(field status <<<"$run") == done ]] || fail "the run did not come to its end: see reason"
for fault in lost doubled altered order_violations unacknowledged; do
  [[ $(number "$fault" <<<"$run") == 0 ]] || fail "the run found a fault: $fault"
done
echo "nothing was lost, doubled, altered or put out of order. Simulated customers have numbers that begin with 999: look at them at $url/api/v1/conversations"

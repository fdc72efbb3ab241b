#!/usr/bin/env bash
# Signs a WhatsApp webhook as Meta does, posts it to a running platform, and shows the conversation that it became.
#
#   send.sh [--new] [--url URL] [--state-dir DIR] [--message FILE]
#
#   --new             another message: a fresh id and the present time (without it, a second run is a duplicate)
#   --url URL         where the platform listens               (default http://127.0.0.1:3000)
#   --state-dir DIR   where its secrets.toml is                (default .kobliat at the repository's root)
#   --message FILE    the payload                              (default message.json beside this script)
#
# Secrets that you set yourself are not in secrets.toml: give them as WHATSAPP_APP_SECRET and BOOTSTRAP_API_KEY.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
url=http://127.0.0.1:3000
state_dir=$here/../../.kobliat
message=$here/message.json
new=false

fail() {
  echo "send.sh: $*" >&2
  exit 1
}

while (($#)); do
  case $1 in
    --new) new=true ;;
    --url | --state-dir | --message)
      (($# > 1)) || fail "$1 needs a value"
      case $1 in
        --url) url=${2%/} ;;
        --state-dir) state_dir=$2 ;;
        --message) message=$2 ;;
      esac
      shift
      ;;
    -h | --help) sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit ;;
    *) fail "unknown argument $1; try --help" ;;
  esac
  shift
done

for tool in openssl curl; do
  command -v "$tool" >/dev/null || fail "$tool is needed: install it"
done
[[ -r $message ]] || fail "no such payload: $message"

# The value of a secret: from the environment, else as the platform generated it.
secret() {
  local variable value
  variable=$(tr a-z A-Z <<<"$1")
  value=${!variable:-}
  if [[ -z $value && -r $state_dir/secrets.toml ]]; then
    value=$(sed -n "s/^$1 *= *\"\(.*\)\"\$/\1/p" "$state_dir/secrets.toml")
  fi
  [[ -n $value ]] || fail "no $1 in $state_dir/secrets.toml: start the platform first (\`cargo up\`), name its --state-dir, or set $variable"
  printf %s "$value"
}

app_secret=$(secret whatsapp_app_secret)
api_key=$(secret bootstrap_api_key)

# The signature is over the bytes as they are sent, so they are made once and kept in a file.
body=$(mktemp)
trap 'rm -f "$body"' EXIT
if $new; then
  now=$(date +%s)
  sed -e "s/\"id\":\"wamid\.[^\"]*\"/\"id\":\"wamid.example-$now-$$-$RANDOM\"/" \
      -e "s/\"timestamp\":\"[0-9]*\"/\"timestamp\":\"$now\"/" "$message" >"$body"
else
  cat "$message" >"$body"
fi
signature=$(openssl dgst -sha256 -hmac "$app_secret" -r <"$body" | cut -d ' ' -f 1)

show() { # an answer on standard input, prettier where jq is
  if command -v jq >/dev/null; then jq .; else cat && echo; fi
}

echo "POST $url/webhooks/whatsapp"
curl --silent --show-error --fail-with-body --max-time 15 "$url/webhooks/whatsapp" \
  --header 'Content-Type: application/json' \
  --header "X-Hub-Signature-256: sha256=$signature" \
  --data-binary "@$body" | show

echo
echo "GET $url/api/v1/conversations"
curl --silent --show-error --fail-with-body --max-time 15 "$url/api/v1/conversations?limit=5" \
  --header "X-API-Key: $api_key" | show

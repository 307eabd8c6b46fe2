#!/bin/sh
# Send one webhook, and send it again until it has arrived.  Needs curl and openssl.
#
#     WEBHOOK_URL=https://pay.example.com/webhook/payment WEBHOOK_SECRET=... send.sh FILE [standard]
#
# Signs with X-Signature, or, with "standard", with the three headers of Standard Webhooks.  Exit status: 0 it has arrived,
# 1 it was refused and a person must look, 75 nobody could take it: keep it and try again later.
#
# While openssl runs, other users of this machine can read the key in its arguments.  Where there are any, use send.py.
set -eu

ATTEMPTS=8
TIMEOUT_S=30 # The service answers within 8 seconds, or a little later.

file=${1:?usage: send.sh FILE [standard]}
: "${WEBHOOK_URL:?}" "${WEBHOOK_SECRET:?}"
scheme=${2:-}
id=msg_$(openssl rand -hex 16) # The same for every attempt.
answer=$(mktemp -d)
trap 'rm -rf "$answer"' EXIT

hex() {
	od -An -v -tx1 | tr -d ' \n'
}

hmac() { # KEY-IN-HEX, the message on stdin: the digest's 32 bytes
	openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -binary
}

x_signature() {
	key=$(printf %s "$WEBHOOK_SECRET" | hex)
	echo "X-Signature: $(hmac "$key" <"$file" | hex)"
}

standard_webhooks() {
	# The time is each attempt's own: it is believed for 5 minutes.
	now=$(date +%s)
	case $WEBHOOK_SECRET in
	whsec_*) key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | hex) ;;
	*) key=$(printf %s "$WEBHOOK_SECRET" | hex) ;;
	esac
	echo "webhook-id: $id"
	echo "webhook-timestamp: $now"
	echo "webhook-signature: v1,$({ printf %s "$id.$now." && cat "$file"; } | hmac "$key" | openssl base64 -A)"
}

wait=1
attempt=1
while [ $attempt -le $ATTEMPTS ]; do
	if [ "$scheme" = standard ]; then standard_webhooks; else x_signature; fi >"$answer/signature"
	: >"$answer/body"
	# --data-binary sends the file's bytes as they are; --data would drop its line ends.
	status=$(curl --silent --show-error --max-time $TIMEOUT_S --output "$answer/body" --dump-header "$answer/head" \
	    --write-out '%{http_code}' --header 'Content-Type: application/json' --header @"$answer/signature" \
	    --data-binary @"$file" "$WEBHOOK_URL") || status=000
	echo "$status $(cat "$answer/body")"
	pause=$wait
	case $status in
	2?? | 409) exit 0 ;;
	429 | 502 | 503 | 504)
		after=$(sed -n 's/^[Rr]etry-[Aa]fter: *\([0-9][0-9]*\).*/\1/p' "$answer/head")
		[ "${after:-0}" -le "$wait" ] || pause=$after
		;;
	000) ;; # No answer came.
	*) exit 1 ;;
	esac
	[ $attempt -eq $ATTEMPTS ] || sleep "$pause"
	wait=$((wait * 2))
	attempt=$((attempt + 1))
done
exit 75

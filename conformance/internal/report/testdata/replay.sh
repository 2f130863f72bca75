#!/usr/bin/env bash
# OP-18: t
#
# what was found $(touch x)
#
# SERVER and TOKEN can be other ones.
# A call that is refused may be what is to be shown: the script goes on.
set -u
for tool in grpcurl curl jq; do
	command -v "$tool" >/dev/null || { echo "$0: want $tool on PATH" >&2; exit 127; }
done

test -n "${SERVER-}" || SERVER=127.0.0.1:8080
answer=$(grpcurl -plaintext -H "authorization: Bearer ${TOKEN-}" -H 'idempotency-key: 7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a11' -d '{"folderId":"b1g0","name":"it'\''s golden","desktopId":"desk-succeeds"}' "$SERVER" yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop); echo "$answer"
op1=$(jq -r .id <<<"$answer")
image1=$(jq -r .metadata.imageId <<<"$answer")
sleep 2.00
grpcurl -plaintext -d '{"operationId":"'"$op1"'"}' "$SERVER" yandex.cloud.operation.OperationService/Get
sleep 15.00
curl -sS --path-as-is -X GET "http://$SERVER"/operations/"$op1"
sleep 1.00
grpcurl -plaintext -d '{"operationId":"'"$op1"'"}' "$SERVER" yandex.cloud.operation.OperationService/Get
sleep 2.00
grpcurl -plaintext -d '{"operationId":"'"$op1"'"}' "$SERVER" yandex.cloud.operation.OperationService/Cancel
sleep 1.00
curl -sS -H 'content-type: application/json' -d '{"imageId":"'"$image1"'"}' "http://$SERVER"/yandex.cloud.clouddesktop.v1.api.DesktopImageService/Get
sleep 1.00
base64 -d <<<AAAAAAQKAv/+ | curl -sS -H 'te: trailers' --http2-prior-knowledge -i --output - -H 'content-type: application/grpc' --data-binary @- "http://$SERVER"/yandex.cloud.operation.OperationService/Get | od -A d -t x1z

#!/usr/bin/php
<?php
// Send one webhook, and send it again until it has arrived.
//
//     WEBHOOK_URL=https://pay.example.com/webhook/payment WEBHOOK_SECRET=... php send.php FILE [standard]
//
// Signs with X-Signature, or, with "standard", with the three headers of Standard Webhooks.  Exit status: 0 it has
// arrived, 1 it was refused and a person must look, 75 nobody could take it: keep it and try again later.

declare(strict_types=1);

const ATTEMPTS = 8;
const TIMEOUT_S = 30; // The service answers within 8 seconds, or a little later.
const TRY_AGAIN = [429, 502, 503, 504];

function x_signature(string $secret, string $body): array
{
    return ['X-Signature: ' . hash_hmac('sha256', $body, $secret)];
}

function standard_webhooks(string $secret, string $body, string $id, int $now): array
{
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6), true) : $secret;
    $digest = hash_hmac('sha256', "$id.$now.$body", $key, true);
    return ["webhook-id: $id", "webhook-timestamp: $now", 'webhook-signature: v1,' . base64_encode($digest)];
}

// The status (0: no answer came), Retry-After in seconds, and the answer's body.
function post(string $url, string $body, array $headers): array
{
    $context = stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: application/json', ...$headers],
        'content' => $body,
        'timeout' => TIMEOUT_S,
        'follow_location' => 0,
        'ignore_errors' => true, // The bodies of 4xx and 5xx are wanted too.
    ]]);
    $answer = @file_get_contents($url, false, $context);
    if ($answer === false || !preg_match('~^HTTP/\S+ (\d+)~', $http_response_header[0] ?? '', $line)) {
        return [0, 0, error_get_last()['message'] ?? 'no answer'];
    }
    $waits = preg_filter('~^Retry-After:\s*(\d+)\s*$~i', '$1', $http_response_header);
    return [(int) $line[1], (int) (end($waits) ?: 0), $answer];
}

function send(string $url, string $secret, string $body, bool $standard): int
{
    $id = 'msg_' . bin2hex(random_bytes(16)); // The same for every attempt.
    $wait = 1;
    for ($attempt = 1; $attempt <= ATTEMPTS; $attempt++) {
        // The time is each attempt's own: it is believed for 5 minutes.
        $headers = $standard ? standard_webhooks($secret, $body, $id, time()) : x_signature($secret, $body);
        [$status, $retry_after, $answer] = post($url, $body, $headers);
        echo $status, ' ', trim($answer), "\n";
        if (($status >= 200 && $status < 300) || $status === 409) {
            return 0;
        }
        if ($status !== 0 && !in_array($status, TRY_AGAIN, true)) {
            return 1;
        }
        if ($attempt < ATTEMPTS) {
            sleep(max($wait, $retry_after));
            $wait *= 2;
        }
    }
    return 75;
}

// Read, or json_encode(), once: what is signed must be, byte for byte, what is sent.
$body = file_get_contents($argv[1] ?? exit("usage: send.php FILE [standard]\n"));
exit(send(getenv('WEBHOOK_URL'), getenv('WEBHOOK_SECRET'), $body, ($argv[2] ?? '') === 'standard'));

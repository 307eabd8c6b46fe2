<?php
// The receive path in PHP: check the signature, read the JSON, insert one row durably, answer.
// The environment (from the pool's configuration): PEER_SECRET, PEER_DB.

function answer(int $status, string $word): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    exit(json_encode(['status' => $word]));
}

// One connection for the life of the process, as far as PHP can.
$db = new PDO('sqlite:' . getenv('PEER_DB'), options: [PDO::ATTR_PERSISTENT => true, PDO::ATTR_TIMEOUT => 5]);
$db->exec('PRAGMA synchronous = FULL');

$body = file_get_contents('php://input');
if (!hash_equals(hash_hmac('sha256', $body, getenv('PEER_SECRET')), $_SERVER['HTTP_X_SIGNATURE'] ?? '')) {
    answer(401, 'unauthorized');
}
$order = json_decode($body, true, 16)['course_order'] ?? null;
if (!is_string($order['payment_id'] ?? null) || !is_array($order['course_order_items'] ?? null)) {
    answer(400, 'invalid');
}
$amount = array_sum(array_column($order['course_order_items'], 'cost'));
$insert = $db->prepare('INSERT INTO payment (payment_id, amount, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
$insert->execute([$order['payment_id'], $amount, $body]);
answer($insert->rowCount() ? 202 : 409, $insert->rowCount() ? 'queued' : 'duplicate');

"""What the demo, `make run` and the end-to-end tests share: the whole stack on loopback, its senders and its witnesses."""

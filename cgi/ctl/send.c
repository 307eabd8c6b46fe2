/*
 * paymentctl send: sign and post a webhook as the platform does, to try out the way in: nginx,
 * signature, service, ledger.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "amocrm/http_client.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "commands.h"
#include "print.h"
#include "row.h"

/* The service's own answer comes within INLINE_DEADLINE_MS; nginx gives up after a minute. */
#define PATIENCE_MS (60 * 1000)

#define HERE "http://127.0.0.1/webhook/payment"

/* All of a file, "-" for stdin, as new bytes; NULL, having complained. */
static char *
read_all(const char *path, size_t *size)
{
	char *bytes = NULL, part[4096];
	size_t got;
	FILE *all;
	bool failed;

	if (strcmp(path, "-") != 0 && freopen(path, "r", stdin) == NULL) {
		print_complaint("%s: %s", path, strerror(errno));
		return NULL;
	}
	all = memory_stream(&bytes, size);
	while ((got = fread(part, 1, sizeof(part), stdin)) > 0)
		fwrite(part, 1, got, all);
	if ((failed = ferror(stdin) != 0))
		print_complaint("%s: %s", path, strerror(errno));
	memory_stream_end(all);
	if (!failed)
		return bytes;
	free(bytes);
	return NULL;
}

static const char *
sign(char line[static CRYPTO_SHA256_HEX + 16], const char *secret, const char *body, size_t size)
{
	struct crypto_piece piece = { body, size };
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_hmac_sha256(secret, strlen(secret), &piece, 1, digest);
	encoding_to_hex(digest, sizeof(digest), stpcpy(line, "X-Signature: "));
	return line;
}

static void
print_response(const struct ctl *ctl, int status, const char *body, const json_t *response)
{
	if (ctl->json) {
		print_json(json_pack("{s:i, s:O?}", "http", status, "answer", response));
		return;
	}
	print_line(status < 300 ? PRINT_GOOD : PRINT_BAD, "HTTP %d", status);
	if (response != NULL)
		print_json(json_incref((json_t *)response));
	else
		print_line(PRINT_PLAIN, "%.200s", body);
}

/* A payment that is there already has arrived. */
static int
exit_status(int status, const json_t *response)
{
	if (status / 100 == 2 ||
	    (status == 409 && strcmp(row_text(response, "status"), "duplicate") == 0))
		return EX_OK;
	return status == 429 || status == 503 ? EX_TEMPFAIL : CTL_FINDINGS;
}

static int
post(const struct ctl *ctl, const char *body, size_t size)
{
	char line[CRYPTO_SHA256_HEX + 16];
	struct http_client_request request = { .method = "POST",
		.url = ctl->url != NULL ? ctl->url : HERE,
		.body = body,
		.body_size = size,
		.header = sign(line, ctl->settings->webhook_secret, body, size),
		.deadline_ms = clock_mono_ms() + PATIENCE_MS,
		.once = true };
	struct http_client_response received;
	struct http_client *http = NULL;
	struct fault why;
	json_t *response;
	int status;

	/* amoCRM's token goes to amoCRM only. */
	if (http_client_open(NULL, ctl->settings->amo_ca_file, &http, &why) != DONE ||
	    http_client_exchange(http, &request, &received, &why) != DONE) {
		status = print_fault(&why);
	} else {
		response = json_loadb(received.body, received.size, 0, NULL);
		print_response(ctl, received.status, received.body, response);
		status = exit_status(received.status, response);
		json_decref(response);
	}
	/* Only nginx's configuration says where the service is. */
	if (status != EX_OK && ctl->url == NULL)
		print_complaint("this was " HERE "; say --url if that is not the service");
	http_client_close(http);
	return status;
}

int
ctl_send(const struct ctl *ctl)
{
	size_t size = 0;
	char *body;
	int status;

	if ((body = read_all(ctl->operands[0], &size)) == NULL)
		return CTL_FINDINGS;
	signal(SIGPIPE, SIG_IGN);
	status = post(ctl, body, size);
	free(body);
	return status;
}

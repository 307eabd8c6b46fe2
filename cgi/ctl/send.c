/*
 * paymentctl: posting a webhook as the platform does.
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
#include "base/memory.h"
#include "commands.h"
#include "print.h"

/* The service's own answer comes within INLINE_DEADLINE_MS; nginx gives up after a minute. */
#define PATIENCE_MS (60 * 1000)

#define HERE "http://127.0.0.1/webhook/payment"

/* All of a file, "-" for stdin, as new bytes; NULL, having complained. */
static char *
read_all(const char *path, size_t *size)
{
	bool is_stdin = strcmp(path, "-") == 0, failed;
	FILE *file = is_stdin ? stdin : fopen(path, "r"), *all;
	char *bytes = NULL, part[4096];

	if (file == NULL) {
		print_complaint("%s: %s", path, strerror(errno));
		return NULL;
	}
	all = memory_stream(&bytes, size);
	while (!feof(file) && !ferror(file)) {
		size_t got = fread(part, 1, sizeof(part), file);

		fwrite(part, 1, got, all);
	}
	if ((failed = ferror(file) != 0))
		print_complaint("%s: %s", path, strerror(errno));
	if (!is_stdin)
		fclose(file);
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
	char *to = line + sprintf(line, "X-Signature: ");
	size_t i;

	crypto_hmac_sha256(secret, strlen(secret), &piece, 1, digest);
	for (i = 0; i < sizeof(digest); i++)
		to += sprintf(to, "%02x", digest[i]);
	return line;
}

static void
print_answer(const struct ctl *ctl, int status, const char *body, const json_t *answer)
{
	json_t *all;

	if (ctl->json) {
		all = json_pack("{s:i, s:O?}", "http", status, "answer", answer);
		ctl_json(all);
		json_decref(all);
		return;
	}
	print_line(status < 300 ? PRINT_GOOD : PRINT_BAD, "HTTP %d", status);
	if (answer != NULL)
		ctl_json(answer);
	else
		print_line(PRINT_PLAIN, "%.200s", body);
}

/* A payment that is there already has arrived. */
static int
exit_status(int status, const json_t *answer)
{
	const char *said = json_string_value(json_object_get(answer, "status"));

	if (status / 100 == 2 || (status == 409 && said != NULL && strcmp(said, "duplicate") == 0))
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
	struct http_client_response heard;
	struct http_client *http = NULL;
	struct fault why;
	json_t *answer;
	int status;

	/* amoCRM's token goes to amoCRM only. */
	if (http_client_open(NULL, ctl->settings->amo_ca_file, &http, &why) != DONE ||
	    http_client_exchange(http, &request, &heard, &why) != DONE) {
		status = ctl_complain(&why);
	} else {
		answer = json_loadb(heard.body, heard.size, 0, NULL);
		print_answer(ctl, heard.status, heard.body, answer);
		status = exit_status(heard.status, answer);
		json_decref(answer);
	}
	/* Nobody but nginx knows where the service is to be found. */
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

	if ((body = read_all(ctl->words[0], &size)) == NULL)
		return CTL_FINDINGS;
	signal(SIGPIPE, SIG_IGN);
	status = post(ctl, body, size);
	free(body);
	return status;
}

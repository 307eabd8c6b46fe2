/*
 * Which addresses of amoCRM are accepted.
 *
 * The check reads the text itself rather than ask a URL library: what is refused here (a user, a
 * path, a query, plain http to another host) is what a library would accept, and each of them would
 * send the token somewhere unexpected.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "base/text.h"
#include "base/url.h"

#define HOST_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

/* The length of the host at the beginning of the text, 0 when there is none. */
static size_t
host_length(const char *text)
{
	size_t length;

	if (text[0] != '[')
		return strspn(text, HOST_LETTERS);
	length = strspn(text + 1, "0123456789abcdefABCDEF:.");
	return length > 0 && text[1 + length] == ']' ? length + 2 : 0;
}

/* 127.evil.example would begin with 127. too, so an address must be one throughout. */
static bool
is_loopback(const char *host)
{
	struct in_addr address;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool
url_is_base(const char *text)
{
	bool plain = strncasecmp(text, "http://", 7) == 0;
	size_t length;
	int64_t port;
	char *host;
	bool good;

	if (!plain && strncasecmp(text, "https://", 8) != 0)
		return false;
	text += plain ? 7 : 8;
	length = host_length(text);
	if (length == 0)
		return false;
	host = text_part(text, length);
	good = !plain || is_loopback(host);
	free(host);
	text += length;
	if (*text == ':') {
		text++;
		if (!number_read(&text, 5, 1, 65535, &port))
			return false;
	}
	return good && strspn(text, "/") == strlen(text);
}
